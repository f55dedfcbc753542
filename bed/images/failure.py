"""The one error of building and bringing images."""


class BuildFailed(Exception):
    """An image could not be built; the text says what to try."""
