"""Which hosts reach the cluster storage: each leaves a sign in it through its own mount.

The empty folder below a mount that is gone looks like a folder, and another file system may be
mounted there. Only what arrives where nap looks proves that host and nap see the same files.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from functools import partial

from nap_compose.cluster import hostfs
from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.engine import Engine, EngineError, Engines
from nap_compose.cluster.own_images import entry, packed
from nap_compose.cluster.seal import Seal
from nap_compose.errors import NapError
from nap_compose.storage.pool import HOSTS, Pool

DEADLINE = 10.0
"""Seconds that a host may take; a mount whose master it can't reach never answers."""

_LOST = ("transport endpoint is not connected", "stale file handle", "input/output error")


def unreached(
    pool: Pool,
    engines: Engines,
    hosts: Iterable[str],
    *,
    cluster: str,
    seal: Seal | None,
    sure: bool = False,
) -> Mapping[str, str]:
    """Of these hosts those that don't reach the storage, each with the reason. `sure`: those that
    couldn't be asked are left out."""
    listed = list(hosts)
    questions = {
        host: partial(_objection, pool, engines.on(host), cluster, seal) for host in listed
    }
    found = {}
    for host, asked, ends in ask_each(questions, deadline=DEADLINE):
        try:
            reason = asked.answer(ends)
        except TimeoutError:
            reason = f"{pool.moosefs.mount} doesn't answer within {DEADLINE:g} s"
        except NapError as error:
            if sure:
                continue
            reason = f"can't be looked at: {error.message}"
        if reason:
            found[host] = reason
    return {host: found[host] for host in questions if host in found}


def _objection(pool: Pool, engine: Engine, cluster: str, seal: Seal | None) -> str:
    mount, root = pool.moosefs.mount, pool.moosefs.root
    sign = f"{engine.host}.{uuid.uuid4().hex}"
    try:
        with hostfs.opened(
            engine, {}, there={"mfs": mount}, cluster=cluster, owner="", seal=seal
        ) as host:
            if host.stat(f"mfs/{root}/{HOSTS}") is None:
                return f"MooseFS is not mounted at {mount}"
            host.put([packed([(entry(f"mfs/{root}/{HOSTS}/{sign}", 0o600), b"")])])
    except EngineError as error:
        said = error.message.lower()
        if "does not exist" in said and "bind source path" in said:
            return f"there is no {mount}"
        if any(sign in said for sign in _LOST):
            return f"the mount at {mount} is broken: {error.message}"
        if "read-only file system" in said:
            return f"{mount} can't be written to"
        raise
    return "" if pool.seen_sign(sign) else f"what is mounted at {mount} is another file system"
