"""What `run` makes of a service: the file's, and what the command says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.compose.model import App
from nap_compose.compose.oneoff import Changes, oneoff_app
from nap_compose.errors import WrongUse

WEB = {
    "image": "web:1",
    "command": ["serve"],
    "entrypoint": ["/entry"],
    "environment": {"A": "1", "B": "2"},
    "restart": "always",
    "container_name": "fixed",
    "cap_add": ["NET_ADMIN"],
    "scale": 3,
    "ports": [{"target": 80, "published": "8080", "protocol": "tcp"}],
    "volumes": [{"type": "volume", "source": "data", "target": "/data"}],
    "deploy": {"mode": "global", "restart_policy": {"condition": "any"}},
}


def changed(**changes: Any) -> dict[str, Any]:
    app = App.of({"name": "shop", "services": {"web": WEB}, "volumes": {"data": {}, "more": {}}})
    after = oneoff_app(app, "web", Changes(**changes), folder="/home/ada")
    assert app.services["web"].spec == WEB
    assert after.services["web"].replicas == 1
    assert not after.services["web"].everywhere
    return dict(after.services["web"].spec)


def test_it_runs_once_publishes_nothing_and_has_no_name_of_its_own() -> None:
    spec = changed()
    assert {"restart", "container_name", "scale"}.isdisjoint(spec)
    assert spec["deploy"] == {"replicas": 1}
    assert spec["ports"] == []
    assert (spec["command"], spec["entrypoint"]) == (["serve"], ["/entry"])


def test_another_command_and_another_entrypoint() -> None:
    assert changed(command=("ls", "-l"))["command"] == ["ls", "-l"]
    spec = changed(entrypoint=("sh", "-c"))
    assert (spec["entrypoint"], spec["command"]) == (["sh", "-c"], [])
    spec = changed(entrypoint=(), command=("id",))
    assert (spec["entrypoint"], spec["command"]) == ([], ["id"])


def test_what_is_given_is_added_to_what_the_file_has() -> None:
    spec = changed(
        environment={"B": "3", "C": "4"},
        labels={"mine": "1"},
        cap_add=("SYS_TIME",),
        cap_drop=("ALL",),
        user="7",
        workdir="/srv",
    )
    assert spec["environment"] == {"A": "1", "B": "3", "C": "4"}
    assert spec["labels"] == {"mine": "1"}
    assert (spec["cap_add"], spec["cap_drop"]) == (["NET_ADMIN", "SYS_TIME"], ["ALL"])
    assert (spec["user"], spec["working_dir"]) == ("7", "/srv")


def test_ports() -> None:
    assert [port["target"] for port in changed(ports=("9000:90", "91"))["ports"]] == [90, 91]
    both = changed(ports=("9000:90",), service_ports=True)["ports"]
    assert [port["target"] for port in both] == [80, 90]


@pytest.mark.parametrize(
    ("text", "kind", "source", "target"),
    [
        ("more:/more", "volume", "more", "/more"),
        ("./here:/there", "bind", "/home/ada/here", "/there"),
        ("/srv/x:/y:ro", "bind", "/srv/x", "/y"),
        ("/anonymous", "volume", "", "/anonymous"),
    ],
)
def test_volumes(text: str, kind: str, source: str, target: str) -> None:
    old, new = changed(volumes=(text,))["volumes"]
    assert old["target"] == "/data"
    assert (new["type"], new.get("source") or "", new["target"]) == (kind, source, target)


def test_a_volume_takes_the_place_of_the_file_s() -> None:
    (mount,) = changed(volumes=("more:/data",))["volumes"]
    assert mount["source"] == "more"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"volumes": ("none:/x",)}, "has no volume 'none'"),
        ({"ports": ("http",)}, "--publish"),
        ({"ports": ("99999",)}, "--publish"),
    ],
)
def test_what_can_t_be(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongUse, match=said) as wrong:
        changed(**changes)
    assert wrong.value.hint


def test_a_service_that_isn_t_there() -> None:
    app = App.of({"name": "shop", "services": {"web": WEB}})
    with pytest.raises(WrongUse, match="no service 'wep'") as wrong:
        oneoff_app(app, "wep", Changes(), folder="/")
    assert wrong.value.hint == "did you mean 'web'?"
