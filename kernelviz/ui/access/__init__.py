"""Who may ask the server, and for how much at a time."""
