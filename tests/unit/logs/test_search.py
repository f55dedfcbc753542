"""Kept lines searched and counted: the same as by looking at each line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nap_compose.border import LogRequest, Target
from nap_compose.logs.kept import writer
from nap_compose.logs.kept.files import segments_of
from nap_compose.logs.kept.segment import Whose
from nap_compose.logs.kept.series import series_of
from nap_compose.logs.kept.stored import store, to_stamp
from nap_compose.logs.kept.tidy import compress
from nap_compose.logs.kept.writer import Writer
from nap_compose.logs.search import search
from nap_compose.logs.tally import Count, tally

SECOND = 10**9
START = 1_700_000_000 * SECOND  # 22:13:20


def keep(
    logs: Path, lines: list[tuple[int, str, str]], *, slot: int = 1, zipped: bool = False
) -> None:
    """Lines (seconds, stream, text) of a replica of web, in segments of a few."""
    whose = Whose(f"{slot:012x}", f"web-{slot}", "h1", "", "shop", "web", slot)
    one = Writer(logs, whose, segment=400)
    for at in range(0, len(lines), 3):
        stored = [
            store(stream, to_stamp(START + second * SECOND) + b" " + text.encode())
            for second, stream, text in lines[at : at + 3]
        ]
        one.append(stored)
        one.sync()
    one.close()
    if zipped:
        for segment in segments_of(logs, "", "shop"):
            compress(segment)


def found(logs: Path, text: str, *, any_case: bool = False, **wanted: Any) -> list[str]:
    request = LogRequest(Target("shop"), **wanted)
    lines = search(series_of(logs, "", "shop"), request, text, any_case=any_case)
    return [line.text for line in lines]


LINES = [
    (0, "stdout", "GET /index 200"),
    (1, "stderr", "ERROR timeout"),
    (2, "stdout", "2023 in the text too"),
    (3, "stdout", ""),
    (4, "stdout", "error in lower letters"),
    (5, "stderr", 'size":12,"lines" "error"'),
    (6, "stdout", "Grüße"),
]


@pytest.mark.parametrize("zipped", [False, True])
def test_lines_in_which_a_text_stands(tmp_path: Path, zipped: bool) -> None:
    keep(tmp_path, LINES, zipped=zipped)
    assert found(tmp_path, "ERROR") == ["ERROR timeout"]
    assert found(tmp_path, "error", any_case=True) == [
        "ERROR timeout",
        "error in lower letters",
        'size":12,"lines" "error"',
    ]
    assert found(tmp_path, "Grüße") == ["Grüße"]
    assert found(tmp_path, "nothing") == []
    assert found(tmp_path, "") == [text for _, _, text in LINES]


def test_neither_times_nor_nap_s_own_notes_are_found(tmp_path: Path) -> None:
    keep(tmp_path, LINES)
    assert found(tmp_path, "2023") == ["2023 in the text too"]
    assert found(tmp_path, "22:13:20") == []
    assert found(tmp_path, '"lines"') == ['size":12,"lines" "error"']
    assert found(tmp_path, '"epoch"') == []


def test_bounds_and_streams(tmp_path: Path) -> None:
    keep(tmp_path, LINES)
    assert found(tmp_path, "e", since=START / 1e9 + 2, until=START / 1e9 + 4) == [
        "2023 in the text too",
        "error in lower letters",
    ]
    assert found(tmp_path, "e", stream="stderr") == ["ERROR timeout", LINES[5][2]]


def test_replicas_come_in_one_order(tmp_path: Path) -> None:
    keep(tmp_path, [(0, "stdout", "x0"), (2, "stdout", "x2")], slot=1)
    keep(tmp_path, [(1, "stdout", "x1"), (3, "stdout", "x3")], slot=2)
    assert found(tmp_path, "x") == ["x0", "x1", "x2", "x3"]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=12)
printed = st.lists(
    st.tuples(st.integers(0, 9000), st.sampled_from(["stdout", "stderr"]), texts), max_size=30
)


@given(printed, st.text('aeE "#o20', min_size=1, max_size=3))
@settings(deadline=None, max_examples=60)
def test_the_same_as_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, str, str]], text: str
) -> None:
    logs = tmp_path_factory.mktemp("any")
    keep(logs, sorted(lines, key=lambda line: line[0]), zipped=len(lines) % 2 == 0)
    expected = Counter(each for _, _, each in lines if text in each)
    assert Counter(found(logs, text)) == expected


def counted(logs: Path, **wanted: Any) -> dict[tuple[str, str], Count]:
    return tally(series_of(logs, "", "shop"), LogRequest(Target("shop"), **wanted))


def test_counts_by_service_and_hour(tmp_path: Path) -> None:
    later = [(at + 3600, stream, text) for at, stream, text in LINES]
    keep(tmp_path, LINES + later + [(9000, "stdout", "FATAL PANIC")])
    size = sum(len(text.encode()) for _, _, text in LINES)
    assert counted(tmp_path) == {
        ("web", "2023-11-14T22"): Count(7, size, 2, 2),
        ("web", "2023-11-14T23"): Count(7, size, 2, 2),
        ("web", "2023-11-15T00"): Count(1, 11, 0, 1),
    }
    assert sum(each.lines for each in counted(tmp_path, since=START / 1e9 + 3602).values()) == 6
    assert sum(each.lines for each in counted(tmp_path, stream="stderr").values()) == 4


@given(printed)
@settings(deadline=None, max_examples=60)
def test_counts_are_those_of_each_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, str, str]]
) -> None:
    logs = tmp_path_factory.mktemp("any")
    keep(logs, lines)  # in any order of time
    counts = counted(logs).values()
    assert sum(each.lines for each in counts) == len(lines)
    assert sum(each.size for each in counts) == sum(len(text.encode()) for _, _, text in lines)
    assert sum(each.stderr for each in counts) == sum(s == "stderr" for _, s, _ in lines)
    hours = Counter(to_stamp(START + at * SECOND)[:13].decode() for at, _, _ in lines)
    assert {hour: each.lines for (_, hour), each in counted(logs).items() if each.lines} == hours


def test_a_segment_holds_more_than_one_block(tmp_path: Path) -> None:
    big = [(n // 50, "stdout", f"line {n} " + "x" * 400) for n in range(2000)]
    whose = Whose("f" * 12, "web-1", "h1", "", "shop", "web", 1)
    one = Writer(tmp_path, whose)
    one.append(
        [store(s, to_stamp(START + at * SECOND) + b" " + text.encode()) for at, s, text in big]
    )
    one.sync()
    assert len(list(series_of(tmp_path, "", "shop")[0].blocks())) > 2
    assert len(found(tmp_path, "line 1")) == 1111
    (count,) = counted(tmp_path).values()
    assert (count.lines, count.size) == (2000, sum(len(text) for _, _, text in big))
    assert count.size < writer.SEGMENT
