"""Kept lines: cut anywhere, written by two, read again from a little earlier."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nap_compose.logs.kept import files, writer
from nap_compose.logs.kept.overlap import Overlap, key_of
from nap_compose.logs.kept.reached import Reached
from nap_compose.logs.kept.segment import Head, Whose, cursor, recover
from nap_compose.logs.kept.series import Series, joined, series_of
from nap_compose.logs.kept.stored import note, read_note, store, to_stamp, to_time
from nap_compose.logs.kept.tidy import compress
from nap_compose.logs.kept.writer import Succeeded, Writer

WHOSE = Whose("c" * 64, "shop-web-2", "h1", "ada", "shop", "web", 2)
START = 1_700_000_000 * 10**9


def line(at: int, text: bytes | str = b"", stream: str = "stdout") -> bytes:
    text = text if isinstance(text, bytes) else text.encode()
    return store(stream, to_stamp(START + at) + b" " + text)


def numbered(first: int, last: int, stream: str = "stdout") -> list[bytes]:
    return [line(n * 1000, str(n), stream) for n in range(first, last)]


def kept(logs: Path) -> Series:
    (series,) = series_of(logs, "ada", "shop")
    return series


def texts(logs: Path) -> list[bytes]:
    return [each[33:] for each in kept(logs).lines() if each[:1] != b"#"]


def counts(reached: Reached) -> dict[str, tuple[bytes, int]]:
    return reached.last


# --- a segment, as bytes


def segment_of(batches: Sequence[Sequence[bytes]]) -> tuple[bytes, list[tuple[int, int]]]:
    """A segment with a cursor after each batch; where each whole line of a container ends, and
    how many there are by then."""
    reached = Reached()
    data = Head(WHOSE, 1, 0, reached).line()
    ends = [(len(data), 0)]
    for batch in batches:
        for each in batch:
            if reached.advance(each):
                data += note("E", {"epoch": reached.epoch})
            data += each
            ends.append((len(data), reached.lines))
        data += cursor(reached, len(data))
        ends.append((len(data), reached.lines))
    return data, ends


def test_cut_at_every_byte_a_segment_has_its_whole_lines() -> None:
    batches = [
        numbered(0, 3),
        [line(5000, "x", "stderr"), line(5000, "#C {}", "stderr"), line(5000, b"\xff\x00\r")],
        [line(10, "the clock was set back")],
        [],
    ]
    data, ends = segment_of(batches)
    for size in range(len(data) + 1):
        found = recover(data[:size])
        if size < ends[0][0]:
            assert found is None
            continue
        assert found is not None
        assert found.reached.lines == max(lines for end, lines in ends if end <= size)
        assert found.size <= size
        # What is written after it is read as if nothing had been cut.
        again = recover(data[: found.size] + line(99_999, "more"))
        assert again is not None
        assert again.reached.lines == found.reached.lines + 1


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 5), st.sampled_from(["stdout", "stderr"]), st.binary()),
            max_size=6,
        ),
        max_size=4,
    ),
    st.data(),
)
@settings(deadline=None)
def test_a_segment_that_is_cut_leads_as_far_as_its_lines(
    batches: list[list[tuple[int, str, bytes]]], data: st.DataObject
) -> None:
    stored = [
        [line(at, text.replace(b"\n", b""), stream) for at, stream, text in batch]
        for batch in batches
    ]
    whole, ends = segment_of(stored)
    size = data.draw(st.integers(ends[0][0], len(whole)))
    found = recover(whole[:size])
    assert found is not None
    expected = Reached()
    for each in [each for batch in stored for each in batch][: found.reached.lines]:
        expected.advance(each)
    assert found.reached == expected
    assert found.reached.lines == max(lines for end, lines in ends if end <= size)


@pytest.mark.parametrize(
    "damage", [b"\0" * 40, b"o 2023 no time\n", b"#C {}\n", b"#C {} 00000000\n"]
)
def test_what_is_no_whole_line_hides_what_follows(damage: bytes) -> None:
    data, _ = segment_of([numbered(0, 2)])
    found = recover(data + numbered(2, 3)[0] + damage + numbered(3, 4)[0])
    assert found is not None
    assert found.reached.lines == 3


def test_notes_are_whole_or_none() -> None:
    whole = note("G", {"after": "ä"})
    assert read_note(whole[:-1]) == ("G", {"after": "ä"})
    for size in range(len(whole) - 1):
        assert read_note(whole[:size]) is None
    assert read_note(b"#X [] 00000000") is None


@given(st.integers(0, 4 * 10**18))
def test_timestamps_go_both_ways_and_sort(at: int) -> None:
    assert to_time(to_stamp(at)) == at
    assert (to_stamp(at) < to_stamp(at + 1)) is True


def test_a_line_without_a_whole_timestamp_gets_one() -> None:
    assert store("stderr", b"2023-11-14T22:13:20.5Z hi") == (
        b"e 2023-11-14T22:13:20.500000000Z hi\n"
    )
    assert store("stdout", b"none") == b"o 1970-01-01T00:00:00.000000000Z none\n"


# --- the overlap


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from(["stdout", "stderr"]), st.sampled_from("ab")),
        max_size=20,
        unique=True,
    ),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_what_is_read_again_is_told_from_what_is_new(
    printed: list[tuple[int, str, str]], read: int, since: int, rotated: int
) -> None:
    """The engine's lines in its own order, of which `read` are kept; asked for again from
    `since` on it has lost `rotated` of them. Times go any way: a clock may be set."""
    stored = [line(at, text, stream) for at, stream, text in printed]
    overlap = Overlap(map(key_of, stored[:read][min(since, read) :]))
    answer = list(enumerate(stored))[max(min(since, read), rotated) :]
    fresh = []
    for number, each in answer:
        if not overlap.over and overlap.is_old(key_of(each)):
            continue
        overlap.end()
        fresh.append(number)
    assert fresh == [number for number, _ in answer if number >= read]


def test_lines_that_are_alike_are_counted() -> None:
    same = line(0, "same")
    overlap = Overlap([same] * 3)
    assert [overlap.is_old(same) for _ in range(3)] == [True] * 3
    assert overlap.over


def test_lines_that_are_missing_in_between_are_noticed() -> None:
    overlap = Overlap(map(key_of, numbered(0, 3)))
    assert not overlap.is_old(key_of(numbered(7, 8)[0]))
    assert overlap.end()
    seen = Overlap(map(key_of, numbered(0, 1)))
    assert seen.is_old(key_of(numbered(0, 1)[0]))
    assert not seen.end()


# --- files


def test_written_and_read_again(tmp_path: Path) -> None:
    one = Writer(tmp_path, WHOSE)
    assert not one.sync()
    assert not list(tmp_path.iterdir())
    one.append(numbered(0, 3))
    assert texts(tmp_path) == [b"0", b"1", b"2"]
    assert one.sync()
    assert not one.sync()
    one.close()
    assert kept(tmp_path).whose == WHOSE
    assert kept(tmp_path).reached.positions() == {"stdout": (START + 2000, 1)}


def test_files_are_open_to_owner_and_group_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        one = Writer(tmp_path / "logs", WHOSE)
        one.append(numbered(0, 1))
        one.close()
    finally:
        os.umask(old)
    folder = files.folder_of(tmp_path / "logs", WHOSE)
    assert folder == tmp_path / "logs/ada/shop/services/web/2"
    (path,) = folder.iterdir()
    assert path.name == "cccccccccccc-000001.log"
    assert path.stat().st_mode & 0o777 == 0o640
    while folder != tmp_path:
        assert folder.stat().st_mode & 0o777 == 0o750
        folder = folder.parent


def test_a_writer_goes_on_where_the_files_end(tmp_path: Path) -> None:
    for first in range(0, 30, 10):
        one = Writer(tmp_path, WHOSE)
        assert one.reached.lines == first
        one.append(numbered(first, first + 10))
        if first != 10:
            one.sync()
        one.close()
    assert texts(tmp_path) == [str(n).encode() for n in range(30)]
    assert [part.head.number for part in kept(tmp_path).parts] == [1, 2, 3]


def test_cut_at_every_byte_a_file_is_gone_on_with(tmp_path: Path) -> None:
    one = Writer(tmp_path, WHOSE)
    one.append(numbered(0, 4))
    one.sync()
    one.append(numbered(4, 8))
    one.close()
    (path,) = files.folder_of(tmp_path, WHOSE).iterdir()
    whole = path.read_bytes()
    head = whole.index(b"\n") + 1
    for size in range(head, len(whole)):
        path.write_bytes(whole[:size])
        two = Writer(tmp_path, WHOSE)
        there = two.reached.lines
        two.append(numbered(there, 10))
        two.close()
        assert texts(tmp_path) == [str(n).encode() for n in range(10)]
        (later,) = set(path.parent.iterdir()) - {path}
        later.unlink()


def test_what_a_writer_adds_once_it_is_succeeded_does_not_count(tmp_path: Path) -> None:
    old = Writer(tmp_path, WHOSE)
    old.append(numbered(0, 2))
    new = Writer(tmp_path, WHOSE)
    old.append(numbered(2, 3))  # before the new one begins, after it looked
    new.append(numbered(2, 5))
    old.append(numbered(3, 9))
    with pytest.raises(Succeeded):
        old.sync()
    new.sync()
    assert texts(tmp_path) == [str(n).encode() for n in range(5)]


def test_of_two_that_begin_at_once_one_is_first(tmp_path: Path) -> None:
    one, two = Writer(tmp_path, WHOSE), Writer(tmp_path, WHOSE)
    one.append(numbered(0, 1))
    with pytest.raises(Succeeded):
        two.append(numbered(0, 1))
    assert texts(tmp_path) == [b"0"]


def test_who_begins_in_the_midst_of_another_leaves_their_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may have the same process number, on two machines, and have seen it at two moments."""
    before = Writer(tmp_path, WHOSE)
    before.append(numbered(0, 3))
    one = Writer(tmp_path, WHOSE)
    before.append(numbered(3, 5))
    two = Writer(tmp_path, WHOSE)
    real = os.link

    def link(draft: Path, path: Path) -> None:
        real(draft, path)
        monkeypatch.setattr(files.os, "link", real)
        with pytest.raises(Succeeded):
            two.append(numbered(5, 6))

    monkeypatch.setattr(files.os, "link", link)
    one.append(numbered(3, 6))
    assert texts(tmp_path) == [str(n).encode() for n in range(6)]


