"""What the real Compose and nap ask of an engine, written down by a fake one and made comparable.

Each has a fake engine of its own with the same images and external things. What is compared are
the bodies of the create calls, and what stands on the engine at the end.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nap_compose.border import DownRequest, Outcome, UpRequest, Who
from nap_compose.cluster.cluster import EMBEDDED, Cluster, Logs
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.compose.beside import survey
from nap_compose.compose.model import App
from nap_compose.control.local import LocalControl
from tests.engine.fake_engine import FakeEngine, Image
from tests.peer import known
from tests.peer.compose import HOME
from tests.peer.test_config import ABSENT
from tests.support.road import Hand

OWN_LABELS = ("com.docker.compose.", "io.nap.", "desktop.docker.io/")
ZERO_COUNTS = ("MemorySwappiness", "PidsLimit", "Soft", "Hard")
"""Fields where the engine tells 0 from nothing."""

WITHOUT_ORDER = ("Aliases", "Binds", "Env", "ExtraHosts", "Mounts", "Ulimits")
"""Lists that Compose gives in no order, and some entries of them twice."""

DIFFERENT = {".VolumesFrom": known.DROPPED, ".IPAM.Options": known.DROPPED}
"""What differs on purpose: the end of a field's path → which of the differences it is."""


@dataclass
class Stage:
    """One fake engine, with what an app expects to be there; `folder` is where its files are."""

    engine: FakeEngine
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    known_volumes: frozenset[str] = frozenset()
    known_ids: dict[str, str] = field(default_factory=dict)

    def know_volumes(self) -> None:
        """From now on, volumes that nobody named are told from those that are made later."""
        self.known_volumes = frozenset(self.engine.world.volumes)

    def prepare(self, app: App) -> None:
        """Have the app's images, on the engine and in its registry, and its external things."""
        for name, service in app.services.items():
            image = service.image or f"{app.name}-{name}"
            self.engine.add_image(image)
            self.engine.registry.add(Image(image))
            for mount in service.mounts:
                if mount.type == "image":
                    self.engine.add_image(mount.source)
        client = DockerEngine(self.engine.host())
        for kind, create in (("networks", client.create_network),
                             ("volumes", client.create_volume)):  # fmt: skip
            for entry in (app.document.get(kind) or {}).values():
                if entry.get("external"):
                    create({"Name": entry["name"]})
        client.close()
        self.engine.forget()

    def create_container(self, name: str, image: str) -> None:
        """Have a container that no app made."""
        client = DockerEngine(self.engine.host())
        client.create_container(name, {"Image": image})
        client.close()
        self.engine.forget()

    def compose(self, program: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the real Compose; the requests of before are forgotten."""
        self.engine.forget()
        return subprocess.run(
            [str(program), "--progress", "plain", *words],
            cwd=self.folder,
            env={"PATH": os.defpath, "HOME": HOME, "PWD": str(self.folder),
                 "DOCKER_HOST": self.engine.endpoint, **self.env},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )  # fmt: skip

    @contextmanager
    def _control(self) -> Iterator[LocalControl]:
        self.engine.forget()
        state = self.folder.parent / "state"
        host = self.engine.host()
        control = LocalControl(Cluster("", {EMBEDDED: host}, state, Logs(state / "logs")),
                               Who("ada", ""))  # fmt: skip
        try:
            yield control
        finally:
            control.close()

    def nap_up(self, app: App, **request: Any) -> Outcome:
        """`nap up` of an app; the requests of before are forgotten."""
        seen = survey(
            app,
            env={"HOME": HOME, **self.env},
            relative=(),
            ships=False,
            digests=lambda piece: "",
        )
        with self._control() as control:
            wanted = UpRequest(seen.app, supply=seen.supply, **request)
            return control.up(wanted, lambda _: None, Hand())

    def copied(self) -> dict[str, dict[str, bytes]]:
        """What was copied into containers, by their names."""
        made = self.engine.world.containers.values()
        return {each.name: dict(each.files) for each in made if each.files}

    def nap_down(self, app: App, **request: Any) -> Outcome:
        """`nap down` of an app."""
        with self._control() as control:
            return control.down(DownRequest(app.name, **request), lambda _: None, Hand())

    @property
    def writes(self) -> list[str]:
        """What was changed since, as `POST /containers/create` …"""
        calls = self.engine.calls("POST|DELETE|PUT")
        return sorted(f"{call.method} {call.path}" for call in calls)

    def ids(self) -> dict[str, str]:
        """The containers' ids by name."""
        found = {each.name: each.id for each in self.engine.world.containers.values()}
        self.known_ids.update((known, name) for name, known in found.items())
        return found

    def asked(self) -> dict[str, Any]:
        """The bodies of the create calls: `container shop-web-1`, `network shop_default` …

        What is connected afterwards is put in as if it had been said at once.
        """
        found: dict[str, Any] = {}
        names = {each.id: each.name for each in self.engine.world.containers.values()}
        for call in self.engine.calls("POST", "/(containers|networks|volumes)/create"):
            kind = call.path.split("/")[1].removesuffix("s")
            name = call.query.get("name") or call.body["Name"]
            found[f"{kind} {name}"] = {**call.body, "platform": call.query.get("platform", "")}
        for call in self.engine.calls("POST", "/networks/.*/connect"):
            body = found[f"container {names[call.body['Container']]}"]
            endpoints = body.setdefault("NetworkingConfig", {}).setdefault("EndpointsConfig", {})
            endpoints[call.path.split("/")[2]] = call.body["EndpointConfig"]
        return self._comparable(found)

    def standing(self) -> dict[str, Any]:
        """What stands on the engine: each container's body and state, networks and volumes."""
        world = self.engine.world
        found: dict[str, Any] = {}
        with world.lock:
            world.tick()
            for container in world.containers.values():
                body = {key: part for key, part in container.body.items()
                        if key != "NetworkingConfig"}  # fmt: skip
                found[f"container {container.name}"] = {
                    **body,
                    "State": container.state,
                    "ImageId": container.image.id,
                    "On": {name: {**given, "IPAddress": ""}
                           for name, given in container.endpoints.items()},
                }  # fmt: skip
            for network in world.networks():
                if not network.built_in:
                    found[f"network {network.name}"] = network.body
            for volume in world.volumes.values():
                if not volume.anonymous:
                    found[f"volume {volume.name}"] = {"Driver": volume.driver,
                                                      "DriverOpts": volume.options,
                                                      "Labels": volume.labels}  # fmt: skip
        return self._comparable(found)

    def _comparable(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Without labels of one's own and what says nothing; ids of containers are their names,
        the case's folder is a word."""
        text = json.dumps(found, sort_keys=True).replace(str(self.folder), "/FOLDER")
        for name, identity in self.ids().items():
            text = text.replace(identity, f"ID-OF-{name}")
        for identity, name in self.known_ids.items():
            text = text.replace(identity, f"ID-OF-FORMER-{name}")
        for name, volume in self.engine.world.volumes.items():
            if volume.anonymous:
                text = text.replace(name, "OLD" if name in self.known_volumes else "NEW")
        return {thing: tidy(body) for thing, body in json.loads(text).items()}


def tidy(value: Any, key: str = "") -> Any:
    """Without what says nothing, and without labels that are each one's own."""
    if isinstance(value, dict):
        if key == "Labels":
            value = {name: text for name, text in value.items() if not name.startswith(OWN_LABELS)}
        parts = {name: tidy(part, name) for name, part in value.items()}
        return {name: part for name, part in parts.items() if not says_nothing(part, name)}
    if isinstance(value, list):
        parts_ = [tidy(part) for part in value]
        if key in WITHOUT_ORDER:
            return [json.loads(part) for part in sorted({json.dumps(part) for part in parts_})]
        return parts_
    return value


ENGINES_OWN = ("IPAddress", "IPv6Gateway")
"""Fields that the engine fills in, and never reads: Compose repeats addresses there."""


def says_nothing(value: Any, key: str) -> bool:
    """Whether a field could as well be left out."""
    if key in ENGINES_OWN:
        return True
    if key == "ConsoleSize":
        return bool(value == [0, 0])
    return value in (None, "", [], {}, False) and not (
        key in ZERO_COUNTS and value == 0 and not isinstance(value, bool)
    )


def differences(ours: Any, theirs: Any, at: str = "") -> list[str]:
    """Where two bodies differ and no reason is given for it, a line each."""
    if any(at.endswith(end) for end in DIFFERENT):
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            line
            for key in sorted(ours.keys() | theirs.keys())
            for line in differences(
                ours.get(key, ABSENT), theirs.get(key, ABSENT), f"{at}.{key}" if at else key
            )
        ]
    return [] if ours == theirs else [f"{at}: nap {json.dumps(ours)}, Compose {json.dumps(theirs)}"]
