"""A backup of a cluster with SQLite: brought back elsewhere, refused where it mustn't be."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from nap_compose.border import BackupRequest, BackupSecret, RestoreRequest
from nap_compose.cluster import config, keyring, revisions, state_keys, vault, wanted_records
from nap_compose.compose.model import App
from nap_compose.control.backup import archive, gathering
from nap_compose.control.backup.archive import Packing, Unpacking
from nap_compose.control.backup.backups import Backups
from nap_compose.control.parts import Parts
from nap_compose.db.people import QuotaRecord
from nap_compose.errors import BadFile, NapError, NotAllowed
from nap_compose.exits import Exit

MODEL = App.of(
    {"name": "shop", "services": {"web": {"image": "x", "environment": {"A": "s3cret"}}}}
)
FILE = """\
name: lab
hosts: {h1: {endpoint: "tcp://127.0.0.1:1"}}
insecure: [h1]
state_dir: ../state
logs: {dir: ../logs}
key_file: secrets.key
backup: {dir: ../backups, key_file: ../elsewhere.key, keep: 2}
"""


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vault._COST, "n", 1 << 4)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A control machine's folders, with an app on record."""
    home = tmp_path / "control"
    made(home, tmp_path)
    with_an_app(home)
    return home


def made(home: Path, tmp_path: Path) -> None:
    (home / "etc" / "tls").mkdir(parents=True)
    (home / "etc" / "cluster.yml").write_text(FILE)
    (home / "etc" / "tls" / "ca-key.pem").write_text("PRIVATE s3cret")
    (home / "etc" / "tls" / "ca-key.pem").chmod(0o600)
    keyring.make_key_file(home / "etc" / "secrets.key")
    (home / "elsewhere.key").write_text("a passphrase in a file\n")
    (home / "elsewhere.key").chmod(0o600)


def with_an_app(home: Path) -> None:
    parts = parts_of(home)
    app = parts.records.ensure_app("ada", "shop", "ada_shop")
    parts.records.set_quota(QuotaRecord("ada", "memory", 2**30, "root", "now"))
    assert app.id
    revisions.write(parts.store, parts.keyring.cipher, "ada", "shop", number=1, model=MODEL)
    wanted_records.deployed(parts.store, "ada", "shop", 1, ["web"])
    log = home / "logs" / "ada" / "shop" / "deploy" / "d1.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text("{}\n")
    kept = home / "logs" / "ada" / "shop" / "services" / "web" / "1" / "abc-000001.log"
    kept.parent.mkdir(parents=True)
    kept.write_text("a line\n")
    parts.close()


def parts_of(home: Path) -> Parts:
    return Parts(config.read(home / "etc" / "cluster.yml"))


def backups(home: Path) -> Backups:
    return Backups(str(home / "etc" / "cluster.yml"), {})


def quiet(text: str) -> None:
    pass


def taken(home: Path, **asked: bool) -> Path:
    return Path(backups(home).create(BackupRequest(**asked), BackupSecret(), quiet).file)


def restored(file: Path, home: Path, **how: bool):  # type: ignore[no-untyped-def]
    request = RestoreRequest(str(file), str(home / "etc" / "cluster.yml"), **how)
    key = BackupSecret(passphrase="a passphrase in a file")
    return Backups("", {}).restore(request, key, quiet)


def test_all_of_it_comes_back_on_another_machine(home: Path, tmp_path: Path) -> None:
    file = taken(home)
    assert b"s3cret" not in file.read_bytes() and b"shop" not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    new = tmp_path / "new"
    done = restored(file, new)
    assert done.content.cluster == "lab"
    assert done.rows["apps"] == 1 and done.keys == 3 and done.logs == 1 and done.files == 3
    assert done.unseen == ("h1",)
    for name in ("cluster.yml", "tls/ca-key.pem", "secrets.key"):
        assert (new / "etc" / name).read_bytes() == (home / "etc" / name).read_bytes()
        assert (new / "etc" / name).stat().st_mode == (home / "etc" / name).stat().st_mode
    assert not (new / "logs" / "ada" / "shop" / "services").exists()
    parts = parts_of(new)
    assert revisions.load(parts.store, parts.keyring.cipher, "ada", "shop", 1) == MODEL
    assert wanted_records.read(parts.store, "ada", "shop") == wanted_records.Wanted(1)
    assert parts.records.quotas()[0].amount == 2**30
    verbs = [(row.verb, row.outcome) for row in parts.records.audit(after=0)]
    assert verbs == [("backup create", "begun"), ("backup restore", "begun"),
                     ("backup restore", "done")]  # fmt: skip
    parts.close()


def test_containers_logs_where_they_are_asked_for(home: Path, tmp_path: Path) -> None:
    assert restored(taken(home, container_logs=True), tmp_path / "new").logs == 2
    assert list((tmp_path / "new" / "logs").rglob("abc-000001.log"))


