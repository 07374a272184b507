"""A network in use and how good it is: inference, metrics, novelty of new images, depths side by side."""
