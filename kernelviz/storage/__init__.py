"""What lies on disk: runs with their records, weights, maps and items."""
