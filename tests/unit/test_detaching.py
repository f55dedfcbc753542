"""The keys that leave a process: found however what is typed is cut, and nothing else is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nap_compose.control.detaching import DetachKeys, keys_of
from nap_compose.errors import WrongUse


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("ctrl-@", b"\x00"),
        ("ctrl-x,d", b"\x18d"),
        ("ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", b"\x1b\x1c\x1d\x1e\x1f"),
        ("q", b"q"),
    ],
)
def test_how_keys_are_written(text: str, sent: bytes) -> None:
    assert keys_of(text) == sent


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-pq", "strg-p", "", "a,,b", "ctrl-P", "ä"])
def test_what_are_no_keys(text: str) -> None:
    with pytest.raises(WrongUse, match="no key"):
        keys_of(text)


def typed(keys: DetachKeys, data: bytes, cuts: list[int]) -> bytes:
    passed, at = b"", 0
    for size in [*cuts, len(data)]:
        passed += keys.passed(data[at : at + size])
        at += size
    return passed


CUTS = st.lists(st.integers(1, 3), max_size=30)


@settings(deadline=None, max_examples=300)
@given(st.text("pqx", max_size=20).map(str.encode), CUTS)
def test_the_keys_are_found_wherever_what_is_typed_is_cut(data: bytes, cuts: list[int]) -> None:
    keys = DetachKeys("p,p,q")
    passed = typed(keys, data, cuts)
    assert keys.pressed == (b"ppq" in data)
    if keys.pressed:
        assert data.startswith(passed + b"ppq")
    else:
        assert data.startswith(passed)
        held = data[len(passed) :]
        assert b"ppq".startswith(held)


def test_what_looked_like_the_keys_is_passed_on_after_all() -> None:
    keys = DetachKeys("")
    assert keys.passed(b"a\x10") == b"a"
    assert keys.passed(b"b") == b"\x10b"
    assert not keys.pressed
