"""What nap's exit codes mean; scripts rely on them, so they never change their meaning."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command but `exec`, `run` and `wait`, which give the container's own."""

    DONE = 0
    """Done, or nothing to do."""
    FAILED = 1
    """Failed; also: a container stayed unhealthy, or the deployment was rolled back."""
    WRONG_USE = 2
    """Wrong use of the command, or a file that isn't valid."""
    NO_ROOM = 3
    """No host has room, or a quota is used up."""
    NOT_ALLOWED = 4
    """Not logged in, or not allowed."""
    PARTIAL = 5
    """A host, Consul, MySQL or LDAP that was needed was away."""
    STALE_PLAN = 6
    """The saved plan no longer fits the world."""
    LOCKED = 7
    """Another deployment of the same app is at work."""
    UNANSWERED = 8
    """Data would be lost or moved, and nobody was there to say that it may; nothing was done."""
    NO_ANSWER = 125
    """In place of a command's own code: nap itself failed (`exec`, `run`, `attach`, `wait`)."""
    INTERRUPTED = 130
    """Ctrl-C."""