def test_a_segment_that_is_full_is_ended_and_compressed(tmp_path: Path) -> None:
    one = Writer(tmp_path, WHOSE, segment=2000)
    for first in range(0, 1000, 100):
        one.append(numbered(first, first + 100))
        one.sync()
    one.append(numbered(1000, 1001))
    expected = [str(n).encode() for n in range(1001)]
    assert texts(tmp_path) == expected
    segments = files.segments_of(tmp_path, "ada", "shop")
    assert len(segments) == 11
    for segment in segments[:-1]:
        compress(segment)
    assert texts(tmp_path) == expected
    assert [each.compressed for each in files.segments_of(tmp_path, "ada", "shop")] == (
        [True] * 10 + [False]
    )
    for name in files.segments_of(tmp_path, "ada", "shop"):
        assert name.path.stat().st_mode & 0o777 == 0o640
    later = [each[33:] for each in kept(tmp_path).stored_since(to_stamp(START + 995_000))]
    assert later == expected[995:]


def test_a_segment_that_is_old_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 1000.0
    monkeypatch.setattr(writer.time, "monotonic", lambda: clock)
    one = Writer(tmp_path, WHOSE)
    segments = []
    for number, passes in enumerate([writer.OLDEST - 1, 1.0, 0.0]):
        one.append(numbered(number, number + 1))
        clock += passes
        one.sync()
        segments.append(len(files.segments_of(tmp_path, "ada", "shop")))
    assert segments == [1, 1, 2]
    assert texts(tmp_path) == [b"0", b"1", b"2"]


