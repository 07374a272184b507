"""The page Recommend."""
