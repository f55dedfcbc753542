"""What lies beside the Compose file, on its way to the hosts: once, whole, not for all to see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import RollbackRequest, Target
from nap_compose.compose import beside, parcels
from nap_compose.compose.beside import Beside, survey
from nap_compose.compose.loader import load
from nap_compose.control import stock
from nap_compose.errors import BadFile, NapError
from nap_compose.orchestration.steps import acts, waiting
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.engine.test_interruption import Killed, Killer
from tests.support.road import Road, picture
from tests.support.views import app

TEXT = """
name: shop
services:
  web:
    image: web:1
    volumes: [./app.conf:/etc/app.conf]
    secrets: [{source: pw, mode: 0400, uid: "33"}]
  db:
    image: db:1
    volumes: [./data:/data]
secrets: {pw: {file: ./pw.txt}}
"""
SECRET = "t0p-secret"


class Desk:
    """A project folder, and `nap up` from it."""

    def __init__(self, folder: Path, road: Road) -> None:
        self.folder = folder
        self.road = road
        (folder / "data").mkdir(parents=True)
        for name, content in {
            "compose.yaml": TEXT,
            "app.conf": "a=1",
            "pw.txt": SECRET,
            "data/row": "row",
        }.items():
            (folder / name).write_text(content)

    def seen(self) -> Beside:
        found = load(cwd=self.folder)
        return survey(
            found.app,
            env={},
            relative=found.relative,
            ships=True,
            digests=lambda piece: hashlib.sha256(parcels.read(piece)).hexdigest(),
        )

    def up(self, **how: Any) -> Any:
        seen = self.seen()
        return self.road.up(seen.app, supply=seen.supply, **how)


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    for name in ("web", "db"):
        cluster["h1"].add_image(f"{name}:1")
    return cluster


@pytest.fixture
def desk(fake: FakeCluster, tmp_path: Path) -> Desk:
    return Desk(tmp_path / "project", Road.on(fake))


@pytest.fixture(autouse=True)
def _none_crashes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these containers do they do at once."""
    monkeypatch.setattr(waiting, "SETTLES", 0.0)


def disks(fake: FakeCluster) -> dict[str, bytes]:
    """The files of all hosts."""
    return {
        path: content
        for engine in fake
        for path, content in engine.world.disk.items()
        if not path.endswith("/")
    }


def kinds_of(outcome: Any) -> list[str]:
    return [step.kind.value for step in outcome.plan.steps]


def test_all_is_there_before_a_container_is_made(desk: Desk, fake: FakeCluster) -> None:
    assert desk.up().state == "done"
    found = disks(fake)
    assert b"a=1" in found.values()
    assert found["ada_shop_folder-data/row"] == b"row"
    secret = next(path for path, content in found.items() if content == SECRET.encode())
    assert secret.startswith("/run/nap/secrets/ada_shop/")
    content = next(path for path, content in found.items() if content == b"a=1")
    assert content.startswith("/var/lib/nap/files/ada_shop/")
    mounts = fake_container(fake, "ada_shop-web-1").host_config["Mounts"]
    assert {mount["Target"]: mount["ReadOnly"] for mount in mounts} == {
        "/etc/app.conf": True,
        "/run/secrets/pw": True,
    }


def fake_container(fake: FakeCluster, name: str) -> Any:
    for engine in fake:
        for each in engine.world.containers.values():
            if each.name == name:
                return each
    raise AssertionError(f"there is no {name}")


def test_the_secret_is_nowhere_else(desk: Desk, fake: FakeCluster) -> None:
    desk.up()
    told = [repr(event) for event in desk.road.events]
    bodies = [repr((each.body, each.labels)) for e in fake for each in e.world.containers.values()]
    state = b"".join(
        path.read_bytes()
        for path in fake.state_dir.rglob("*")
        if path.is_file() and desk.folder not in path.parents
    )
    for text in (*told, *bodies):
        assert SECRET not in text
    assert SECRET.encode() not in state
    digest = desk.seen().app.content["secret:pw"]["digest"]
    assert digest.encode() not in state, "a short secret could be guessed from its digest"
    assert all(digest not in text for text in (*told, *bodies))


