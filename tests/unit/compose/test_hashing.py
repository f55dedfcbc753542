"""The config hash: stable, and only what makes another container changes it."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.compose.hashing import config_hash, resource_hash

BASE: dict[str, Any] = {
    "command": None,
    "image": "nginx",
    "environment": {"A": "1", "B": None},
    "networks": {"default": None},
}


@pytest.mark.parametrize(
    "change",
    [
        {"build": {"context": "/x"}},
        {"pull_policy": "always"},
        {"scale": 3},
        {"deploy": {"replicas": 3, "resources": {}, "placement": {}}},
        {"depends_on": {"db": {"condition": "service_started", "required": True}}},
        {"profiles": ["p"]},
        {"x-own": 1},
    ],
)
def test_what_makes_no_other_container(change: dict[str, Any]) -> None:
    assert config_hash({**BASE, **change}) == config_hash(BASE)


@pytest.mark.parametrize(
    "change",
    [
        {"image": "nginx:2"},
        {"environment": {"A": "2", "B": None}},
        {"environment": {"A": "1"}},
        {"command": []},
        {"networks": {"default": {"aliases": ["a"]}}},
        {"deploy": {"resources": {"limits": {"memory": "1"}}}},
        {"labels": {"a": ""}},
    ],
)
def test_what_makes_another_container(change: dict[str, Any]) -> None:
    assert config_hash({**BASE, **change}) != config_hash(BASE)


def test_the_order_of_keys_does_not_count() -> None:
    assert config_hash(dict(reversed(BASE.items()))) == config_hash(BASE)


def test_mounted_content_counts() -> None:
    assert config_hash(BASE, {"/etc/c": "abc"}) != config_hash(BASE)
    assert config_hash(BASE, {"/etc/c": "abc"}) != config_hash(BASE, {"/etc/c": "abd"})


def test_the_hash_never_changes_between_versions() -> None:
    assert (
        config_hash({"image": "nginx"})
        == "87132e95dfbdfe0f3b4b5fc5d97e77562f531773bb439b3b9624ef0863f7fcbb"
    )


def test_resources() -> None:
    assert resource_hash({"name": "a", "x-y": 1}) == resource_hash({"name": "a"})
    assert resource_hash({"name": "a", "driver": "b"}) != resource_hash({"name": "a"})
