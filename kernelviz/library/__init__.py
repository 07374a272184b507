"""What is done with finished runs: rename, delete, restore, note, compare, hand on, and bring in from elsewhere."""
