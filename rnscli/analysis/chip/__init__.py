"""A chip of many arrays that runs a network."""
