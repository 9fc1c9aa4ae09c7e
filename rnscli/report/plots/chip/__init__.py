"""Pictures of chips that run networks."""
