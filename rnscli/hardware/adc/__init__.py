"""Analog-to-digital converters: one model a file, and the registry of all."""
