"""Which keys a backup holds: for every key of the state store it is said whether it does."""

from __future__ import annotations

from pathlib import Path

from nap_compose.cluster import host_records, revisions, state_kept, state_keys, wanted_records
from nap_compose.cluster.cipher import Cipher
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.compose.model import App


def test_every_key_is_in_a_backup_or_left_out() -> None:
    known = {
        value
        for name, value in vars(state_keys).items()
        if name.isupper() and isinstance(value, str) and name != "NO_OWNER"
    }
    for key in known:
        said = [p for p in (*state_kept.KEPT, *state_kept.LEFT) if key.startswith(p)]
        assert said, f"nobody says whether a backup holds {key}"
    assert not set(state_kept.KEPT) & set(state_kept.LEFT)


def test_they_come_back_in_an_order_that_is_whole_at_every_moment(tmp_path: Path) -> None:
    store, cipher = SqliteStore(tmp_path / "a.sqlite"), Cipher(b"k" * 32)
    model = App.of({"name": "shop", "services": {"web": {"image": "x", "command": ["y" * 9]}}})
    for number in (1, 2):
        revisions.write(store, cipher, "ada", "shop", number=number, model=model)
    wanted_records.deployed(store, "ada", "shop", 2, ["web"])
    store.put("claim/host/h1", {})
    found = [entry.key for entry in state_kept.kept(store)]
    assert [key.partition("/")[0] for key in found] == [
        *["revision-piece"] * 2,
        *["revision"] * 2,
        "wanted",
    ]
    assert state_kept.any_of(store).startswith("revision/")
    other = SqliteStore(tmp_path / "b.sqlite")
    assert state_kept.any_of(other) == ""
    for entry in state_kept.kept(store):
        other.put(entry.key, entry.value)
    assert revisions.load(other, cipher, "ada", "shop", 2) == model
    assert host_records.read_all(other) == {}
    state_kept.clear(other)
    assert list(state_kept.kept(other)) == [] and state_kept.any_of(other) == ""
    assert [entry.key for entry in store.list("claim/")] == ["claim/host/h1"]
