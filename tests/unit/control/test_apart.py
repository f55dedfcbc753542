"""Things that bear one maker's name on the hosts and are different owners' by now."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nap_compose.auth.policy.bodies import things_of
from nap_compose.cluster import labels
from nap_compose.cluster.engine import NotFound
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.seal import Seal
from nap_compose.control.apart import Apart
from nap_compose.control.given import GivenApps

SEAL = Seal(b"k" * 32)
GIVEN = GivenApps.of([("bob", "shop", "carol")])


class Hosts:
    """An engine with a volume and a network of each of Bob's apps."""

    def inspect_volume(self, name: str) -> dict[str, Any]:
        return self._thing(name)

    def inspect_network(self, name: str) -> dict[str, Any]:
        return self._thing(name)

    def _thing(self, name: str) -> dict[str, Any]:
        if not name.startswith("bob_"):
            raise NotFound("h1", 404, "no such thing")
        app = name.split("_")[1]
        identity = Identity("lab", "bob", app, "", project=f"bob_{app}")
        told = {} if app == "bare" else labels.write(identity, name=name, seal=SEAL, compose={})
        return {"Name": name, "Labels": told}


def why_not(kind: str, name: str, app: str, given: GivenApps = GIVEN) -> str:
    parts: Any = SimpleNamespace(
        given=lambda *, now: given, cluster=SimpleNamespace(name="lab"), seal=SEAL
    )
    hosts: Any = Hosts()
    return Apart(parts).why_not(hosts, [(kind, name)], "bob", app)


@pytest.mark.parametrize("kind", ["volume", "network"])
@pytest.mark.parametrize(
    ("name", "app", "may"),
    [
        ("bob_shop_data", "shop", True),
        ("bob_other_data", "shop", False),
        ("bob_shop_data", "other", False),
        ("bob_other_data", "other", True),
        ("bob_other_data", "third", True),
        ("bob_bare_data", "other", True),
        ("bob_bare_data", "shop", False),
        ("none", "shop", True),
        ("", "shop", True),
    ],
)
def test_who_may_have_what(kind, name, app, may):
    assert bool(why_not(kind, name, app)) is not may


def test_where_nothing_was_given_nothing_is_asked():
    assert why_not("volume", "bob_other_data", "shop", GivenApps()) == ""


def test_all_that_a_body_names():
    body = {
        "HostConfig": {
            "Binds": ["bob_a_data:/a:ro"],
            "Mounts": [{"Type": "volume", "Source": "bob_b_data"}, {"Type": "tmpfs"}],
            "NetworkMode": "bob_c_default",
        },
        "NetworkingConfig": {"EndpointsConfig": {"bob_d_default": {}}},
    }
    assert [name for _, name in things_of(body) if name] == [
        "bob_a_data",
        "bob_b_data",
        "bob_c_default",
        "bob_d_default",
    ]