def test_compressed_too_is_what_came_late_left_out(tmp_path: Path) -> None:
    old, new = Writer(tmp_path, WHOSE), None
    old.append(numbered(0, 2))
    new = Writer(tmp_path, WHOSE)
    new.append(numbered(2, 4))
    old.append(numbered(2, 9))
    first, _ = files.segments_of(tmp_path, "ada", "shop")
    compress(first)
    assert texts(tmp_path) == [b"0", b"1", b"2", b"3"]


def test_a_compression_that_was_cut_off_leaves_both_whole(tmp_path: Path) -> None:
    for first in (0, 10):
        one = Writer(tmp_path, WHOSE)
        one.append(numbered(first, first + 10))
        one.close()
    first_segment = files.segments_of(tmp_path, "ada", "shop")[0]
    plain = first_segment.path.read_bytes()
    compress(first_segment)
    first_segment.path.write_bytes(plain)  # killed before the plain one was removed
    assert texts(tmp_path) == [str(n).encode() for n in range(20)]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Writer(tmp_path, WHOSE)
    one.append(numbered(0, 3))
    real, room = os.write, [40]

    def write(file: int, data: bytes) -> int:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        done = real(file, bytes(data)[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(files.os, "write", write)
    with pytest.raises(OSError, match="No space"):
        one.append(numbered(3, 9))
    with pytest.raises(OSError, match="No space"):
        one.sync()
    one.close()
    monkeypatch.undo()
    two = Writer(tmp_path, WHOSE)
    assert two.reached.lines == 3
    two.append(numbered(3, 5))
    assert texts(tmp_path) == [b"0", b"1", b"2", b"3", b"4"]


def test_a_cursor_never_says_more_than_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Writer(tmp_path, WHOSE)
    one.append(numbered(0, 3))
    real = os.write

    def write(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "write", write)
    with pytest.raises(OSError, match="No space"):
        one.append(numbered(3, 9))
    monkeypatch.setattr(files.os, "write", real)
    one.sync()  # by now there is room
    one.close()
    again = Writer(tmp_path, WHOSE)
    assert again.reached.lines == 3
    assert again.reached.latest == to_stamp(START + 2000)


def test_a_file_that_was_tidied_away_is_written_to_no_more(tmp_path: Path) -> None:
    one = Writer(tmp_path, WHOSE)
    one.append(numbered(0, 3))
    one.sync()
    (segment,) = files.segments_of(tmp_path, "ada", "shop")
    compress(segment, over=True)
    one.append(numbered(3, 6))
    with pytest.raises(Succeeded):
        one.sync()
    one.close()
    two = Writer(tmp_path, WHOSE)
    assert two.reached.lines == 3
    two.append(numbered(3, 6))
    assert texts(tmp_path) == [str(n).encode() for n in range(6)]


def test_a_clock_that_is_set_back_begins_an_epoch(tmp_path: Path) -> None:
    one = Writer(tmp_path, WHOSE)
    one.append([line(9000, "late"), line(8000, "err", "stderr"), line(1000, "early")])
    assert (one.reached.epoch, one.reached.peak) == (1, to_stamp(START + 9000))
    one.sync()
    again = Writer(tmp_path, WHOSE)
    assert again.reached == one.reached
    assert texts(tmp_path) == [b"late", b"err", b"early"]


def test_a_gap_says_between_which_lines(tmp_path: Path) -> None:
    one = Writer(tmp_path, WHOSE)
    one.append(numbered(0, 1))
    one.gap(to_stamp(START), to_stamp(START + 7000))
    one.append(numbered(7, 8))
    notes = [found for each in kept(tmp_path).lines() if (found := read_note(each))]
    gap = next(record for kind, record in notes if kind == "G")
    assert gap["after"].encode() == to_stamp(START)
    assert gap["before"].encode() == to_stamp(START + 7000)
    assert texts(tmp_path) == [b"0", b"7"]


def test_a_container_that_run_made_has_a_folder_beside_the_replicas(tmp_path: Path) -> None:
    oneoff = Whose("d" * 64, "shop-web-run-1", "h1", "", "shop", "web", 0, oneoff=True)
    assert files.folder_of(tmp_path, oneoff) == tmp_path / "-/shop/services/web/run"
    assert (oneoff.subject, WHOSE.subject) == ("shop-web-run-1", "web.2")


def test_a_head_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    folder = files.folder_of(tmp_path, WHOSE)
    folder.mkdir(parents=True)
    (folder / "cccccccccccc-000003.log").write_bytes(note("H", {"v": 99}))
    assert series_of(tmp_path, "ada", "shop") == []
    one = Writer(tmp_path, WHOSE)
    one.append(numbered(0, 1))
    assert (folder / "cccccccccccc-000004.log").exists()
    assert texts(tmp_path) == [b"0"]


def test_segments_of_one_series_alone_are_joined(tmp_path: Path) -> None:
    other = Whose("e" * 64, "shop-web-2", "h2", "ada", "shop", "web", 2)
    for whose in (WHOSE, other):
        one = Writer(tmp_path, whose)
        one.append(numbered(0, 2))
        one.close()
    found = joined(files.segments_of(tmp_path, "ada", "shop"))
    assert [series.whose.host for series in found] == ["h1", "h2"]
    assert writer.SEGMENT > files.BLOCK
