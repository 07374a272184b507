"""What people bring: folders, archives, tables and arrays of pictures or vectors, each read to one kind of listing."""
