"""What accuracy of a network on a core, and whether it can be trained there."""
