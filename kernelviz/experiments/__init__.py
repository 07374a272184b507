"""A module for each figure or table of the paper, with its numbers and a `report()` that sets ours beside them."""
