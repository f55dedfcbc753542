"""What `mfscli` and `mfsdirinfo` of MooseFS 3.0.117 print, and what nap makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.cluster.cluster import Moosefs
from nap_compose.errors import NapError
from nap_compose.storage import programs, sessions
from nap_compose.storage.report import Client, Held, Server, held, report

SAID = """master info:|master version|3.0.117
master info:|total space|326832881664
master info:|avail space|230615535616
master info:|trash space|29
master info:|chunks|8
master info:|last successful store|-

all chunks matrix:|goal/copies/chunks:|2|2|2
all chunks matrix:|chunkclass missing:|1
all chunks matrix:|chunkclass endangered:|3
all chunks matrix:|chunkclass undergoal:|4
all chunks matrix:|chunkclass stable:|2

chunk servers:|10.0.0.11|9422|2|-|3.0.117|0|maintenance_off|4|100|400|-|0|0|0
chunk servers:|10.0.0.12|9422|1|-|3.0.117|0|maintenance_on|5|100|400|-|0|0|0

Disconnected chunk servers:|10.0.0.13|9422|3|maintenance_temp_on
active mounts, parameters:|1|10.0.0.1|/mnt/mfs|2|1|3.0.117|/|rw|yes|no|yes|0|0|-|-|-|-

inactive mounts, parameters:|4|10.0.0.13|/mnt/mfs|7|86392
"""


@pytest.fixture
def moosefs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Moosefs:
    monkeypatch.setattr(programs, "knock", lambda _: None)
    return Moosefs("mfsmaster", tools=tmp_path)


def program(moosefs: Moosefs, name: str, said: str) -> None:
    assert moosefs.tools
    path = moosefs.tools / name
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    path.chmod(0o755)


def test_the_whole_report(moosefs: Moosefs) -> None:
    program(moosefs, "mfscli", SAID)
    found = report(moosefs)
    assert (found.version, found.total, found.free) == ("3.0.117", 326832881664, 230615535616)
    assert (found.trash, found.chunks) == (29, 8)
    assert found.servers == (
        Server("10.0.0.11", True, 100, 400, 4, "3.0.117"),
        Server("10.0.0.12", False, 100, 400, 5, "3.0.117"),
        Server("10.0.0.13", False),
    )
    assert found.up == ("10.0.0.11",)
    assert found.clients == (
        Client(1, "10.0.0.1", "/mnt/mfs", 2, True),
        Client(4, "10.0.0.13", "/mnt/mfs", 7, False, 86392),
    )


def test_chunks_by_how_many_copies_are_left(moosefs: Moosefs) -> None:
    program(moosefs, "mfscli", SAID)
    found = report(moosefs)
    assert (found.missing, found.endangered, found.undergoal) == (1, 3, 4)


MATRIX = """all chunks matrix:|goal/copies/chunks:|2|1|5
all chunks matrix:|goal/copies/chunks:|2|2|40
all chunks matrix:|goal/copies/chunks:|3|2|7
all chunks matrix:|chunkclass missing:|0
all chunks matrix:|chunkclass endangered:|5
all chunks matrix:|chunkclass undergoal:|7
all chunks matrix:|chunkclass stable:|40
all chunks matrix:|chunkclass overgoal:|0
all chunks matrix:|chunkclass pending deletion:|0
all chunks matrix:|chunkclass to be removed:|0
"""
"""As `mfscli -SIC` prints it where one of three chunkservers is gone: of chunks with goal 2 that it
had one copy is left, of those with goal 3 two."""


def test_one_copy_left_of_two_is_endangered_and_two_of_three_undergoal(moosefs: Moosefs) -> None:
    program(moosefs, "mfscli", MATRIX)
    found = report(moosefs)
    assert (found.missing, found.endangered, found.undergoal) == (0, 5, 7)
    # The other matrix is of the disks that aren't to be emptied; it says nothing of what is left.
    regular = MATRIX.replace("all chunks", "regular chunks").replace("|5", "|9")
    program(moosefs, "mfscli", MATRIX + regular)
    assert report(moosefs).endangered == 5


def test_what_a_folder_holds(moosefs: Moosefs) -> None:
    said = (
        "/x:\n inodes:                          7\n  directories:                    2\n"
        "  files:                          3\n chunks:                          1\n"
        " length:                         14\n size:                        73728\n"
        " realsize:                   147456"
    )
    program(moosefs, "mfsdirinfo", said)
    assert held(moosefs, Path("/x")) == Held(14, 147456, 3, 2)


def test_only_lost_clients_of_that_host_are_ended(moosefs: Moosefs, tmp_path: Path) -> None:
    told = tmp_path / "told"
    assert moosefs.tools
    script = (
        f'case "$*" in *-CRS*) echo "$@" >> {told}; echo "Session 4 has been removed";; '
        f"*) cat <<'END'\n{SAID}\nEND\n;; esac"
    )
    (moosefs.tools / "mfscli").write_text(f"#!/bin/sh\n{script}\n")
    (moosefs.tools / "mfscli").chmod(0o755)
    assert sessions.release(moosefs, ["10.0.0.1"]) == [], "it is connected"
    assert [each.id for each in sessions.release(moosefs, ["10.0.0.13"])] == [4]
    (line,) = told.read_text().splitlines()
    assert line.endswith("-CRS/4")


def test_the_masters_configuration(tmp_path: Path) -> None:
    config = tmp_path / "mfsmaster.cfg"
    config.write_text("WORKING_USER = mfs\n# SESSION_SUSTAIN_TIME = 86400\n")
    config.chmod(0o640)
    assert sessions.configured(config) is None
    sessions.configure(config)
    assert sessions.configured(config) == sessions.WANTED <= sessions.MOST
    assert "WORKING_USER = mfs" in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o640
    sessions.configure(config)
    assert config.read_text().count("SESSION_SUSTAIN_TIME") == 1
    with pytest.raises(NapError, match="can't read"):
        sessions.configured(tmp_path / "nope")
