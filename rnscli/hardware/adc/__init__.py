"""Models of analog-to-digital converters: one file a model, one registry."""
