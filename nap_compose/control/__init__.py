"""The border between the user's process and whoever holds the keys."""