def test_a_second_up_touches_nothing(desk: Desk, fake: FakeCluster) -> None:
    desk.up()
    before = [len(engine.calls()) for engine in fake]
    asked: list[str] = []
    seen = desk.seen()

    def supply(key: str) -> bytes:
        asked.append(key)
        return seen.supply(key)

    assert desk.road.up(seen.app, supply=supply).state == "unchanged"
    assert asked == []
    writes = [
        call
        for engine, count in zip(fake, before, strict=True)
        for call in engine.calls()[count:]
        if call.method != "GET"
    ]
    assert writes == []


def test_another_content_replaces_just_who_uses_it(desk: Desk) -> None:
    desk.up()
    (desk.folder / "app.conf").write_text("a=2")
    (desk.folder / "data" / "row").write_text("never seen")
    outcome = desk.up()
    changed = {line.subject: line.change.value for line in outcome.plan.summary}
    assert changed == {"web.1": "replace", "db.1": "keep"}
    assert "seed-volume" not in kinds_of(outcome)


def test_a_volume_is_filled_once(desk: Desk, fake: FakeCluster) -> None:
    desk.up()
    engine = next(e for e in fake if "ada_shop_folder-data/row" in e.world.disk)
    engine.world.disk["ada_shop_folder-data/row"] = b"written by the app"
    (desk.folder / "data" / "row").write_text("another")
    desk.road.down()
    desk.up()
    assert engine.world.disk["ada_shop_folder-data/row"] == b"written by the app"


def test_down_leaves_an_empty_file_of_each_folder(desk: Desk, fake: FakeCluster) -> None:
    desk.up()
    desk.road.down()
    left = {path: content for path, content in disks(fake).items() if path.startswith("/")}
    assert set(left.values()) <= {b""}
    assert set(left) == {"/var/lib/nap/files/ada_shop", "/run/nap/secrets/ada_shop"}
    assert desk.up().state == "done"


def test_rollback_needs_nobodys_files(desk: Desk, fake: FakeCluster) -> None:
    desk.up()
    (desk.folder / "app.conf").write_text("a=2")
    desk.up()
    for name in ("app.conf", "pw.txt"):
        (desk.folder / name).unlink()
    for engine in fake:
        engine.world.disk.clear()  # and the hosts have lost theirs
    control = desk.road.control()
    outcome = control.rollback(
        RollbackRequest(Target("shop", "ada")), lambda event: None, desk.road.hand
    )
    control.close()
    assert outcome.state == "done"
    assert b"a=1" in disks(fake).values()


def test_what_a_start_failed_is_taken_back(desk: Desk, fake: FakeCluster) -> None:
    for engine in fake:
        engine.fault("POST", ".*/start", status=500, message="no")
    assert desk.up().state == "rolled back"
    left = {path: content for path, content in disks(fake).items() if path.startswith("/")}
    assert set(left.values()) <= {b""}


def test_a_full_disk_is_a_clear_error(desk: Desk, fake: FakeCluster) -> None:
    for engine in fake:
        engine.fault("PUT", ".*/archive", status=500, message="no space left on device", times=1)
    outcome = desk.up()
    assert outcome.exit_code == 1
    assert any("the disk is full" in failure.reason for failure in outcome.failures)
    assert picture(fake) == {"h1": [], "h2": []}


