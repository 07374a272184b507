"""Training: one loop for every task, its checkpoints, and the run that a finished training leaves."""
