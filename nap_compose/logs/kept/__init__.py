"""Container lines that are kept in files: their format, where they stand, writing, reading."""
