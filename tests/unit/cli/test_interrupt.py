"""What counts as the first Ctrl-C, and what as the second."""

import signal

import pytest

from nap_compose.cli.interrupt import FIRST, SECOND, Interrupt


def levels(*numbers: signal.Signals) -> tuple[list[int], list[str]]:
    """How far each of these signals takes it, and what is told in all."""
    told: list[str] = []
    found = []
    with Interrupt(told.append) as interrupt:
        for number in numbers:
            signal.raise_signal(number)
            found.append(interrupt.level)
    return found, told


def test_a_second_ctrl_c_wants_the_end_at_once() -> None:
    assert levels(signal.SIGINT, signal.SIGINT) == ([1, 2], [FIRST, SECOND])


def test_a_sigterm_wants_it_in_good_order_however_often_it_comes() -> None:
    assert levels(*[signal.SIGTERM] * 3) == ([1, 1, 1], [FIRST])
    assert levels(signal.SIGINT, signal.SIGTERM) == ([1, 1], [FIRST])


def test_after_a_sigterm_a_person_needs_but_one_ctrl_c() -> None:
    assert levels(signal.SIGTERM, signal.SIGTERM, signal.SIGINT) == ([1, 1, 2], [FIRST, SECOND])


def test_after_the_second_one_the_usual_handling_is_back() -> None:
    with Interrupt(lambda _: None):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
