"""The page Upload, and the routes that its files take."""
