"""What a container's state means, and who watches it."""