def test_secrets_go_to_no_disk(
    desk: Desk, fake: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nap_compose.orchestration import shipping
    from nap_compose.orchestration.steps import files

    monkeypatch.setattr(shipping, "SECRETS", "/var/on-disk")
    monkeypatch.setattr(files, "_MOUNTS", {"files": shipping.FILES, "secrets": "/var/on-disk"})
    outcome = desk.up()
    assert any("would lie on a disk" in failure.reason for failure in outcome.failures)
    assert SECRET.encode() not in disks(fake).values()


def test_what_can_not_be_read_changes_nothing(desk: Desk, fake: FakeCluster) -> None:
    seen = desk.seen()
    (desk.folder / "app.conf").unlink()
    with pytest.raises(BadFile, match="can't be read"):
        desk.road.up(seen.app, supply=seen.supply)
    assert all(call.method == "GET" for engine in fake for call in engine.calls())


def test_what_changes_while_it_is_read_is_not_taken(desk: Desk) -> None:
    seen = desk.seen()
    with pytest.raises(Exception, match="changed while it was read"):
        desk.road.up(seen.app, supply=lambda _: parcels.of_bytes(b"another"))


def test_a_host_that_lost_its_memory_gets_its_secrets_before_the_start(
    desk: Desk, fake: FakeCluster
) -> None:
    desk.up()
    for engine in fake:
        engine.world.disk = {
            path: content
            for path, content in engine.world.disk.items()
            if not path.startswith("/run/")
        }
        for container in engine.world.containers.values():
            engine.world.end(container, 137)
    outcome = desk.up()
    assert outcome.state == "done"
    assert "ship-files" in kinds_of(outcome)
    assert SECRET.encode() in disks(fake).values()


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Killer | None], None]]:
    whole = dict(acts.DO)

    def die(killer: Killer | None) -> None:
        chosen = {kind: killer.wrap(act) for kind, act in whole.items()} if killer else whole
        monkeypatch.setattr("nap_compose.orchestration.execute.DO", chosen)

    yield die


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_every_step(
    desk: Desk, fake: FakeCluster, dying: Callable[..., None], after: bool
) -> None:
    """The next `up` finishes: the volume is filled, the files are whole, all runs."""
    for nth in range(40):
        dying(Killer(nth, after=after))
        try:
            outcome = desk.up()
        except Killed:
            pass
        else:
            assert outcome.state in ("done", "unchanged")
            break
        dying(None)
        assert desk.up().state in ("done", "unchanged")
        found = disks(fake)
        assert found["ada_shop_folder-data/row"] == b"row", f"killed at step {nth}"
        assert {b"a=1", SECRET.encode()} <= set(found.values())
        states = {row.state for row in desk.road.rows("shop", stopped=True).values()}
        assert states == {"running"}
        desk.road.down(volumes=True)
        for engine in fake:
            engine.world.disk.clear()
    else:
        raise AssertionError("there is no end to the steps")
    assert nth > 6


class ByHand:
    """Somebody who packs content themselves, and says of it what they like."""

    def __init__(self, road: Road, kinds: dict[str, bytes]) -> None:
        self.road = road
        self.tars = {key: parcels.of_bytes(body) for key, body in kinds.items()}

    def up(self) -> Any:
        grants: dict[str, list[dict[str, str]]] = {"configs": [], "secrets": []}
        for key in self.tars:
            kind, _, name = key.partition(":")
            grants[f"{kind}s"].append({"source": name})
        top = {
            kind: {each["source"]: {"file": f"/{each['source']}"} for each in names}
            for kind, names in grants.items()
        }
        content = {
            key: {"kind": "content", "digest": parcels.digest_of(tar), "size": 1, "files": 1}
            for key, tar in self.tars.items()
        }
        model = replace(app({"web": grants}, **top), content=content)
        return self.road.up(model, supply=self.tars.__getitem__)


@pytest.mark.parametrize(
    ("key", "size"),
    [("secret:a", beside.SECRET_LIMITS.size + 1), ("config:a", beside.CONTENT_LIMITS.size + 1)],
)
def test_what_is_too_large_is_not_taken_from_whoever_sends_it(
    fake: FakeCluster, key: str, size: int
) -> None:
    road = Road.on(fake)
    with pytest.raises(NapError, match=f"{key.replace(':', ' ')} is larger than nap takes along"):
        ByHand(road, {key: bytes(size)}).up()
    assert not road.rows(stopped=True) and not disks(fake)
    assert ByHand(road, {key: bytes(1000)}).up().state == "done"


def test_nor_is_more_than_goes_along_with_an_app_however_little_at_a_time(
    fake: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "IN_ALL", 100_000)
    road = Road.on(fake)
    some = {f"config:c{n}": bytes([n]) * 80_000 for n in range(3)}
    assert ByHand(road, dict(list(some.items())[:2])).up().state == "done"
    with pytest.raises(NapError, match="is the most that goes along with an app"):
        ByHand(road, some).up()
    assert ByHand(road, dict(list(some.items())[1:])).up().state == "done"


def test_nor_is_more_taken_into_memory_than_there_may_be(
    fake: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock, "MOST_AT_HAND", 100_000)
    road, asked = Road.on(fake), []

    def supply(key: str) -> bytes:
        asked.append(key)
        return parcels.of_bytes(bytes(40_000))

    binds = [{"type": "bind", "source": f"/p/f{n}", "target": f"/f{n}"} for n in range(50)]
    content = {beside.bind_key(bind["source"]): {"kind": "data"} for bind in binds}
    with pytest.raises(NapError, match="is the most at once"):
        road.up(replace(app({"web": {"volumes": binds}}), content=content), supply=supply)
    assert len(asked) == 2
    assert not road.rows(stopped=True)
