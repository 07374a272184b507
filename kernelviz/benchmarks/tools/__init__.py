"""Maps by other tools beside ours: the fit, the placing of new images, what the neighbours on them are worth."""
