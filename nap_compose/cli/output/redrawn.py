"""Lines of a result that are drawn again in place, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from nap_compose.cli.output.terminal import Terminal

HOME, REST_OF_LINE, BELOW, CLEAR = "\x1b[H", "\x1b[K", "\x1b[J", "\x1b[2J"


class Redrawn:
    """Shows lines over those shown before where it is `live` and on a terminal, else after them.

    What doesn't fit onto the screen is counted in its last line.
    """

    def __init__(self, terminal: Terminal, *, live: bool) -> None:
        self._terminal = terminal
        self._live = live and terminal.out_is_terminal and not terminal.is_dumb
        self._shown = False

    def show(self, lines: Sequence[str]) -> None:
        """The lines as they are now. Raises OutputClosed when nobody reads them any more."""
        if not self._live:
            for line in lines:
                self._terminal.say(line)
        else:
            start = HOME if self._shown else CLEAR + HOME
            text = "".join(f"{line}{REST_OF_LINE}\n" for line in self._that_fit(lines))
            self._terminal.write(start + text + BELOW)
            self._shown = True
        self._terminal.flush()

    def _that_fit(self, lines: Sequence[str]) -> Sequence[str]:
        most = max(2, self._terminal.out_height() - 1)
        if len(lines) <= most:
            return lines
        return [*lines[: most - 1], f"and {len(lines) - most + 1} more"]
