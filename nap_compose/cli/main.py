"""The `nap` command's first moments: what must be right before anything else is imported."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nap_compose.cli.session import Session


def main(argv: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run one command and give its exit code.

    `argv` are the words after `nap`; `session` is given by tests. Without either this is the whole
    process, as for the console script, and ends it.
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
    code = call(words, session)
    if argv is None and session is None:
        _end(code)
    return code


def _end(code: int) -> None:
    """End the process at once, unless a thread of it is to come to its end first. Python would
    take apart all that was loaded, which the system does for nothing."""
    if all(each.daemon or each is threading.main_thread() for each in threading.enumerate()):
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):  # nobody listens any more
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


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
