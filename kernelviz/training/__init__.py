"""Training: what to train (recipe), what it costs (objectives), and the loop (fit)."""
