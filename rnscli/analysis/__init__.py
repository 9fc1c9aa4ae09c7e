"""One file a question: pure functions from frozen parameter objects to frozen result objects."""
