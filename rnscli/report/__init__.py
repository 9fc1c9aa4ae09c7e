"""From result objects to tables, files and plots."""
