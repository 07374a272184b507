"""Finding good settings: short trainings that are judged on the validation part, and what came of each."""
