"""What an accelerator is made of, and what runs on it."""
