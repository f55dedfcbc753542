"""The cluster's key: where it is read, how it is made, and that it doesn't show."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nap_compose.cluster.cipher import BadCipherText, Cipher
from nap_compose.cluster.cluster import Cluster, Logs
from nap_compose.cluster.keyring import make_key_file, open_keyring
from nap_compose.cluster.seal import Seal
from nap_compose.errors import BadFile, NapError

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()


def cluster(tmp_path: Path, key_file: Path | None = None, name: str = "lab") -> Cluster:
    logs = Logs(tmp_path / "logs")
    return Cluster(name, {}, tmp_path / "state", logs, key_file=key_file, file="cluster.yml")


def key_file(tmp_path: Path, text: str = TEXT, mode: int = 0o600) -> Path:
    path = tmp_path / "secrets.key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_clusters_key_seals_labels_and_revisions(tmp_path: Path) -> None:
    ring = open_keyring(cluster(tmp_path, key_file(tmp_path)))
    again = open_keyring(cluster(tmp_path, key_file(tmp_path, TEXT + "\n")))
    assert ring.seal is not None and again.seal is not None
    assert again.seal.holds(ring.seal.over("text"), "text")
    assert again.cipher.open(ring.cipher.seal(b"model", "k"), "k") == b"model"


def test_an_embedded_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    ring = open_keyring(cluster(tmp_path, name=""))
    path = tmp_path / "state" / "secrets.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(path.read_text())) == 32
    assert [file.name for file in path.parent.iterdir()] == ["secrets.key"]
    assert ring.seal is None
    again = open_keyring(cluster(tmp_path, name=""))
    assert again.cipher.open(ring.cipher.seal(b"model", "k"), "k") == b"model"


def test_many_processes_make_one_key(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, base64, time\n"
        "from nap_compose.cluster.keyring import make_key_file\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
        "make_key_file(path); print(path.read_text(), end='')\n"
    )
    at = str(time.time() + 1.5)
    path = str(tmp_path / "secrets.key")
    made = [
        subprocess.Popen([sys.executable, "-c", code, path, at], stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    keys = {process.communicate()[0] for process in made}
    assert len(keys) == 1 and len(base64.b64decode(keys.pop())) == 32
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.key"]


def test_a_key_that_is_there_stays(tmp_path: Path) -> None:
    path = key_file(tmp_path)
    make_key_file(path)
    assert path.read_text() == TEXT


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = key_file(tmp_path, mode=mode)
    with pytest.raises(BadFile, match=f"read by others.*mode {mode:04o}") as caught:
        open_keyring(cluster(tmp_path, path))
    assert caught.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize("text", [TEXT[:-4], TEXT + TEXT, "no base64 §"[:9], "AAAA", "%%%%"])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadFile, match="32 bytes written in base64") as caught:
        open_keyring(cluster(tmp_path, key_file(tmp_path, text)))
    assert text not in str(caught.value)


def test_an_empty_or_missing_key_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="empty"):
        open_keyring(cluster(tmp_path, key_file(tmp_path, "")))
    with pytest.raises(BadFile, match="No such file"):
        open_keyring(cluster(tmp_path, tmp_path / "none"))
    with pytest.raises(BadFile, match="names no key_file") as caught:
        open_keyring(cluster(tmp_path))
    assert caught.value.hint and "urandom" in caught.value.hint


def test_a_folder_or_pipe_in_place_of_a_key(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    with pytest.raises(BadFile, match="no regular file"):
        open_keyring(cluster(tmp_path, tmp_path / "folder"))
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(BadFile, match="no regular file"):
        open_keyring(cluster(tmp_path, tmp_path / "pipe"))


def test_a_state_directory_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(NapError, match="can't be written"):
        open_keyring(cluster(tmp_path, name=""))


def test_no_key_shows(tmp_path: Path) -> None:
    ring = open_keyring(cluster(tmp_path, key_file(tmp_path)))
    ring.cipher.seal(b"x", "k")
    for shown in (repr(ring), str(ring), repr(ring.cipher), repr(ring.seal)):
        assert "***" in shown
        assert TEXT not in shown and repr(KEY) not in shown


def test_a_sealed_text_is_bound_to_its_place_and_key() -> None:
    sealed = Cipher(KEY).seal(b"secret", "revision/a/b/1")
    assert b"secret" not in base64.b64decode(sealed)
    assert sealed != Cipher(KEY).seal(b"secret", "revision/a/b/1")
    for cipher, place in ((Cipher(KEY), "revision/a/b/2"), (Cipher(bytes(32)), "revision/a/b/1")):
        with pytest.raises(BadCipherText, match="doesn't open"):
            cipher.open(sealed, place)


@pytest.mark.parametrize("at", [0, 1, 20, -5])
def test_a_changed_text_does_not_open(at: int) -> None:
    data = bytearray(base64.b64decode(Cipher(KEY).seal(b"secret text", "k")))
    data[at] ^= 1
    with pytest.raises(BadCipherText):
        Cipher(KEY).open(base64.b64encode(data).decode(), "k")


@pytest.mark.parametrize("text", ["", "AQ==", "no base64!", "é"])
def test_what_was_never_sealed_does_not_open(text: str) -> None:
    with pytest.raises(BadCipherText):
        Cipher(KEY).open(text, "k")


def test_cryptography_is_imported_only_when_used() -> None:
    code = (
        "import sys\n"
        "import nap_compose.cluster.keyring, nap_compose.cluster.revisions\n"
        "import nap_compose.cluster.stores, nap_compose.db.records\n"
        "heavy = {'cryptography', 'consul', 'requests', 'pymysql', 'sqlite3'} & set(sys.modules)\n"
        "sys.exit(repr(heavy) if heavy else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


OLD, NEW = b"o" * 32, b"n" * 32


def test_the_newest_key_seals_and_all_open() -> None:
    was, both, now = Cipher(OLD), Cipher(OLD, NEW), Cipher(NEW)
    old = was.seal(b"secret", "k")
    assert both.open(old, "k") == b"secret"
    assert now.open(both.seal(b"secret", "k"), "k") == b"secret"
    with pytest.raises(BadCipherText):
        was.open(both.seal(b"secret", "k"), "k")
    anew = both.resealed(old, "k")
    assert anew is not None and now.open(anew, "k") == b"secret"
    assert both.resealed(anew, "k") is None
    for place, text in (("elsewhere", old), ("k", "bm90aGluZw==")):
        with pytest.raises(BadCipherText):
            both.resealed(text, place)


def test_names_stay_when_a_key_is_added() -> None:
    assert Cipher(OLD, NEW).mark("x") == Cipher(OLD).mark("x") != Cipher(NEW).mark("x")


def test_labels_bear_the_newest_seal_and_older_ones_hold() -> None:
    both = Seal(OLD, NEW)
    assert both.over("x") == Seal(NEW).over("x")
    assert both.holds(Seal(OLD).over("x"), "x") and both.holds(Seal(NEW).over("x"), "x")
    assert not both.holds(Seal(OLD).over("y"), "x") and not Seal(NEW).holds(both.over("y"), "x")


def test_a_key_file_with_several_keys(tmp_path: Path) -> None:
    path = tmp_path / "key"
    lines = [base64.b64encode(key).decode() for key in (OLD, NEW)]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    ring = open_keyring(Cluster("lab", {}, tmp_path, Logs(tmp_path), key_file=path))
    assert ring.cipher.open(Cipher(OLD).seal(b"x", "k"), "k") == b"x"
    assert Cipher(NEW).open(ring.cipher.seal(b"x", "k"), "k") == b"x"
    path.write_text(lines[0] + "\nshort\n")
    with pytest.raises(BadFile, match="each key on a line"):
        open_keyring(Cluster("lab", {}, tmp_path, Logs(tmp_path), key_file=path))
