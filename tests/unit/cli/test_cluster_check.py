"""`nap cluster check`: every fault of a cluster file, and a file with every key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nap_compose.exits import Exit
from tests.unit.cli.scripted import Scripted, nap


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cluster.yml"


def test_a_file_that_is_valid(file: Path, empty: Path) -> None:
    file.write_text("name: lab\nhosts: {h1: {endpoint: 'unix:///a'}, h2: {endpoint: 'unix:///b'}}")
    told = nap("cluster", "check", str(file), control=Scripted())
    assert (told.code, told.out) == (0, f"{file} is valid: cluster lab, hosts h1, h2\n")
    assert nap("cluster", "check", str(file), "-q", control=Scripted()).out == ""
    found = nap("cluster", "check", str(file), "--format", "json", control=Scripted())
    assert json.loads(found.out) == {"file": str(file), "name": "lab", "hosts": ["h1", "h2"]}


def test_every_fault_with_its_line(file: Path, empty: Path) -> None:
    file.write_text("name: lab\nhostz: {}\nhosts:\n  h1: {endpoint: nowhere}\nnetwork: {mtu: 1}\n")
    told = nap("cluster", "check", str(file), control=Scripted())
    assert told.code == Exit.WRONG_USE
    for place in (":2:1: ", ":4:18: ", ":5:16: "):
        assert f"{file}{place}" in told.err
    assert "did you mean 'hosts'?" in told.err


def test_no_file_at_all(empty: Path) -> None:
    told = nap("cluster", "check", "/no/such.yml", control=Scripted())
    assert told.code == Exit.WRONG_USE
    assert "/no/such.yml" in told.err


def test_the_example_is_valid(file: Path, empty: Path) -> None:
    file.write_text(nap("cluster", "check", "--example", control=Scripted()).out)
    assert nap("cluster", "check", str(file), control=Scripted()).code == 0
