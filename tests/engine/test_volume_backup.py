"""What is in a volume, saved and brought back through the border's stream, on fake engines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nap_compose.border import ContentRequest, Control, SaveRequest, Target
from nap_compose.cluster import hostfs, moves
from nap_compose.cluster.hostfs import entry, packed
from nap_compose.control.parts import Parts
from nap_compose.errors import BadFile, NapError
from nap_compose.storage import copying
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.support.road import Hand, Road
from tests.support.stream import over_stream
from tests.support.views import app

VOLUME = "ada_shop_data"


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(1)
    cluster.add_image("web:1")
    return cluster


@pytest.fixture
def broker(road: Road) -> Iterator[Control]:
    control = over_stream(road.control())
    yield control
    control.close()


def shop(**web: Any) -> Any:
    volumes = [{"type": "volume", "source": "data", "target": "/data"}]
    return app({"web": {"volumes": volumes, **web}}, volumes={"data": {}})


def put(road: Road, **files: str) -> None:
    parts = Parts(road.cluster)
    with hostfs.opened(
        parts.engines.on("h1"), {"volume": VOLUME}, cluster=road.cluster.name, owner="ada",
        seal=parts.seal,
    ) as mounted:  # fmt: skip
        heads = [(entry(f"volume/{name}", 0o644), text.encode()) for name, text in files.items()]
        mounted.put([packed(heads)])
    parts.close()


def held(road: Road) -> str:
    """What the volume holds, as a digest."""
    parts = Parts(road.cluster)
    with hostfs.opened(
        parts.engines.on("h1"), {"volume": VOLUME}, cluster=road.cluster.name, owner="ada",
        seal=parts.seal,
    ) as mounted:  # fmt: skip
        found = copying.digest(mounted.get("volume"))
    parts.close()
    return found


def saved(control: Control) -> bytes:
    return b"".join(control.save_volume(SaveRequest(Target("shop"), "data"), Hand()))


def restored(control: Control, data: bytes, *, stop: bool = True) -> Any:
    request = ContentRequest(Target("shop"), "data", stop)
    pieces = (data[at : at + 1000] for at in range(0, len(data), 1000))
    return control.restore_volume(request, pieces, lambda come: None, lambda event: None, Hand())


def test_there_and_back(fake: FakeCluster, road: Road, broker: Control) -> None:
    road.up(shop())
    put(road, one="1", two="2" * 5000)
    before, data = held(road), saved(broker)
    put(road, one="changed", three="3")
    assert held(road) != before
    with pytest.raises(NapError, match="uses shop/data"):
        restored(broker, data, stop=False)
    done = restored(broker, data)
    assert (done.where, done.exit_code) == ("h1", 0)
    assert held(road) == before
    assert road.rows("shop")["web.1"].state == "running"
    assert road.up(shop()).state == "unchanged"
    names = {each["Name"] for each in Parts(road.cluster).engines.on("h1").volumes()}
    assert names == {VOLUME}, "nothing is left beside it"


def test_what_is_cut_off_or_changed_leaves_all_as_it_was(
    fake: FakeCluster, road: Road, broker: Control
) -> None:
    road.up(shop())
    put(road, one="1" * 5000)
    data = saved(broker)
    put(road, two="2")
    before, ids = held(road), road.rows("shop")["web.1"].id
    for bad in (data[:-1], data[: len(data) // 2], data[:600] + b"x" + data[601:], b""):
        with pytest.raises((BadFile, NapError)):
            restored(broker, bad)
        assert (held(road), road.rows("shop")["web.1"].id) == (before, ids)
    names = {each["Name"] for each in Parts(road.cluster).engines.on("h1").volumes()}
    assert names == {VOLUME}


def test_cut_off_after_the_content_came_nothing_starts_until_it_is_back(
    fake: FakeCluster, road: Road, broker: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    road.up(shop())
    put(road, one="1")
    before, data = held(road), saved(broker)
    with monkeypatch.context() as patched:

        def cut(*args: Any) -> int:
            raise RuntimeError("killed")

        patched.setattr(copying, "copy", cut)
        with pytest.raises(Exception, match=r"."):
            restored(broker, data)
    for start in (lambda: road.up(shop()), lambda: road.act("start")):
        with pytest.raises(NapError, match="being brought back, and that was cut off"):
            start()
    done = restored(broker, data)
    assert done.exit_code == 0 and held(road) == before
    parts = Parts(road.cluster)
    assert moves.read(parts.store, "ada", "shop") is None
    parts.close()
    assert road.rows("shop")["web.1"].state == "running"
