"""The labels that say what a container, network or volume is: nap's own and Compose's.

Every label of both tables is set on every container, empty where unused, because an image can
carry labels too: what nap doesn't set, an image could. Labels hold identity only, never a secret.

On a cluster nap's own labels, sealed, are the identity. Embedded, Compose's alone are: an app that
`docker compose up` started is the same app to nap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nap_compose.cluster.seal import Seal
from nap_compose.plaindata import dataclass

SCHEMA = 1
"""Version of this table. An older nap refuses what a newer one wrote."""

CLUSTER = "io.nap.cluster"
OWNER = "io.nap.owner"
APP = "io.nap.app"
SERVICE = "io.nap.service"
REPLICA = "io.nap.replica"
REVISION = "io.nap.revision"
DEPLOYMENT = "io.nap.deployment"
FENCE = "io.nap.fence"
ROLE = "io.nap.role"
FAILED = "failed"
"""The role of a container that failed and is kept for a look. An engine lets no label be changed:
it is told by the name that it goes by then."""
HOLDS = "io.nap.holds"
SCHEMA_LABEL = "io.nap.schema"
SEAL = "io.nap.seal"
HOOKS = "io.nap.hooks"
"""On containers: `pre_stop`, `post_start` or both where something is to run in them before they
stop or after they start. What that is stands in their revision, which is read for nothing else."""

RESOURCE_HASH = "io.nap.config-hash"
"""On networks and volumes, instead of Compose's label: Compose takes one of those with a hash that
isn't its own for one that was changed, and would make it anew, or offer to."""

COMPOSE = "com.docker.compose."
COMPOSE_LABELS = tuple(
    COMPOSE + name
    for name in (
        "project",
        "service",
        "container-number",
        "config-hash",
        "image",
        "oneoff",
        "depends_on",
        "project.working_dir",
        "project.config_files",
        "version",
        "network",
        "volume",
    )
)
CONFIG_HASH = COMPOSE + "config-hash"
IMAGE = COMPOSE + "image"

RESERVED = ("io.nap.", COMPOSE)
"""Label prefixes that a user's file may set none of."""


@dataclass(frozen=True)
class Identity:
    """What nap's labels say of an object.

    `cluster` is empty when embedded; `service` is empty and `replica` 0 for a network or volume.
    `fence` only grows for each slot: the container with the highest is the right one. `role` is
    current, temp or failed; `config_hash` is that of the service (or network, volume) it was made
    from.
    """

    cluster: str
    owner: str
    app: str
    service: str = ""
    replica: int = 0
    revision: int = 0
    deployment: str = ""
    fence: int = 0
    role: str = "current"
    schema: int = SCHEMA
    project: str = ""
    config_hash: str = ""
    oneoff: bool = False

    @property
    def by_nap(self) -> bool:
        """Whether nap made it; embedded, Compose may have."""
        return bool(self.deployment)

    @property
    def slot(self) -> str:
        """The replica as people write it: `web.2`."""
        return f"{self.service}.{self.replica}"

    @property
    def key(self) -> str:
        """The app's key: `owner/app`, or `app` when embedded."""
        return f"{self.owner}/{self.app}" if self.owner else self.app


