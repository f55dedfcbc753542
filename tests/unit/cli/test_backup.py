"""`nap backup` and `nap volume backup`: words, secrets, and what is asked before data goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import ContentRequest, ContentRestored, SaveRequest, Target
from nap_compose.cluster import keyring, vault
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from tests.unit.cli.scripted import Scripted, nap

FILE = """\
name: lab
hosts: {h1: {endpoint: "tcp://127.0.0.1:1"}}
insecure: [h1]
state_dir: state
logs: {dir: logs}
key_file: secrets.key
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(vault._COST, "n", 1 << 4)
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "cluster.yml").write_text(FILE)
    keyring.make_key_file(folder / "secrets.key")
    (tmp_path / "key").write_text("a long enough one\n")
    (tmp_path / "key").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    return folder / "cluster.yml"


def call(cluster: Path, *words: str) -> Any:
    return nap("--cluster", str(cluster), "backup", *words)


def test_made_seen_and_found_whole(cluster: Path, tmp_path: Path) -> None:
    made = call(cluster, "create", "all.napbackup", "--key-file", "key")
    assert made.code == Exit.DONE and "lab, made " in made.out and "files 2" in made.out
    assert "all.napbackup is whole" in call(cluster, "verify", "all.napbackup", "--key-file",
                                            "key").out  # fmt: skip
    listed = call(cluster, "ls", str(tmp_path))
    assert "all.napbackup" in listed.out and "lab" in listed.out and not listed.err
    assert '"cluster": "lab"' in call(cluster, "ls", str(tmp_path), "--format", "json").out


def test_without_a_secret_nothing_is_begun(cluster: Path, tmp_path: Path) -> None:
    ended = call(cluster, "create", "all")
    assert ended.code == Exit.WRONG_USE and "--key-file FILE" in ended.err
    (tmp_path / "key").write_text("short")
    ended = call(cluster, "create", "all", "--key-file", "key")
    assert ended.code == Exit.WRONG_USE and "less than 12" in ended.err
    (tmp_path / "key").chmod(0o644)
    assert "chmod 600" in call(cluster, "create", "all", "--key-file", "key").err
    assert not (tmp_path / "all").exists()


def test_what_can_not_be_read_or_written(cluster: Path, tmp_path: Path) -> None:
    key = ("--key-file", "key")
    assert "can't be read" in call(cluster, "verify", "nothing", *key).err
    assert "no archive of nap's" in call(cluster, "verify", "key", *key).err
    ended = call(cluster, "create", "no/such/folder/all", *key)
    assert ended.code == Exit.FAILED and "can't be written" in ended.err
    assert call(cluster, "ls", "nowhere").code == Exit.DONE


def test_through_a_broker_there_is_none() -> None:
    ended = nap("--cluster", "ssh://lab", "backup", "ls")
    assert ended.code == Exit.WRONG_USE and "made by who has them" in ended.err


@dataclass
class Volumes(Scripted):
    """A Control that saves volumes and brings them back."""

    breaks: bool = False
    took: list[bytes] = field(default_factory=list)

    def save_volume(self, request: SaveRequest, cancel: Any) -> Iterator[bytes]:
        self.asked.append(request)
        yield b"half"
        if self.breaks:
            raise NapError("the host went away")
        yield b" of it"

    def restore_volume(
        self, request: ContentRequest, pieces: Iterable[bytes], tell: Any, event: Any, cancel: Any
    ) -> ContentRestored:
        self.asked.append(request)
        self.took += pieces
        tell(1 << 20)
        return ContentRestored(10, "cluster storage", "before-x", 3)


def test_a_volume_goes_to_a_file_as_a_whole(empty: Path, tmp_path: Path) -> None:
    control, file = Volumes(), tmp_path / "v.tar"
    ended = nap("volume", "backup", "shop/data", str(file), control=control)
    assert ended.code == Exit.DONE and "10B written" in ended.out
    assert file.read_bytes() == b"half of it" and file.stat().st_mode & 0o077 == 0
    nap("volume", "backup", "eve/shop/data", str(file), "--no-hooks", control=control)
    assert control.asked == [
        SaveRequest(Target("shop"), "data"),
        SaveRequest(Target("shop", "eve"), "data", hooks=False),
    ]
    broken = nap("volume", "backup", "a/b", str(tmp_path / "w"), control=Volumes(breaks=True))
    assert broken.code == Exit.FAILED and not (tmp_path / "w").exists()
    assert "terminal" in nap("volume", "backup", "a/b", "-", control=Volumes(), width=80).err


def test_a_volume_comes_back_once_it_is_agreed(empty: Path, tmp_path: Path) -> None:
    control, file = Volumes(), tmp_path / "v.tar"
    file.write_bytes(b"all of it")
    words = ("volume", "restore", "shop/data", str(file))
    assert nap(*words, control=control).code == Exit.UNANSWERED and control.asked == []
    ended = nap(*words, "-y", "--stop", control=control)
    assert ended.code == 3, "the app couldn't be brought up"
    assert control.asked == [ContentRequest(Target("shop"), "data", stop=True)]
    assert control.took == [b"all of it"] and "snapshot before-x" in ended.out
    gone = nap("volume", "restore", "shop/data", str(tmp_path / "x"), "-y", control=Volumes())
    assert gone.code == Exit.WRONG_USE and "can't be read" in gone.err
