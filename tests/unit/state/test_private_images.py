"""Which images came with somebody's login, and who was shown to have them."""

from __future__ import annotations

import pytest

from nap_compose.cluster import private_images
from nap_compose.cluster.private_images import PrivateImages
from nap_compose.cluster.state import StateStore

KNOWN = PrivateImages({"reg.example/tool": "reg.example/tool:1", "sha256:a": "reg.example/tool@x"})


@pytest.mark.parametrize(
    ("image", "called", "asked"),
    [
        ("sha256:a", ["reg.example/tool:1"], ("reg.example/tool:1", "reg.example/tool@x")),
        ("sha256:b", ["reg.example/tool:2"], ("reg.example/tool:2",)),
        ("sha256:a", [], ("reg.example/tool@x",)),
        ("sha256:a", ["<none>:<none>"], ("reg.example/tool@x",)),
        ("sha256:b", [], ()),
        ("sha256:b", ["busybox:1"], ()),
        ("sha256:a", ["reg.example/tool:1", "busybox:1"], ()),
        ("sha256:c", ["reg.example:5000/tool:1"], ()),
    ],
)
def test_whether_a_registry_is_asked(image, called, asked):
    assert KNOWN.of(image, called) == asked


def test_what_is_remembered(store: StateStore) -> None:
    private_images.mark(store, "reg.example:5000/team/tool", "reg.example:5000/team/tool:1")
    private_images.mark(store, "sha256:a", "reg.example:5000/team/tool@sha256:b")
    assert set(private_images.read_all(store).names) == {"reg.example:5000/team/tool", "sha256:a"}
    private_images.show(store, "bob", "shop", "sha256:a")
    assert private_images.is_shown(store, "bob", "shop", "sha256:a")
    assert not private_images.is_shown(store, "bob", "shop2", "sha256:a")
    private_images.forget(store, "bob", "shop")
    assert not private_images.is_shown(store, "bob", "shop", "sha256:a")
