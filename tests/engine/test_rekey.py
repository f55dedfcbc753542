"""A new key: all that rests is sealed with it, nothing runs anew, and the old one opens nothing."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Rekeyed, RollbackRequest, Target
from nap_compose.cluster import app_lock, contents
from nap_compose.cluster.cipher import BadCipherText, Cipher
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.control.history import model, past
from nap_compose.control.parts import Parts
from tests.engine.conftest import MakeCluster
from tests.engine.fake_engine import FakeCluster
from tests.engine.test_shipping import Desk
from tests.support.road import Road, picture


@pytest.fixture
def fake(fake_cluster: MakeCluster) -> FakeCluster:
    cluster = fake_cluster(2)
    for name in ("web", "db"):
        cluster["h1"].add_image(f"{name}:1")
    return cluster


@pytest.fixture
def desk(tmp_path: Path, road: Road) -> Desk:
    """Two revisions of an app with a file and a secret beside it."""
    desk = Desk(tmp_path / "project", road)
    desk.up()
    (desk.folder / "app.conf").write_text("a=2")
    desk.up()
    return desk


def add_key(road: Road) -> None:
    assert road.cluster.key_file is not None
    with road.cluster.key_file.open("a") as file:
        file.write(base64.b64encode(os.urandom(32)).decode() + "\n")


def keys(road: Road) -> list[bytes]:
    assert road.cluster.key_file is not None
    return [base64.b64decode(line) for line in road.cluster.key_file.read_text().split()]


def rekeyed(road: Road) -> Rekeyed:
    control = road.control()
    try:
        return control.rekey_records()
    finally:
        control.close()


@contextmanager
def parts_of(road: Road) -> Iterator[Parts]:
    parts = Parts(road.cluster)
    yield parts
    parts.close()


def opened(road: Road, cipher: Cipher) -> list[Any]:
    """All that rests sealed, with this cipher: models from the store and the records, files."""
    with parts_of(road) as parts:
        parts.__dict__["keyring"] = type(parts.keyring)(None, cipher)
        known = past(parts, Target("shop", "ada"))
        models = [model(parts, known, number) for number in (1, 2)]
        kept = [parts.records.revision(known.app.id, number) for number in (1, 2)]
        texts = [
            cipher.open(each.sealed, f"revision/ada/shop/{each.number}") for each in kept if each
        ]
        names = Cipher(*keys(road))
        said = (str(each.get("digest") or "") for each in models[1].content.values())
        digests = {digest for digest in said if digest}
        files = []
        for digest in sorted(digests):
            key = f"content/ada/shop/{names.mark(digest)}"
            head = parts.store.get(key)
            assert head is not None
            files.append(cipher.open(contents._sealed(parts.store, head), key))
        return [*models, *texts, *files]


def test_all_that_rests_is_sealed_with_the_new_key(
    fake: FakeCluster, road: Road, desk: Desk
) -> None:
    before, stands = opened(road, Cipher(*keys(road))), picture(fake)
    assert rekeyed(road) == Rekeyed(0, 0, 0)
    add_key(road)
    old, new = keys(road)
    done = rekeyed(road)
    assert (done.revisions, done.records, done.busy) == (2, 2, ()) and done.files >= 3
    assert opened(road, Cipher(new)) == before
    with pytest.raises(BadCipherText):
        opened(road, Cipher(old))
    assert rekeyed(road) == Rekeyed(0, 0, 0)
    # What runs is known by the seals it has, and nothing of it is made anew.
    assert desk.up().state == "unchanged"
    assert picture(fake) == stands
    control = road.control()
    request = RollbackRequest(Target("shop"), 1)
    assert control.rollback(request, lambda event: None, road.hand).state == "done"
    assert control.verify_audit().fault == ""
    control.close()
    assert road.down().state == "done"


@pytest.mark.parametrize("nth", range(0, 30, 3))
def test_killed_halfway_all_is_there(
    road: Road, desk: Desk, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    left = [nth]

    def dying(act: Callable[..., Any]) -> Callable[..., Any]:
        def acted(self: SqliteStore, key: str, *rest: Any) -> Any:
            if not key.startswith("lock/"):
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
            return act(self, key, *rest)

        return acted

    before = opened(road, Cipher(*keys(road)))
    add_key(road)
    with monkeypatch.context() as dead:
        for name in ("put", "delete"):
            dead.setattr(SqliteStore, name, dying(getattr(SqliteStore, name)))
        with suppress(Killed):
            rekeyed(road)
    assert opened(road, Cipher(*keys(road))) == before
    rekeyed(road)
    assert opened(road, Cipher(keys(road)[-1])) == before


def test_an_app_that_is_being_deployed_is_left(
    road: Road, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nap_compose.control.rekeying.WAIT", 0.1)
    add_key(road)
    with parts_of(road) as parts:
        with app_lock.take(parts.store, "ada", "shop", who="ada", deployment="d"):
            assert rekeyed(road).busy == ("ada/shop",)
        assert rekeyed(road).busy == ()
