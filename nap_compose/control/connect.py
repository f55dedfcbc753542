"""Opening the border: finds the cluster file, or the local engine, and whoever acts on it."""

from __future__ import annotations

from collections.abc import Mapping

from nap_compose.cluster import config
from nap_compose.control.border import Control


def connect(cluster_option: str | None, env: Mapping[str, str]) -> Control:
    """A Control for the cluster that `--cluster`, `NAP_CLUSTER` or the usual file names.

    Without any it is the local engine's. Nothing is asked of a host yet. Raises WrongUse,
    BadFile or BadFiles.
    """
    path = config.find(cluster_option, env)
    cluster = config.read(path) if path else config.embedded(env)

    from nap_compose.control.local import open_control

    return open_control(cluster, env)
