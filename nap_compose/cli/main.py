"""The `nap` command's first moments: what must be right before anything else is imported."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nap_compose.cli.session import Session


def main(argv: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run one command and give its exit code; the console script ends with it.

    `argv` are the words after `nap`; `session` is given by tests.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if session is None:
        _open_what_is_closed()
        # Until nap listens, Ctrl-C ends it as it ends any program, without a word of Python's.
        usual = signal.signal(signal.SIGINT, signal.SIG_DFL)
        from nap_compose import spared

        spared.modules()
        with spared.patterns:
            from nap_compose.cli.calling import call

        signal.signal(signal.SIGINT, usual)
    else:
        from nap_compose.cli.calling import call
    return call(words, session)


def _open_what_is_closed() -> None:
    """What is printed to a closed standard output goes nowhere. A connection would else be given
    its number, and what is printed be sent there."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    raise SystemExit(main())
