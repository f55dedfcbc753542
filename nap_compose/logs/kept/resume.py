"""From where a container's log is asked for again, and what of the answer is kept already."""

from __future__ import annotations

from collections.abc import Callable

from nap_compose.logs.kept.overlap import Overlap, key_of
from nap_compose.logs.kept.series import Series
from nap_compose.logs.kept.stored import STAMP, to_stamp, to_time

EARLIER = 3_000_000_000
"""Nanoseconds before the last line from which an engine is asked again: by so much may the lines of
one stream be stamped earlier than lines of the other that stand before them."""

MARGIN = 1_000_000_000
"""Nanoseconds before that from which kept lines are compared: an engine may round."""


def resume(
    kept: Series | None, *, whole: bool = False
) -> tuple[float | None, Overlap[tuple[bytes, int]]]:
    """Since when to ask (seconds since 1970; None for everything), and the lines to expect again.

    With `whole` everything is asked for and compared, since the clock may have been set back; so
    it is while lines from before that are in the way.
    """
    if kept is None or not kept.reached.lines:
        return None, Overlap()
    reached = kept.reached
    since = to_time(reached.latest) - EARLIER
    expected = to_stamp(max(0, since - MARGIN))
    if whole or expected <= reached.peak:
        return None, Overlap(map(key_of, kept.stored_since(b"")), _let_go(kept))
    return since / 1e9, Overlap(map(key_of, kept.stored_since(expected)), _let_go(kept))


def _let_go(kept: Series) -> Callable[[tuple[bytes, int]], bool] | None:
    """What tells lines of segments that were there before the first that is; None where there was
    none. They come before those that are kept, and are of no later time than where it begins."""
    before = kept.parts[0].head.reached
    if not before.lines:
        return None
    last = {mark.encode(): max(stamp, before.peak) for mark, (stamp, _) in before.last.items()}

    def is_of_them(key: tuple[bytes, int]) -> bool:
        return key[0][2 : 2 + STAMP] <= last.get(key[0][:1], before.peak)

    return is_of_them
