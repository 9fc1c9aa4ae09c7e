"""What fault probability, exactly, and how much redundancy."""
