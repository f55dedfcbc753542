"""`nap storage init`: what cluster storage needs to be as it should, and what is left to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nap_compose.border import SetUp, SetUpPoint
from nap_compose.control.parts import Parts
from nap_compose.control.storekeeping import remember_sustain, the_pool
from nap_compose.errors import NapError
from nap_compose.storage import programs, reach, sessions, trash
from nap_compose.storage.pool import Pool
from nap_compose.storage.report import Report, report


def set_up(parts: Parts, *, change: bool) -> SetUp:
    """Look at one thing after another; see `Storing.set_up_storage`."""
    return SetUp(tuple(_points(parts, the_pool(parts), change=change)))


def _points(parts: Parts, pool: Pool, *, change: bool) -> Iterator[SetUpPoint]:
    moosefs = pool.moosefs
    found: list[Report] = []
    answers = _tried(
        f"the master {moosefs.master} answers",
        lambda: found.append(report(moosefs)),
        f"on the master's machine: install moosefs-master, then `systemctl start moosefs-master`; "
        f"here: install moosefs-client and moosefs-cli, and let {moosefs.master} be known",
    )
    yield answers
    if not found:
        return
    yield _servers(pool, found[0])
    here = _tried(
        f"MooseFS is mounted at {pool.here} on this machine, and nap may write to it",
        pool.check,
        *_mounting(pool, str(pool.here)),
    )
    yield here
    if here.good:
        yield from _hosts(parts, pool)
        yield _tried(
            "nap may set limits",
            pool.try_limits,
            "in the master's mfsexports.cfg, this machine's line: "
            "`ADDRESS / rw,alldirs,admin,maproot=0:0`, then `mfsmaster reload`",
        )
        yield _tried(
            "what was removed can be brought back",
            lambda: trash.reachable(moosefs),
            "in the master's mfsexports.cfg: `ADDRESS . rw` for this machine, "
            "then `mfsmaster reload`; nap must run as root",
        )
    yield _locks(parts, pool, change=change)


def _tried(what: str, act: Callable[[], object], *todo: str) -> SetUpPoint:
    try:
        act()
    except NapError as error:
        return SetUpPoint(what, False, error.message, todo)
    return SetUpPoint(what, True)


def _servers(pool: Pool, found: Report) -> SetUpPoint:
    goal = pool.moosefs.goal
    return SetUpPoint(
        f"{goal} chunkservers at least are up, as many as there are to be copies",
        len(found.up) >= goal,
        f"{len(found.up)} are up",
        ()
        if len(found.up) >= goal
        else (
            "on more hosts: install moosefs-chunkserver, name a folder on a disk in mfshdd.cfg, "
            f"MASTER_HOST = {pool.moosefs.master} in mfschunkserver.cfg, then "
            "`systemctl start moosefs-chunkserver`",
        ),
    )


def _hosts(parts: Parts, pool: Pool) -> Iterator[SetUpPoint]:
    unreached = reach.unreached(
        pool, parts.engines, parts.cluster.hosts, cluster=parts.cluster.name, seal=parts.seal
    )
    for host in parts.cluster.hosts:
        why = unreached.get(host, "")
        todo = _mounting(pool, pool.moosefs.mount) if why else ()
        yield SetUpPoint(f"host {host} reaches it", not why, why, todo)


def _mounting(pool: Pool, where: str) -> tuple[str, ...]:
    master = pool.moosefs.master
    return (
        f"install moosefs-client there, `mkdir -p {where}`, and in /etc/fstab: "
        f"`mfsmount {where} fuse defaults,_netdev,mfsmaster={master},mfsport="
        f"{pool.moosefs.port} 0 0`",
        f"`mount {where}`; an engine's containers see it after the engine's restart",
    )


def _locks(parts: Parts, pool: Pool, *, change: bool) -> SetUpPoint:
    """Whether a lost client's locks end soon."""
    moosefs = pool.moosefs
    what = f"locks of a host that is gone end within {sessions.MOST} s"
    try:
        seconds = sessions.measured(moosefs)
        if seconds > sessions.MOST and change and moosefs.config:
            sessions.configure(moosefs.config)
            programs.run(moosefs, "mfsmaster", "-c", moosefs.config, "reload")
            seconds = sessions.measured(moosefs)
        remember_sustain(parts, seconds)
    except NapError as error:
        return SetUpPoint(what, False, error.message, _SETTING)
    good = seconds <= sessions.MOST
    return SetUpPoint(what, good, f"they are kept for {seconds} s", () if good else _SETTING)


_SETTING = (
    f"in the master's mfsmaster.cfg: `{sessions.SETTING} = {sessions.WANTED}`, "
    "then `mfsmaster reload`; nap does it where `storage.moosefs.config` names that file",
)
