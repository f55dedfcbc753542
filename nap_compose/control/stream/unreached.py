"""Why the broker at the other end didn't answer, as the person is told."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from nap_compose.errors import Away, NapError, NotAllowed
from nap_compose.exits import Exit

SSH_FAILED = 255
"""How ssh ends where it failed itself; with the broker's own code otherwise."""
_SHUT = ("Permission denied", "Too many authentication failures", "Authentication failed")


def no_answer(argv: Sequence[str], seconds: float) -> Away:
    """It didn't greet in time."""
    whose = "the control machine" if argv[0] == "ssh" else "the broker"
    return Away(f"{whose} says nothing for {seconds:.0f} s")


def not_the_broker(argv: Sequence[str]) -> NotAllowed:
    """Something else answered."""
    return NotAllowed(
        f"what answers isn't the broker: {shlex.join(argv)}",
        hint="a shell's start-up file there that prints something is the usual reason",
    )


def not_started(argv: Sequence[str], code: int | None, said: Sequence[str]) -> NapError:
    """What was to start it ended with `code`, and had `said` these lines."""
    why = said[-1] if said else f"it ended with {code}"
    if argv[0] == "ssh" and code == SSH_FAILED:
        return _by_ssh(argv, why, said)
    if code == Exit.NOT_ALLOWED:  # it has started, and said why it goes no further
        return NotAllowed(why)
    return NotAllowed(
        f"the broker can't be started: {why}",
        hint=f"it is started with: {shlex.join(argv)}; "
        "the sudo rule is for members of the group nap-users (nap cluster setup-control)",
    )


def _by_ssh(argv: Sequence[str], why: str, said: Sequence[str]) -> NapError:
    """ssh has no terminal here: what it would ask, it refuses."""
    by_hand = _by_hand(argv)
    if any("Host key verification failed" in line for line in said):
        return NotAllowed(
            f"the control machine's key isn't known, or another than it was: {why}",
            hint=f"`{by_hand}` shows it and asks; compare it with what an admin tells you",
        )
    if any(words in why for words in _SHUT):
        return NotAllowed(
            f"the control machine doesn't let you in: {why}",
            hint=f"`{by_hand}` must do so without asking: with a key that it knows you by, "
            "and that ssh-agent holds where it has a passphrase",
        )
    return Away(f"the control machine can't be reached: {why}")


def _by_hand(argv: Sequence[str]) -> str:
    """The same ssh as a person types it, to be asked and to see."""
    to_port = argv[argv.index("-p") :][:2] if "-p" in argv else ()
    return shlex.join(["ssh", "-n", *to_port, argv[argv.index("--") + 1], "true"])
