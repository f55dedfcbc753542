"""The table of keys against the bodies that engines get: what is applied changes the body of a
container, a network or a volume, and what is ignored changes nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from nap_compose.compose.bake import Wishes, bake
from nap_compose.compose.canonical import service as canonical_service
from nap_compose.compose.faults import dotted
from nap_compose.compose.keys import SERVICE
from nap_compose.compose.model import App
from nap_compose.compose.resources import NETWORK, VOLUME
from nap_compose.compose.rows import EMBEDDED, Treatment
from nap_compose.compose.shapes import Reading
from nap_compose.compose.treatment import every_key
from nap_compose.orchestration.bodies.building import build_query
from nap_compose.orchestration.bodies.container import container_body
from nap_compose.orchestration.bodies.hooks import exec_bodies
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.networking import endpoint
from nap_compose.orchestration.bodies.shared import network_body, volume_body
from nap_compose.orchestration.wanted import Slot
from tests.support.every_key import value_of

ELSEWHERE = {
    # Read while loading, and gone when it is done.
    "extends", "env_file", "label_file", "profiles",
    # Who waits for whom, and where things go.
    "depends_on", "scale", "platform", "pull_policy",
    "deploy.mode", "deploy.replicas", "deploy.placement",
    "deploy.update_config", "deploy.rollback_config",
    # The name is given when the container is made.
    "container_name",
    # The order in which networks are connected.
    "networks.a.priority",
    # Who is followed in the foreground, and what is watched.
    "attach", "develop",
    # For those who read the file; and nap's own note on `mode`.
    "ports[0].name", "ports[0].mode",
    # Without it the service's own, which the full service has too, counts for its first network.
    "networks.a.mac_address",
    # What `deploy` says counts before it.
    "cpus", "mem_limit", "mem_reservation", "pids_limit", "restart",
    # Permissions go with a file to where it is copied, and with those that hosts are brought.
    "configs[0].uid", "configs[0].gid", "configs[0].mode",
    "secrets[0].uid", "secrets[0].gid", "secrets[0].mode", "x-nap.ship", "x-nap.secret_env",
    # What a backup runs in a container that is there.
    "x-nap.backup",
    # An inline Dockerfile, which the full service has too, counts before it.
    "build.dockerfile",
    # And one platform to build for is the service's own.
    "build.platforms",
    # These say which of the others there are.
    "healthcheck.disable", "devices[0].target",
}  # fmt: skip
"""What acts otherwise than in a body, or only where something else is left out."""


MORE = """
volumes:
  - {type: volume, source: v, target: /v, volume: {subpath: s, nocopy: true, labels: {a: b}}}
  - {type: bind, source: /b, target: /b, read_only: true, consistency: cached,
     bind: {propagation: rshared, create_host_path: true, recursive: disabled}}
  - {type: bind, source: /z, target: /z, bind: {selinux: z, create_host_path: true}}
  - {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 448}}
  - {type: image, source: i, target: /i, image: {subpath: s}}
cpus: 3
mem_limit: 3m
mem_reservation: 3m
pids_limit: 3
container_name: named
volumes_from: ["container:other"]
restart: always
stop_grace_period: 20s
expose: ["9"]
external_links: ["other:o"]
extra_hosts: ["a=1.2.3.4"]
"""


def full_service() -> dict[str, Any]:
    """A canonical service that has every key."""
    spec: dict[str, Any] = value_of(SERVICE)
    del spec["network_mode"]
    spec.update(yaml.safe_load(MORE))
    spec["healthcheck"]["disable"] = False
    spec["deploy"]["resources"]["reservations"]["devices"] = [
        {"driver": "d", "device_ids": ["1"], "capabilities": ["gpu"], "options": {"a": "b"}},
        {"count": 2, "capabilities": ["gpu"]},
    ]
    reading = Reading()
    checked = SERVICE.read(spec, reading)
    found: dict[str, Any] = canonical_service(checked, reading)
    assert not reading.faults, [fault.text() for fault in reading.faults]
    return found


def bodies(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What an engine is sent for a service."""
    services = {"web": spec, "other": {"image": "other:1"}}
    app = App.of({"name": "shop", "services": services, "networks": {"a": {}}})
    making = Making(
        app=app,
        service=app.services["web"],
        slot=Slot("web", 1),
        project="shop",
        name="shop-web-1",
        labels={},
    )
    body = container_body(making)
    image, built = {"web": "web:1"}, making.service
    if "build" in spec:
        body["bake"] = bake(app, ["web"], image, {"web": {}}, Wishes())["target"]
        body["query"] = build_query(built, "web:1", {}, Wishes())
    for moment in ("post_start", "pre_stop"):
        body[moment] = exec_bodies(making.service, moment)
    for key in making.service.networks:
        body[f"endpoint {key}"] = endpoint(making, key)
    return body


def without(value: Any, path: tuple[str | int, ...]) -> Any:
    """A copy of a value without what stands at `path`."""
    result = copy.deepcopy(value)
    inner = result
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return result


def cases(
    shape: Any, value: Mapping[str, Any], body: Callable[[Mapping[str, Any]], Any]
) -> Iterator[Any]:
    """Each innermost key of `value`: whether it is heeded, and whether it shows in the body."""
    whole = body(value)
    findings = list(every_key(value, EMBEDDED, shape))
    for finding, following in zip(findings, [*findings[1:], None], strict=True):
        inner = following and following.path[: len(finding.path)] == finding.path
        name = dotted(finding.path)
        act_elsewhere = any(
            name == key or name.startswith((f"{key}.", f"{key}[")) for key in ELSEWHERE
        )
        required = name.endswith(
            (".target", ".source", ".type", "].path", "].rate", "].weight", ".soft", ".hard")
        )
        if inner or act_elsewhere or required or finding.treatment is Treatment.REFUSED:
            continue
        shows = body(without(value, finding.path)) != whole
        yield pytest.param(finding.treatment, shows, id=name)


@pytest.mark.parametrize(("treatment", "shows"), list(cases(SERVICE, full_service(), bodies)))
def test_a_service_key_acts_as_the_table_says(treatment: Treatment, shows: bool) -> None:
    assert shows == (treatment is not Treatment.IGNORED)


def _network(spec: Mapping[str, Any]) -> Any:
    return network_body("n", spec, {}, overlay=False)


def _volume(spec: Mapping[str, Any]) -> Any:
    return volume_body("v", spec, {})


def _resource(shape: Any) -> dict[str, Any]:
    value: dict[str, Any] = value_of(shape)
    # Its name is told apart, and what is external has no body.
    return {key: entry for key, entry in value.items() if key not in ("name", "external")}


@pytest.mark.parametrize(
    ("treatment", "shows"),
    [*cases(NETWORK, _resource(NETWORK), _network), *cases(VOLUME, _resource(VOLUME), _volume)],
)
def test_a_resources_key_acts_as_the_table_says(treatment: Treatment, shows: bool) -> None:
    assert shows == (treatment is not Treatment.IGNORED)
