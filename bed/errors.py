"""The one kind of error that the bed shows to a person."""


class BedError(Exception):
    """Says what failed, why, and the next thing to try."""
