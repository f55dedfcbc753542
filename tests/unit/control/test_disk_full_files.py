"""A disk without any room, at each place that writes a file: it is said, what was there stays, and
nothing is left half written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nap_compose.auth.attempts import Attempts
from nap_compose.auth.people import Person
from nap_compose.auth.rates import Rates
from nap_compose.auth.sessions import Sessions
from nap_compose.cli.written import write_file
from nap_compose.cluster.keyring import make_key_file
from nap_compose.cluster.private_files import replace_file, replace_private
from nap_compose.control import tokens
from nap_compose.control.founding.material import Material
from nap_compose.control.late import LateRecords
from nap_compose.control.stream import faults
from nap_compose.db.trail import AuditRecord
from nap_compose.errors import NapError, NotAllowed, foreseen
from tests.support.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")

ROW = AuditRecord("2026-01-01T00:00:00.000Z", "a" * 32, "ada", "ada@desk", "up")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as disk:
        yield disk


def _token(folder: Path) -> None:
    tokens.remember({"NAP_STATE_DIR": str(folder)}, "/etc/nap/cluster.yml", "t" * 40)


WRITERS: dict[str, Callable[[Path], object]] = {
    "a private file": lambda folder: replace_private(folder / "given.json", "[]"),
    "any other": lambda folder: replace_file(folder / "ca.pem", b"new", 0o644),
    "a key": lambda folder: make_key_file(folder / "secrets.key"),
    "a new cluster's files": lambda folder: list(Material(folder).make("lab", {"h1": "10.0.0.1"})),
    "a row of the trail": lambda folder: LateRecords(folder / "late").keep(ROW),
    "a person's token": _token,
    "a file for the person": lambda folder: write_file(folder / "out.yml", [b"services: {}\n"]),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_a_file_is_there_whole_or_not_at_all(
    disk: SmallDisk, writer: Callable[[Path], object]
) -> None:
    for name in ("given.json", "ca.pem", "out.yml"):
        (disk.folder / name).write_text("former")
    disk.fill()
    before = disk.files()
    with pytest.raises((OSError, NapError)) as caught:
        writer(disk.folder)
    told = foreseen(caught.value)
    assert told is not None and "No space left on device" in told.message
    assert disk.files() == before
    assert {(disk.folder / name).read_text() for name in before} == {"former"}
    disk.make_room()
    for name in before:
        (disk.folder / name).unlink()
    writer(disk.folder)
    assert disk.files()


def test_a_session_goes_on_and_a_new_one_is_refused(disk: SmallDisk) -> None:
    sessions = Sessions(disk.folder / "sessions", "lab", idle=3600.0)
    ada = Person("1", "ada", "uid=ada")
    token, begun = sessions.begin(ada, "ada", "ada", now=0.0, longest=7200.0)
    disk.fill()
    before = disk.files()
    found = sessions.find(token, "ada", now=600.0)
    assert found.person == ada and found.ends == begun.ends
    with pytest.raises(NapError, match=r"nobody can log in.*No space left"):
        sessions.begin(ada, "ada", "ada", now=700.0, longest=7200.0)
    assert disk.files() == before
    with pytest.raises(NotAllowed):  # what wasn't written down as used isn't
        sessions.find(token, "ada", now=3601.0)


def test_wrong_passwords_are_counted_or_not_tried(disk: SmallDisk) -> None:
    attempts = Attempts(disk.folder / "attempts")

    def wrong(who: str, now: float) -> None:
        with attempts.trying(who, now=now) as attempt:
            attempt.right = False

    wrong("bob", 100.0)
    disk.fill()
    for _ in range(2):
        wrong("bob", 100.0)
    with pytest.raises(NotAllowed, match="too many"):
        wrong("bob", 100.5)
    with pytest.raises(NapError, match=r"nobody can log in.*No space left"):
        wrong("ada", 100.0)
    disk.make_room()
    wrong("ada", 100.0)


def test_who_calls_is_counted_where_that_can_be(disk: SmallDisk) -> None:
    rates = Rates(disk.folder / "rates")
    rates.take("bob", "calls", 2, now=0.0)
    disk.fill()
    rates.take("bob", "calls", 2, now=0.0)
    with pytest.raises(NotAllowed, match="more than 2"):
        rates.take("bob", "calls", 2, now=0.0)
    for _ in range(5):
        rates.take("ada", "calls", 2, now=0.0)


def test_it_is_no_bug_of_naps(disk: SmallDisk) -> None:
    """Wherever it comes from, the person is told, on either side of the border."""
    disk.fill()
    with pytest.raises(OSError, match="No space") as caught:
        (disk.folder / "new").write_bytes(b"x")
    told = faults.heard(faults.told(caught.value))
    assert told.message.startswith("No space left on device")
    assert foreseen(ValueError("a bug")) is None
