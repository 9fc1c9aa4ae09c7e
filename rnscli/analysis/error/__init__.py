"""What error: Monte Carlo of dot products."""
