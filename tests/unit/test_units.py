import pytest

from nap_compose.units import parse_duration, parse_size, show_age, show_duration, show_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2b", 2),
        ("1024kb", 1 << 20),
        ("300m", 300 << 20),
        ("1gb", 1 << 30),
        ("1.5g", 3 << 29),
        ("512M", 512 << 20),
        ("1GiB", 1 << 30),
        ("64 MB", 64 << 20),
        ("0", 0),
        ("123", 123),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "g", "1x", "-1m", "1.m", "1m2k", "1 2", "1e3", "0x10"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is no size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h5m30s20ms", 3930.02),
        ("60s", 60),
        ("14d", 14 * 86400),
        ("500ms", 0.5),
        ("1.5h", 5400),
        ("2w", 14 * 86400),
        ("10us", 1e-5),
        ("10µs", 1e-5),
        ("0", 0),
        ("-10s", -10),
        ("+1m", 60),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "10", "s", "1m 30s", "1x", "--1s", "1h5", "ms", "1..5s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


def test_showing_sizes() -> None:
    shown = [show_size(size) for size in (0, 1023, 1024, 1536, 3 << 29, 20 << 30, 5 << 50)]
    assert shown == ["0B", "1023B", "1KiB", "1.5KiB", "1.5GiB", "20GiB", "5PiB"]


def test_showing_durations() -> None:
    shown = [show_duration(seconds) for seconds in (0.04, 12.34, 59.96, 250, 3600 + 61)]
    assert shown == ["0.0s", "12.3s", "1m00s", "4m10s", "1h01m"]


def test_showing_ages() -> None:
    shown = [show_age(seconds) for seconds in (-3, 45, 119, 720, 3 * 3600, 5 * 86400, 49 * 86400)]
    assert shown == ["0s", "45s", "119s", "12m", "3h", "5d", "7w"]
