"""Pulling with an owner's login: what is remembered of it, and who then gets the image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nap_compose.cluster import private_images
from nap_compose.cluster.cipher import Cipher
from nap_compose.cluster.engine import EngineError
from nap_compose.cluster.state_sqlite import SqliteStore
from nap_compose.control.given import GivenApps
from nap_compose.control.registries.entitled import ImageDoor
from nap_compose.control.registries.keeping import FILE_NAME, logins_of, name_of, place
from nap_compose.control.registries.pulling import OwnersLogins
from nap_compose.db.people import CredentialRecord
from nap_compose.db.records import RecordsAway
from nap_compose.errors import WrongUse

IMAGE = "reg.example:5000/team/tool:1"
DIGEST = "reg.example:5000/team/tool@sha256:" + 64 * "b"
CIPHER = Cipher(b"k" * 32)


class Registry:
    """An engine that reaches a registry: its images are for `ada` with `s3cret`, or for all."""

    def __init__(self, *, public: bool = False) -> None:
        self.public = public

    def registry_digest(self, image: str, *, auth: Mapping[str, str]) -> str:
        if not self.public and auth.get("password") != "s3cret":
            raise EngineError("h1", 401, "authentication required")
        return "sha256:b"

    def inspect_image(self, image: str) -> dict[str, Any]:
        if image == "busybox:1":
            return {"Id": "sha256:c", "RepoTags": ["busybox:1"], "RepoDigests": []}
        return {"Id": "sha256:a", "RepoTags": [IMAGE], "RepoDigests": [DIGEST]}

    def images(self) -> list[dict[str, Any]]:
        return [self.inspect_image("busybox:1"), self.inspect_image(IMAGE)]


class Records:
    def __init__(self) -> None:
        self.away = False

    def credentials(self, owner: str | None = None) -> list[CredentialRecord]:
        if self.away:
            raise RecordsAway("the database doesn't answer")
        sealed = CIPHER.seal(b"s3cret", place("bob", "reg.example:5000"))
        return [CredentialRecord("bob", "reg.example:5000", "ada", sealed, "2026-01-01")]


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Any]:
    store = SqliteStore(tmp_path / "state.sqlite")
    yield SimpleNamespace(
        store=store,
        records=Records(),
        keyring=SimpleNamespace(cipher=CIPHER),
        given=lambda *, now: GivenApps.of([("carol", "shop", "bob")]),
        cluster=SimpleNamespace(state_dir=tmp_path, embedded=False),
    )
    store.close()


def pull(parts: Any, engine: Any, owner: str = "bob") -> Mapping[str, str] | None:
    with OwnersLogins(parts, owner, "shop").pulling(engine, IMAGE) as login:
        # The name is private before the image is there.
        marked = set(private_images.read_all(parts.store).names)
        assert marked == (set() if engine.public or not login else {"reg.example:5000/team/tool"})
        return login


def test_what_only_a_login_brings_is_for_that_app(parts):
    engine = Registry()
    assert pull(parts, engine) == {
        "username": "ada", "password": "s3cret", "serveraddress": "reg.example:5000",
    }  # fmt: skip
    door = ImageDoor(parts)
    assert door.why_not(engine, IMAGE, "bob", "shop") == ""
    assert "somebody's login" in door.why_not(engine, IMAGE, "bob", "other")
    assert "somebody's login" in door.why_not(engine, "sha256:a", "eve", "shop")
    assert door.why_not(engine, "busybox:1", "eve", "shop") == ""
    assert door.foreign(engine)


def test_what_everybody_gets_is_everybodys(parts):
    engine = Registry(public=True)
    pull(parts, engine)
    assert private_images.read_all(parts.store).names == {}
    assert ImageDoor(parts).why_not(engine, IMAGE, "eve", "x") == ""
    assert not ImageDoor(parts).foreign(engine)


def test_an_app_pulls_with_the_login_of_whose_it_is_now(parts):
    assert pull(parts, Registry(), owner="carol")
    assert OwnersLogins(parts, "carol", "other").to(IMAGE) is None
    assert OwnersLogins(parts, "bob", "shop").to("busybox:1") is None
    assert OwnersLogins(parts, "bob", "shop").to("sha256:" + 64 * "a") is None


def test_with_the_database_away_logins_are_those_that_were_there_lately(parts, tmp_path):
    parts.records.away = True
    assert logins_of(parts, "bob") == {}
    parts.records.away = False
    known = logins_of(parts, "bob")
    parts.records.away = True
    assert logins_of(parts, "bob") == known
    copy = tmp_path / FILE_NAME
    assert copy.stat().st_mode & 0o777 == 0o600
    assert "s3cret" not in copy.read_text()
    assert logins_of(parts, "eve") == {}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("registry.example", "registry.example"),
        ("https://Registry.example:5000/v2/", "registry.example:5000"),
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("localhost:5000/team", "localhost:5000"),
    ],
)
def test_what_people_call_a_registry(text, name):
    assert name_of(text) == name


@pytest.mark.parametrize("text", ["", "a b", "ada", "://", "../x", "reg.example\n"])
def test_what_is_no_registry(text):
    with pytest.raises(WrongUse, match="is no registry"):
        name_of(text)
