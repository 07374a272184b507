"""Maps of millions of points: the page is sent tiles of their density, and the points that are in view."""
