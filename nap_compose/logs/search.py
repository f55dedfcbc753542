"""Finding lines among what is kept: a text that stands in them, at the speed of the disk and zlib.

Blocks are searched as they are, without taking their lines apart; only a line in which the text
was found is looked at. What more a person wants of it, such as a regular expression, is judged by
whoever asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nap_compose.border import LogLine, LogRequest, each_line
from nap_compose.logs.block import Stamped, together
from nap_compose.logs.kept.series import Series
from nap_compose.logs.kept.stored import TEXT
from nap_compose.logs.kept_lines import KeptLines
from nap_compose.logs.merge import in_order


def search(
    kept: Sequence[Series], request: LogRequest, text: str, *, any_case: bool = False
) -> Iterator[LogLine]:
    """The kept lines that the request is about and in which `text` stands, by time; with an empty
    text all of them. `any_case` is for text of ASCII alone."""
    needle = text.encode("utf-8", "surrogateescape")
    return each_line(
        in_order(
            _found(KeptLines(series, request), needle.lower() if any_case else needle, any_case)
            for series in kept
        )
    )


def _found(kept: KeptLines, needle: bytes, any_case: bool) -> Iterator[list[Stamped]]:
    if not needle:
        yield from together(kept)
        return
    for block in kept.blocks():
        haystack = block.lower() if any_case else block
        yield list(kept.shown(_lines_with(needle, haystack, block)))


def _lines_with(needle: bytes, haystack: bytes, block: bytes) -> Iterator[bytes]:
    """The stored lines of `block` in whose text the needle is; the haystack is the same block, in
    the needle's case."""
    at = haystack.find(needle)
    while at >= 0:
        start = haystack.rfind(b"\n", 0, at) + 1
        if at < start + TEXT and block[start : start + 1] != b"#":
            at = haystack.find(needle, start + TEXT)  # it stood in the timestamp
            continue
        end = haystack.find(b"\n", at)
        if block[start : start + 1] != b"#":
            yield block[start:end]
        at = haystack.find(needle, end + 1)
