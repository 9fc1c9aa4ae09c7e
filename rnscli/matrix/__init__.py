"""Matrix products on an analog core: tiles, scales, channels, accumulation."""
