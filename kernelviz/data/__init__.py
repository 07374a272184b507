"""Images on their way in: named sets, folders and files as arrays, and untrusted bytes as pixels."""
