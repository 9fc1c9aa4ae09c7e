"""From devices to the noise of what is read: a budget, part by part, and what a budget allows."""
