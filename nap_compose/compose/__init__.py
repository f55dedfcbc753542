"""From Compose files to an App. Pure but for the files it reads."""
