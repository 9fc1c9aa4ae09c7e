"""What every room stands on: errors, checks, units, files, words. No physics, no NumPy."""
