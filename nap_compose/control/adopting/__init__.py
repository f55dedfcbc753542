"""Moving in an app that a host's own Compose runs, and giving it back."""
