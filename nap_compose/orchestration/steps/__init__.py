"""How each kind of step is done and taken back: thin acts on one engine."""