def write(
    identity: Identity,
    *,
    name: str,
    seal: Seal | None,
    compose: Mapping[str, str] | None = None,
    hooks: str = "",
    holds: str = "",
) -> dict[str, str]:
    """Every label of both tables for the object that will be called `name`.

    `compose` gives Compose's labels by their short names; those not given are empty. `seal` is
    the cluster's, None when embedded. `hooks` is what HOOKS says; `holds` what a container is
    promised of its host (`cluster/holding.py`).
    """
    labels = dict.fromkeys(COMPOSE_LABELS, "")
    labels.update({COMPOSE + key: value for key, value in (compose or {}).items()})
    labels[COMPOSE + "project"] = identity.project
    labels[COMPOSE + "service"] = identity.service
    labels[COMPOSE + "container-number"] = str(identity.replica) if identity.replica else ""
    if identity.service:
        labels[CONFIG_HASH] = identity.config_hash
        labels[HOOKS] = hooks
    else:
        del labels[CONFIG_HASH]
        labels[RESOURCE_HASH] = identity.config_hash
    labels[COMPOSE + "oneoff"] = "True" if identity.oneoff else "False"
    labels.update(
        {
            CLUSTER: identity.cluster,
            OWNER: identity.owner,
            APP: identity.app,
            SERVICE: identity.service,
            REPLICA: str(identity.replica) if identity.replica else "",
            REVISION: str(identity.revision),
            DEPLOYMENT: identity.deployment,
            FENCE: str(identity.fence),
            ROLE: identity.role,
            HOLDS: holds,
            SCHEMA_LABEL: str(identity.schema),
        }
    )
    labels[SEAL] = seal.over(_sealed_text(identity, name)) if seal else ""
    return labels


def read(
    labels: Mapping[str, str], *, names: tuple[str, ...], cluster: str, seal: Seal | None
) -> Identity | None:
    """The identity that labels give, or None where the object isn't this cluster's.

    `names` are those the object was sealed under or may go by (a container is sealed under the
    name of its slot and renamed when it takes or leaves it). With a `seal`, an object whose seal
    is not good is foreign, whatever its labels claim.
    """
    if labels.get(CLUSTER, "") != cluster:
        return None
    try:
        identity = _ours(labels) if cluster else _composes(labels)
    except ValueError:
        return None
    if identity is None:
        return None
    if seal is None:
        return identity
    given = labels.get(SEAL, "")
    if any(seal.holds(given, _sealed_text(identity, name)) for name in names):
        return identity
    return None


def _ours(labels: Mapping[str, str]) -> Identity | None:
    """What nap's own labels say. It sets every one of them on what it makes: what has only some
    got them from its image."""
    if not labels.get(APP):
        return None
    return Identity(
        cluster=labels[CLUSTER],
        owner=labels.get(OWNER, ""),
        app=labels[APP],
        service=labels.get(SERVICE, ""),
        replica=int(labels.get(REPLICA) or 0),
        project=labels.get(COMPOSE + "project", ""),
        **_circumstances(labels),
    )


def _composes(labels: Mapping[str, str]) -> Identity | None:
    """What Compose's labels say. The images that it builds carry its project and service too, so
    only a config hash and a number make a container one of an app's."""
    project, service = labels.get(COMPOSE + "project", ""), labels.get(COMPOSE + "service", "")
    number = int(labels.get(COMPOSE + "container-number") or 0)
    container = bool(service and labels.get(CONFIG_HASH) and number > 0)
    resource = labels.get(COMPOSE + "network") or labels.get(COMPOSE + "volume")
    if not project or not (container or (resource and not service)):
        return None
    return Identity(
        cluster="",
        owner="",
        app=project,
        service=service,
        replica=number,
        project=project,
        **_circumstances(labels),
    )


def _circumstances(labels: Mapping[str, str]) -> dict[str, Any]:
    """How and when it was made; what Compose made says nothing of most of it."""
    return {
        "revision": int(labels.get(REVISION) or 0),
        "deployment": labels.get(DEPLOYMENT, ""),
        "fence": int(labels.get(FENCE) or 0),
        "role": labels.get(ROLE, "current"),
        "schema": int(labels.get(SCHEMA_LABEL) or 0),
        "config_hash": labels.get(CONFIG_HASH) or labels.get(RESOURCE_HASH, ""),
        "oneoff": labels.get(COMPOSE + "oneoff") == "True",
    }


def _sealed_text(identity: Identity, name: str) -> str:
    """What a seal covers: the identity labels and the object's name, unambiguously joined."""
    return "\0".join(
        str(part)
        for part in (
            identity.schema,
            name,
            identity.cluster,
            identity.owner,
            identity.app,
            identity.project,
            identity.service,
            identity.replica,
            identity.revision,
            identity.deployment,
            identity.fence,
            identity.role,
            identity.config_hash,
            identity.oneoff,
        )
    )
