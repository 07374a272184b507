"""Data sets: images by name, from folders and from files; ratings; graphs of nearest neighbours."""
