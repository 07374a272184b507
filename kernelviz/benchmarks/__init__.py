"""One module for each benchmark: its `report(note)` measures the compared methods in one run."""
