"""The cases, one file a subject. A file that is added here is found by itself."""
