"""Untrusted bytes on their way in: files, archives and images become what a network takes."""
