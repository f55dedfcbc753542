"""Short forms, command lines, sizes and times."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.compose import commandline, units
from nap_compose.compose.scalars import scalar_text
from nap_compose.compose.shortforms import BadForm, device, mount, ports


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("80", [("", "", 80, "tcp")]),
        ("8080:80", [("", "8080", 80, "tcp")]),
        ("8080:80/udp", [("", "8080", 80, "udp")]),
        ("127.0.0.1:8080:80", [("127.0.0.1", "8080", 80, "tcp")]),
        ("127.0.0.1::80", [("127.0.0.1", "", 80, "tcp")]),
        ("[::1]:8080:80", [("::1", "8080", 80, "tcp")]),
        ("1-2:3-4", [("", "1", 3, "tcp"), ("", "2", 4, "tcp")]),
        ("3-4", [("", "", 3, "tcp"), ("", "", 4, "tcp")]),
        ("8000-8010:80", [("", "8000-8010", 80, "tcp")]),
    ],
)
def test_ports(text: str, found: list[tuple[str, str, int, str]]) -> None:
    assert [
        (p.get("host_ip", ""), p.get("published", ""), p["target"], p["protocol"])
        for p in ports(text)
    ] == found


@pytest.mark.parametrize(
    "text",
    ["", ":", "a", "80:", "1-3:1-2", "9-8", "80/x", "1.2:80:80", "70000", "1:2:3:4", "[x]:1:1"],
)
def test_bad_ports(text: str) -> None:
    with pytest.raises(BadForm):
        ports(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/d", {"type": "volume", "target": "/d"}),
        ("/data", {"type": "volume", "target": "/data", "volume": {}}),
        ("vol:/d", {"type": "volume", "source": "vol", "target": "/d", "volume": {}}),
        (
            "./a:/d:ro",
            {
                "type": "bind",
                "source": "./a",
                "target": "/d",
                "read_only": True,
                "bind": {"create_host_path": True},
            },
        ),
        (
            "C:\\a:/d",
            {"type": "bind", "source": "C:\\a", "target": "/d", "bind": {"create_host_path": True}},
        ),
        ("vol:/a/../b/", {"type": "volume", "source": "vol", "target": "/b", "volume": {}}),
        (
            "vol:/d:nocopy",
            {"type": "volume", "source": "vol", "target": "/d", "volume": {"nocopy": True}},
        ),
    ],
)
def test_mounts(text: str, expected: dict[str, Any]) -> None:
    assert mount(text) == expected


@pytest.mark.parametrize("text", ["", "aa::/x", ":/x", "aa:/b:ro:rw"])
def test_bad_mounts(text: str) -> None:
    with pytest.raises(BadForm):
        mount(text)


def test_devices() -> None:
    assert device("/a") == {"source": "/a", "target": "/a", "permissions": "rwm"}
    assert device("/a:/b:r") == {"source": "/a", "target": "/b", "permissions": "r"}


@pytest.mark.parametrize(
    ("text", "words", "dropped"),
    [
        ("", [], ""),
        ("a  b", ["a", "b"], ""),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"], ""),
        ("a\\ b", ["a b"], ""),
        ("a '\\' b", ["a", "\\", "b"], ""),
        ("a ''", ["a", ""], ""),
        ("a; b", ["a"], "; b"),
        ("a 'b;c'", ["a", "b;c"], ""),
        ("a $(b c) d", ["a", "$(b c)", "d"], ""),
    ],
)
def test_command_lines(text: str, words: list[str], dropped: str) -> None:
    assert commandline.words(text) == (words, dropped)


@pytest.mark.parametrize("text", ["'a", '"a', "a\\", "$(a"])
def test_unclosed_command_lines(text: str) -> None:
    with pytest.raises(BadForm):
        commandline.words(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("2b", 2), ("1024kb", 2**20), ("300m", 300 * 2**20), ("1gb", 2**30), ("1.5g", 3 * 2**29)],
)
def test_sizes(text: str, size: int) -> None:
    assert units.size(text) == size


@pytest.mark.parametrize("text", ["", "m", "1x", "-1m", "1 2", "lots", "9" * 30])
def test_no_sizes(text: str) -> None:
    assert units.size(text) is None


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("90s", "1m30s"),
        ("1h5m30s20ms", "1h5m30.02s"),
        ("2m", "2m0s"),
        ("1.5s", "1.5s"),
        ("1500us", "1.5ms"),
        ("0s", "0s"),
        ("24h", "24h0m0s"),
    ],
)
def test_durations(text: str, printed: str) -> None:
    nanoseconds = units.duration(text)
    assert nanoseconds is not None
    assert units.duration_text(nanoseconds) == printed


@pytest.mark.parametrize("text", ["", "10", "s", "1 s", "10 seconds", "1s2"])
def test_no_durations(text: str) -> None:
    assert units.duration(text) is None


@given(st.integers(min_value=0, max_value=units.LONGEST // 2))
def test_a_printed_duration_reads_back(nanoseconds: int) -> None:
    assert units.duration(units.duration_text(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (1e10, "1e+10"),
        (1e-7, "1e-07"),
        (-0.5, "-0.5"),
        (1234567.5, "1.2345675e+06"),
        (123456.25, "123456.25"),
        (float("inf"), "+Inf"),
    ],
)
def test_scalars_as_a_container_sees_them(value: float, text: str) -> None:
    assert scalar_text(value) == text


@given(st.text(alphabet="0123456789:-/[].tcpudx"))
def test_any_port_is_ports_or_a_bad_form(text: str) -> None:
    try:
        assert ports(text)
    except BadForm as error:
        assert str(error)


@given(st.text(alphabet="ab:/.,~$ro{}\\"))
def test_any_mount_is_a_mount_or_a_bad_form(text: str) -> None:
    try:
        assert mount(text)["target"]
    except BadForm as error:
        assert str(error)
