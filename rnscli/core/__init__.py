"""The arithmetic and the noise model that every command shares."""
