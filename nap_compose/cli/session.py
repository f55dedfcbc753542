"""One call of nap: the options given, the terminal, and what the command needs opened.

What a command doesn't ask for is neither imported nor opened.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from nap_compose.cli.options import Options
from nap_compose.cli.output.terminal import Terminal
from nap_compose.exits import Exit
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border import Control, Listing


def _connect(cluster: str | None, env: Mapping[str, str]) -> Control:
    from nap_compose.control.connect import connect

    return connect(cluster, env)


def _own_terminal() -> Terminal:
    return Terminal(sys.stdout, sys.stderr, os.environ)


@dataclass
class Session:
    """What a command works with. `connect` opens the other side of the border."""

    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    terminal: Terminal = field(default_factory=_own_terminal)
    connect: Callable[[str | None, Mapping[str, str]], Control] = _connect
    options: Options = field(default_factory=Options)

    def take(self, given: Mapping[str, object]) -> None:
        """Take in shared options, given before or after the command."""
        self.options = self.options.merged(given)
        self.terminal.ansi = self.options.ansi_mode(self.env)

    @contextmanager
    def control(self) -> Iterator[Control]:
        """The other side of the border, closed at the end; its notices are shown first."""
        control = self.connect(self.options.cluster or None, self.env)
        try:
            for notice in control.notices():
                self.terminal.warn_once(notice)
            yield control
        finally:
            control.close()


def nothing_seen(listing: Listing) -> int:
    """The exit code of a listing: an empty one says nothing where hosts were not seen."""
    seen = [row for row in listing.rows if getattr(row, "state", "") != "unknown"]
    return Exit.PARTIAL if listing.warnings and not seen else Exit.DONE
