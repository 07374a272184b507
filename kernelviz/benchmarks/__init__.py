"""A module for each thing that is measured beside its peers, in one run, with a `report()`."""
