"""From Compose files to an App: yaml, interpolation, merge, schema, normal form. Pure but for the files it reads."""
