"""What is kept of apps that came from a host's own Compose: sealed, and only for what it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from nap_compose.cluster import adopted, state_keys
from nap_compose.cluster.adopted import Adopted, Former
from nap_compose.cluster.seal import Seal
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.cluster.view import HostView, View, VolumeView
from nap_compose.compose.model import App
from nap_compose.errors import Locked
from nap_compose.orchestration.bodies.making import volume_name
from nap_compose.orchestration.placement.volumes import homes

SEAL = Seal(b"k" * 32)
CAME = Adopted(
    "h2", "shop", {"data": "shop_data"}, (Former("i1", "shop-db-1", True, {"Name": "always"}),)
)
SHOP = App.of(
    {
        "name": "shop",
        "services": {"db": {"volumes": [{"type": "volume", "source": "data", "target": "/d"}]}},
        "volumes": {"data": {"driver_opts": {"type": "nfs"}}, "other": {}},
    }
)


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "state.sqlite")


def host(name: str, *volumes: str) -> HostView:
    return HostView(name, "", volumes=tuple(VolumeView(each, name) for each in volumes))


def view(*hosts: HostView) -> View:
    return View(datetime.now(timezone.utc), {each.name: each for each in hosts})


def test_it_is_read_as_it_was_written(store: SqliteStore) -> None:
    adopted.begin(store, SEAL, "bob", "shop", CAME)
    assert adopted.read(store, SEAL, "bob", "shop") == CAME
    assert adopted.read_all(store, SEAL) == {("bob", "shop"): CAME}
    assert adopted.read_all(store, SEAL, "bo") == {}
    with pytest.raises(Locked):
        adopted.begin(store, SEAL, "bob", "shop", CAME)
    adopted.write(store, SEAL, "bob", "shop", replace(CAME, whole=True))
    found = adopted.read(store, SEAL, "bob", "shop")
    assert found is not None and found.whole
    adopted.delete(store, "bob", "shop")
    assert adopted.read(store, SEAL, "bob", "shop") is None


@pytest.mark.parametrize("change", [{"volumes": {"data": "vault_data"}}, {"host": "h1"}, {}])
def test_without_a_good_seal_it_counts_for_nothing(
    store: SqliteStore, change: dict[str, object]
) -> None:
    adopted.begin(store, SEAL, "bob", "shop", CAME)
    entry = store.get(state_keys.adopted("bob", "shop"))
    assert entry is not None
    # The last case is a good record of bob's, put where it is about somebody else's app.
    store.put(state_keys.adopted("eve", "shop"), {**entry.value, **change})
    assert adopted.read(store, SEAL, "eve", "shop") is None
    if change:
        store.put(entry.key, {**entry.value, **change})
        assert adopted.read_all(store, SEAL) == {}


def test_only_the_volume_on_its_own_host_is_the_apps() -> None:
    seen = view(host("h1", "shop_data"), host("h2", "shop_data", "vault_data"))
    marked = adopted.marked(seen, "lab", {("bob", "shop"): CAME})
    whose = {
        (each.host, each.name): each.identity and each.identity.key
        for host in marked.hosts.values()
        for each in host.volumes
    }
    assert whose == {
        ("h1", "shop_data"): None,
        ("h2", "shop_data"): "bob/shop",
        ("h2", "vault_data"): None,
    }
    app = adopted.in_place(SHOP, CAME)
    assert volume_name(app, "bob_shop", "data") == "shop_data"
    assert volume_name(app, "bob_shop", "other") == "bob_shop_other"
    assert homes(app, "bob_shop", "data", [*marked.hosts.values()]) == ("h2",)
    assert list(adopted.names_on({("bob", "shop"): CAME}, "h1")) == []
    assert list(adopted.names_on({("bob", "shop"): CAME}, "h2")) == ["shop_data"]


def test_no_file_can_say_it() -> None:
    from nap_compose.compose.keys import TOP
    from nap_compose.compose.shapes import Reading

    reading = Reading()
    TOP.read(adopted.in_place(SHOP, CAME).document, reading)
    assert any(adopted.IN_PLACE in str(fault) for fault in reading.faults)