def test_a_living_state_is_left_alone(home: Path, tmp_path: Path) -> None:
    file = taken(home)
    parts = parts_of(home)
    wanted_records.deployed(parts.store, "ada", "later", 5, ["web"])
    parts.records.ensure_app("ada", "later", "ada_later")
    with pytest.raises(NapError, match="is alive") as refused:
        restored(file, home)
    assert refused.value.exit_code is Exit.UNANSWERED
    assert wanted_records.read(parts.store, "ada", "later") is not None
    done = restored(file, home, replace=True)
    assert done.rows["apps"] == 1
    assert wanted_records.read(parts.store, "ada", "later") is None
    parts.close()
    lock = parts_of(home).store.lease(state_keys.app_lock("ada", "shop"), {})
    with lock, pytest.raises(NapError, match="under way"):
        restored(file, home, replace=True)


def test_files_that_differ_are_left_or_replaced_when_said(home: Path, tmp_path: Path) -> None:
    file = taken(home)
    new = tmp_path / "new"
    (new / "etc").mkdir(parents=True)
    edited = FILE.replace("../state", "../other-state")
    (new / "etc" / "cluster.yml").write_text(edited)
    with pytest.raises(NapError, match=r"other files are there.*cluster\.yml"):
        restored(file, new)
    assert not (new / "etc" / "secrets.key").exists(), "nothing was written"
    assert restored(file, new, keep_files=True).files == 2
    assert (new / "etc" / "cluster.yml").read_text() == edited
    assert (new / "other-state" / "state.sqlite").exists()


def test_a_damaged_one_touches_nothing(home: Path, tmp_path: Path) -> None:
    whole = taken(home).read_bytes()
    new, bad = tmp_path / "new", tmp_path / "bad"
    for data in (whole[:-1], whole[: len(whole) // 2], whole + b"x", whole[:200],
                 whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:]):  # fmt: skip
        bad.write_bytes(data)
        with pytest.raises(BadFile):
            restored(bad, new)
        with pytest.raises(BadFile):
            backups(home).verify(str(bad), BackupSecret())
    with pytest.raises(NotAllowed):
        request = RestoreRequest(str(bad), str(new / "cluster.yml"))
        Backups("", {}).restore(request, BackupSecret(passphrase="not that, surely"), quiet)
    assert not new.exists()


def test_members_that_lead_elsewhere_are_refused(home: Path, tmp_path: Path) -> None:
    """Also from who knows the passphrase."""
    of = gathering.about(config.read(home / "etc" / "cluster.yml"))
    for name in ("files/../../etc/passwd", "etc/passwd", "/etc/passwd", "logs/a/../../x"):
        file = io.BytesIO()
        packing = Packing(file, "a passphrase in a file", of)
        packing._add_bytes(name, b"x", 0o600)
        packing.close()
        (tmp_path / "made").write_bytes(file.getvalue())
        with pytest.raises(BadFile):
            restored(tmp_path / "made", tmp_path / "new")
    for line in (b'["lock/leader/watch", {}]\n', b"none\n", b"[1]\n", b'["host/h1", 1]'):
        file = io.BytesIO()
        packing = Packing(file, "a passphrase in a file", of)
        packing.stream(archive.STATE, [line])
        packing.close()
        (tmp_path / "made").write_bytes(file.getvalue())
        with pytest.raises(BadFile):
            restored(tmp_path / "made", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_streams_are_cut_into_members(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PIECE", 10)
    file = io.BytesIO()
    packing = Packing(file, "secret", gathering.about(config.read(home / "etc" / "cluster.yml")))
    assert packing.stream("records/", [b"0123456", b"789abc", b"defghijklmno"]) == 3
    packing.close()
    file.seek(0)
    with Unpacking(file, "secret") as unpacking:
        found = [(name, b"".join(content)) for name, _, content in unpacking.members()]
    assert [name for name, _ in found] == [f"records/{n:06d}" for n in range(3)]
    assert b"".join(data for _, data in found) == b"0123456789abcdefghijklmno"


def test_so_many_are_kept_and_listed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nap_compose.control.backup import backups as module

    for second in range(4):
        monkeypatch.setattr(module, "utc_now", lambda s=second: f"2026-03-01T12:00:0{s}.000Z")
        last = taken(home)
    (last.parent / "bad.napbackup").write_bytes(b"none")
    listing = backups(home).ls("")
    assert [Path(row.file).name for row in listing.rows] == [
        "lab-20260301T120003Z.napbackup",
        "lab-20260301T120002Z.napbackup",
        "bad.napbackup",
    ]
    assert [row.cluster for row in listing.rows] == ["lab", "lab", ""]
    assert "no archive" in listing.rows[2].problem
    entry = parts_of(home).store.get(state_keys.BACKUP)
    assert entry and entry.value["at"] == listing.last and entry.value["size"] > 1000


def test_the_local_engines_own(tmp_path: Path) -> None:
    env = {"NAP_STATE_DIR": str(tmp_path / "own"), "DOCKER_HOST": "tcp://127.0.0.1:1"}
    keyring.make_key_file(tmp_path / "own" / "secrets.key")
    key = BackupSecret(passphrase="long enough to be one")
    target = str(tmp_path / "backup")
    Backups("", env).create(BackupRequest(target), key, quiet)
    elsewhere = {**env, "NAP_STATE_DIR": str(tmp_path / "new")}
    done = Backups("", elsewhere).restore(RestoreRequest(target), key, quiet)
    assert done.files == 1 and (tmp_path / "new" / "secrets.key").exists()
