"""The page Runs: all runs, what is known of each, and what can be done with them."""
