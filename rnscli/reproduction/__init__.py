"""Published results, computed again beside what is printed: `rnscli reproduce`."""
