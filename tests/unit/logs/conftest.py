"""What the tests of logs share."""

from tests.support.following import nobody_follows_on

__all__ = ["nobody_follows_on"]
