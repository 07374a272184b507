"""The map as a widget in a notebook: the canvas of the dashboard, asking the kernel in place of a server."""
