"""Amounts, times and ports in Docker's words; the numbers are what `docker` itself prints."""

import pytest

from nap_compose.cli.output import dockers


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.4, "Less than a second"),
        (1.9, "1 second"),
        (2, "2 seconds"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (3599, "59 minutes"),
        (3600, "About an hour"),
        (2 * 3600, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"),
        (61 * 86400, "2 months"),
        (700 * 86400, "23 months"),
        (800 * 86400, "2 years"),
    ],
)
def test_spans(seconds: float, expected: str) -> None:
    assert dockers.span(seconds) == expected
    assert dockers.ago(1000, 1000 + seconds) == f"{expected} ago"


def test_sizes() -> None:
    assert [dockers.decimal_size(size) for size in (0, 999, 1040, 1984132, 2.5e9, 1e18)] == [
        "0B", "999B", "1.04kB", "1.98MB", "2.5GB", "1e+03PB",
    ]  # fmt: skip
    assert [dockers.binary_size(size) for size in (0, 608 << 10, 25275858124)] == [
        "0B", "608KiB", "23.54GiB",
    ]  # fmt: skip


def port(target: int, published: int = 0, ip: str = "", protocol: str = "tcp") -> dict[str, object]:
    return {"host_ip": ip, "published": published, "target": target, "protocol": protocol}


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([], ""),
        ([port(80)], "80/tcp"),
        ([port(82), port(80), port(81), port(90)], "80-82/tcp, 90/tcp"),
        ([port(80, 8080, "0.0.0.0")], "0.0.0.0:8080->80/tcp"),
        ([port(80, 80, "::"), port(81, 81, "::")], "[::]:80-81->80-81/tcp"),
        ([port(53, 53, "0.0.0.0", "udp"), port(53, 53, "0.0.0.0")],
         "0.0.0.0:53->53/udp, 0.0.0.0:53->53/tcp"),
        ([port(80, 8080, "127.0.0.1"), port(443)], "443/tcp, 127.0.0.1:8080->80/tcp"),
    ],
)  # fmt: skip
def test_ports(ports: list[dict[str, object]], expected: str) -> None:
    assert dockers.ports(ports) == expected


def test_words() -> None:
    assert dockers.shortened("nginx -g daemon off", 10) == "nginx -g …"
    assert dockers.shortened("nginx", 5) == "nginx"
    assert dockers.quoted('a "b"\n') == '"a \\"b\\"\\n"'
