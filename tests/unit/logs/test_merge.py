"""Merging: in order, nothing lost, nothing twice, no source turned round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from nap_compose.border import LogLine, each_line
from nap_compose.logs.block import Stamped
from nap_compose.logs.merge import Holdback, in_order, last, steady

TIMES = st.lists(st.integers(0, 50), max_size=30)
PATIENCE = 3.0


def lines_of(source: int, times: list[int]) -> list[Stamped]:
    """Lines of a source, each telling where it stands among its own."""
    return [
        (at, LogLine(at / 1e9, f"s{source}", "h1", "stdout", f"{source}:{number}"))
        for number, at in enumerate(times)
    ]


def in_batches(lines: list[Stamped], size: int = 3) -> Iterator[list[Stamped]]:
    """The same as they come: some at once, now and then none."""
    for at in range(0, len(lines), size):
        yield lines[at : at + size]
        yield []


def merged_of(sources: Iterable[list[Stamped]]) -> list[LogLine]:
    return list(each_line(in_order(map(in_batches, sources))))


def in_own_order(lines: list[LogLine], source: int) -> bool:
    numbers = [int(line.text.split(":")[1]) for line in lines if line.subject == f"s{source}"]
    return numbers == list(range(len(numbers)))


@given(st.lists(TIMES.map(sorted), max_size=6))
def test_sorted_sources_come_out_sorted_and_whole(sources: list[list[int]]) -> None:
    given_lines = [lines_of(source, times) for source, times in enumerate(sources)]
    merged = merged_of(given_lines)
    assert [round(line.at * 1e9) for line in merged] == sorted(chain.from_iterable(sources))
    # Lines of the same time come by source.
    assert merged == [
        line for _, line in sorted(chain.from_iterable(given_lines), key=lambda each: each[0])
    ]
    assert sorted(line.text for line in merged) == sorted(
        line.text for lines in given_lines for _, line in lines
    )
    assert all(in_own_order(merged, source) for source in range(len(sources)))


@given(st.lists(TIMES, max_size=6))
def test_a_source_that_is_out_of_turn_keeps_its_own_order(sources: list[list[int]]) -> None:
    merged = merged_of(lines_of(source, times) for source, times in enumerate(sources))
    assert len(merged) == sum(map(len, sources))
    assert all(in_own_order(merged, source) for source in range(len(sources)))


@given(TIMES)
def test_steady_times_never_go_back(times: list[int]) -> None:
    steadied = list(steady(lines_of(0, times)))
    assert all(one[0] <= other[0] for one, other in pairwise(steadied))
    assert [line for _, line in steadied] == [line for _, line in lines_of(0, times)]


def test_equal_times_come_by_source() -> None:
    merged = merged_of([lines_of(0, [5, 5]), lines_of(1, [5]), lines_of(2, [4])])
    assert [line.text for line in merged] == ["2:0", "0:0", "0:1", "1:0"]


def test_last_gives_the_last() -> None:
    assert [line.text for _, line in last(2, lines_of(0, [1, 2, 3]))] == ["0:1", "0:2"]
    assert list(last(0, lines_of(0, [1, 2, 3]))) == []


# Lines with the delay after which each reaches us; a source delivers its own in order.
ARRIVALS = st.lists(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0, 6)), max_size=15).map(
        lambda lines: sorted(lines, key=lambda line: line[0])
    ),
    min_size=1,
    max_size=5,
)


def through_holdback(sources: list[list[tuple[int, float]]]) -> list[LogLine]:
    """What comes out when each line arrives `delay` after it was printed."""
    arrivals = []
    for source, timed in enumerate(sources):
        stamped = lines_of(source, [at for at, _ in timed])
        arrived = 0.0
        for (at, line), (_, delay) in zip(stamped, timed, strict=True):
            arrived = max(arrived, at + delay)
            arrivals.append((arrived, source, at, line))
    holdback = Holdback(PATIENCE)
    for source in range(len(sources)):
        holdback.add(source)
    out: list[LogLine] = []
    for now, source, at, line in sorted(arrivals, key=lambda arrival: arrival[:3]):
        out += holdback.ready(now)
        holdback.push(source, at, line, now)
    return out + list(holdback.rest())


@given(ARRIVALS)
def test_holdback_loses_and_doubles_nothing(sources: list[list[tuple[int, float]]]) -> None:
    out = through_holdback(sources)
    assert len(out) == sum(map(len, sources))
    assert len({line.text for line in out}) == len(out)
    assert all(in_own_order(out, source) for source in range(len(sources)))


@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 40), min_size=1)), max_size=9))
def test_lines_that_come_together_are_put_in_order_as_one_by_one(
    batches: list[tuple[int, list[int]]],
) -> None:
    together, single = Holdback[LogLine](PATIENCE), Holdback[LogLine](PATIENCE)
    for source in range(4):
        together.add(source)
        single.add(source)
    for now, (source, times) in enumerate(batches):
        lines = lines_of(source, times)
        together.push_all(source, lines, now)
        for at, line in lines:
            single.push(source, at, line, now)
        assert list(together.ready(now)) == list(single.ready(now))
        assert together.due_in(now) == single.due_in(now)
    assert list(together.rest()) == list(single.rest())


@given(ARRIVALS)
def test_what_is_late_by_less_than_the_patience_is_put_right(
    sources: list[list[tuple[int, float]]],
) -> None:
    prompt = [[(at, delay / 6 * (PATIENCE - 0.1)) for at, delay in lines] for lines in sources]
    out = through_holdback(prompt)
    assert all(one.at <= other.at for one, other in pairwise(out))


def test_a_line_waits_until_every_source_is_past_it() -> None:
    holdback = Holdback(PATIENCE)
    holdback.add("a")
    holdback.add("b")
    (late,) = lines_of(0, [10])
    holdback.push("a", *late, now=100.0)
    assert list(holdback.ready(100.1)) == []
    (later,) = lines_of(1, [11])
    holdback.push("b", *later, now=100.2)
    assert [line.text for line in holdback.ready(100.2)] == ["0:0"]


def test_a_silent_source_delays_the_others_no_longer_than_the_patience() -> None:
    holdback = Holdback(PATIENCE)
    holdback.add("a")
    holdback.add("silent")
    (line,) = lines_of(0, [10])
    holdback.push("a", *line, now=100.0)
    assert holdback.due_in(100.0) == PATIENCE
    assert list(holdback.ready(100.0 + PATIENCE)) == [line[1]]
    assert holdback.due_in(200.0) is None


def test_nobody_waits_for_a_source_that_is_gone() -> None:
    holdback = Holdback(PATIENCE)
    holdback.add("a")
    holdback.add("b")
    (line,) = lines_of(0, [10])
    holdback.push("a", *line, now=100.0)
    holdback.remove("b")
    assert list(holdback.ready(100.0)) == [line[1]]
