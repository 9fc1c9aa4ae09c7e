"""What energy, latency and area."""
