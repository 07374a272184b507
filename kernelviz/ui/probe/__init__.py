"""The page Probe."""
