"""Revisions: whole, sealed, numbered, the last twenty kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nap_compose.cluster import revisions
from nap_compose.cluster.cipher import BadCipherText, Cipher
from nap_compose.cluster.state import Lost, Put, StateStore
from nap_compose.compose.model import App
from nap_compose.errors import NapError

CIPHER = Cipher(b"k" * 32)


def app(image: str = "nginx:1", **environment: str) -> App:
    document = {
        "name": "shop",
        "services": {
            "web": {
                "image": image,
                "environment": environment,
                "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}],
                "depends_on": {"db": {"condition": "service_healthy", "required": True}},
            },
            "db": {"image": "mariadb"},
        },
        "volumes": {"data": {"name": "shop_data"}},
    }
    return App.of(document, "/srv/shop", ("app.yml", "größer.yml"), ("debug",))


def write(store: StateStore, number: int, model: App, owner: str = "ada") -> revisions.Revision:
    return revisions.write(store, CIPHER, owner, "shop", number=number, model=model)


@pytest.mark.parametrize("owner", ["ada", ""])
def test_a_model_comes_back_equal(store: StateStore, owner: str) -> None:
    written = write(store, 1, app(GREETING="näïve ☂"), owner)
    model = revisions.load(store, CIPHER, owner, "shop", 1)
    assert model == app(GREETING="näïve ☂")
    assert list(model.services) == ["web", "db"]
    assert written.digest == revisions.digest_of(model)


def test_a_large_model_is_cut_and_comes_back(store: StateStore) -> None:
    model = app(BLOB="x" * 1_000_000)
    write(store, 1, model)
    assert len(store.list("revision-piece/ada/shop/1/")) == 6
    assert revisions.load(store, CIPHER, "ada", "shop", 1) == model


def test_nothing_of_the_model_rests_in_clear(store: StateStore) -> None:
    written = write(store, 1, app(PASSWORD="correct-horse"))
    rests = json.dumps([entry.value for entry in store.list("")]) + written.sealed
    assert "correct-horse" not in rests and "nginx" not in rests and "/srv/shop" not in rests


def test_numbers(store: StateStore) -> None:
    assert revisions.latest_number(store, "ada", "shop") == 0
    for number in (1, 2, 9, 10):
        write(store, number, app(f"nginx:{number}"))
    write(store, 99, app(), owner="bob")
    assert revisions.latest_number(store, "ada", "shop") == 10
    assert revisions.load(store, CIPHER, "ada", "shop", 9).services["web"].image == "nginx:9"


def test_a_revision_never_changes(store: StateStore) -> None:
    write(store, 1, app("nginx:1"))
    with pytest.raises(Lost):
        write(store, 1, app("nginx:2"))
    assert write(store, 1, app("nginx:1")).number == 1
    assert revisions.load(store, CIPHER, "ada", "shop", 1) == app("nginx:1")
    assert len(store.list("revision-piece/")) == 1


def test_the_last_twenty_are_kept(store: StateStore) -> None:
    store.put("revision-piece/ada/shop/2/killed00.0", "left by a writer that was killed")
    for number in range(1, 26):
        write(store, number, app(f"nginx:{number}"))
    with pytest.raises(NapError, match="no revision 5 of ada/shop; kept are 6 to 25"):
        revisions.load(store, CIPHER, "ada", "shop", 5)
    assert revisions.load(store, CIPHER, "ada", "shop", 6) == app("nginx:6")
    assert len(store.list("revision/")) == len(store.list("revision-piece/")) == 20


def test_an_app_that_is_no_more(store: StateStore) -> None:
    write(store, 1, app())
    write(store, 1, app(), owner="bob")
    revisions.forget(store, "ada", "shop")
    assert [entry.key for entry in store.list("revision/")] == ["revision/bob/shop/1"]
    with pytest.raises(NapError, match="no revision 1 of ada/shop; none is kept"):
        revisions.load(store, CIPHER, "ada", "shop", 1)


def tamper(store: StateStore, what: str) -> None:
    (piece,) = store.list("revision-piece/ada/shop/1/")
    (other,) = store.list("revision-piece/ada/shop/2/")
    head = store.get("revision/ada/shop/1")
    assert head is not None
    text: str = piece.value
    changes: dict[str, Put] = {
        "one letter": Put(piece.key, text[:50] + ("A" if text[50] != "A" else "B") + text[51:]),
        "cut": Put(piece.key, text[:-8]),
        "empty": Put(piece.key, ""),
        "another revision's": Put(piece.key, other.value),
        "no text": Put(piece.key, {"a": 1}),
        "digest": Put(head.key, {**head.value, "digest": "0" * 64}),
        "head of another": Put(head.key, {**head.value, "prefix": other.key[:-1]}),
        "fewer pieces": Put(head.key, {**head.value, "pieces": 0}),
    }
    store.batch([changes[what]])


@pytest.mark.parametrize(
    "what",
    [
        "one letter",
        "cut",
        "empty",
        "another revision's",
        "no text",
        "digest",
        "head of another",
        "fewer pieces",
    ],
)
def test_tampering_is_noticed(store: StateStore, what: str) -> None:
    write(store, 1, app("nginx:1"))
    write(store, 2, app("nginx:2"))
    tamper(store, what)
    with pytest.raises(BadCipherText) as caught:
        revisions.load(store, CIPHER, "ada", "shop", 1)
    assert caught.value.hint
    assert revisions.load(store, CIPHER, "ada", "shop", 2) == app("nginx:2")


def test_a_lost_piece_is_noticed(store: StateStore) -> None:
    write(store, 1, app(BLOB="x" * 600_000))
    store.delete(store.list("revision-piece/ada/shop/1/")[1].key)
    with pytest.raises(BadCipherText):
        revisions.load(store, CIPHER, "ada", "shop", 1)


def test_equal_models_have_equal_digests() -> None:
    def digest(document: dict[str, Any], *files: str) -> str:
        return revisions.digest_of(App.of(document, "/", files))

    one = {"name": "a", "services": {"x": {"image": "i"}, "y": {"image": "i"}}}
    two = {"services": {"y": {"image": "i"}, "x": {"image": "i"}}, "name": "a"}
    assert digest(one) == digest(two)
    assert digest(one) != digest({**one, "name": "b"}) != digest(one, "app.yml")
