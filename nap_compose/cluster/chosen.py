"""Which cluster a command is about: that of a cluster file, or the local engine alone.

Apart from the reading of the file, which the local engine doesn't need.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nap_compose.cluster.cluster import EMBEDDED, Cluster, Logs, Network
from nap_compose.cluster.local import local_host
from nap_compose.errors import WrongUse

USUAL = Path("/etc/nap/cluster.yml")
SERVICE = "nap"
"""The account that owns the cluster's keys where people go through the broker."""
BROKER = "/usr/local/lib/nap/broker"
"""What sudo lets them start, and nothing else; `nap cluster setup-control` puts it there."""


def find(path_option: str | None, env: Mapping[str, str]) -> Path | None:
    """The cluster file: that of `--cluster`, of `NAP_CLUSTER`, or the usual one where it is.

    None means embedded. Raises WrongUse where one was named and isn't there.
    """
    for named, by in ((path_option, "--cluster"), (env.get("NAP_CLUSTER"), "NAP_CLUSTER")):
        if named:
            path = Path(named).absolute()
            if not os.access(path, os.F_OK):
                raise WrongUse(
                    f"there is no cluster file {named}",
                    hint=f"{by} names it; without any, nap works on the local engine",
                )
            return path
    return USUAL if os.access(USUAL, os.F_OK) else None


def embedded(env: Mapping[str, str]) -> Cluster:
    """The local engine alone, with what nap keeps in the person's own state directory."""
    state = own_state_dir(env)
    return Cluster(
        name="",
        hosts={EMBEDDED: local_host(env)},
        state_dir=state,
        logs=Logs(dir=state / "logs"),
        network=Network(driver="bridge"),
    )


def own_state_dir(env: Mapping[str, str]) -> Path:
    """The person's own folder for what nap keeps between two calls."""
    if env.get("NAP_STATE_DIR"):
        return Path(env["NAP_STATE_DIR"]).absolute()
    base = env.get("XDG_STATE_HOME") or ""
    if Path(base).is_absolute():  # the XDG specification: a relative one is to be ignored
        return Path(base, "nap")
    return Path(env.get("HOME") or Path.home(), ".local", "state", "nap")
