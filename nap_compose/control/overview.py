"""`nap status`: asks everybody at once, under one deadline, and has `health/standing` judge it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nap_compose.border import CollectedHost, Listing, Target
from nap_compose.cluster import host_records, seen, state_keys, wanted_records
from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.certificates import end_of_file, ends_of_engines
from nap_compose.cluster.members import Member, members_of
from nap_compose.cluster.observe import OURS, Part
from nap_compose.cluster.view import View
from nap_compose.control.collecting import collected_hosts
from nap_compose.control.given import GivenApps
from nap_compose.control.parts import Parts
from nap_compose.control.reading import Placed, placed, unknown_rows
from nap_compose.errors import NapError
from nap_compose.health.book import HealthBook
from nap_compose.health.doctor.certificates import ENGINES, Certificate
from nap_compose.health.doctor.hosts import Disk
from nap_compose.health.standing.facts import Facts, Pooled, Replica, Trouble
from nap_compose.health.standing.lines import of_facts

HOSTS_ANSWER = 5.0
"""Seconds that the hosts have, all at once."""
ALL_ANSWER = 8.0
"""Seconds after which what hasn't answered is a line that says so."""


def standing(parts: Parts) -> Listing:
    """Every line; see `border.Standing`."""
    return Listing(of_facts(gather(parts)))


def gather(parts: Parts) -> Facts:
    """What everybody says within ALL_ANSWER seconds, and who says nothing. Raises nothing that
    an away server raises."""
    told: dict[str, Any] = {}
    troubles: dict[str, Trouble] = {}
    for name, asked, ends in ask_each(_questions(parts), deadline=ALL_ANSWER):
        try:
            told[name] = asked.answer(ends)
        except TimeoutError:
            troubles[name] = Trouble(f"no answer within {ALL_ANSWER:g} s")
        except NapError as error:
            troubles[name] = Trouble(error.message, error.hint or "")
        except OSError as error:
            troubles[name] = Trouble(error.strerror or str(error))
    states, wanted = told.pop("states", {}), told.pop("wanted", {})
    given, known = told.pop("given", GivenApps()), told.pop("placed", {})
    view: View | None = told.pop("view", None)
    if view is not None:
        kept = {n: replace(h, state=states.get(n, h.state)) for n, h in view.hosts.items()}
        view = replace(view, hosts=kept)
        told["replicas"] = tuple(_replicas(view, wanted, given, known))
    return Facts(now=seen.now(), cluster=parts.cluster, view=view, troubles=troubles, **told)


def _questions(parts: Parts) -> Mapping[str, Callable[[], Any]]:
    """The questions by the field that each answer fills; `states`, `wanted`, `given`
    and `placed` help with others.
    The state store's own answer is asked for once: what else it holds is told where it can be."""
    cluster, book = parts.cluster, HealthBook
    if cluster.embedded:
        asked: dict[str, Callable[[], Any]] = {"heartbeats": lambda: _beats(parts)}
    else:
        asked = {
            "states": lambda: {n: r.state for n, r in host_records.read_all(parts.store).items()},
            "watched": lambda: book(parts.store).hosts(),
            "heartbeats": lambda: _beats(parts),
            "certificates": lambda: tuple(_certificates(parts)),
        }
    asked |= {
        "view": lambda: parts.look(
            only=frozenset({Part.INFO, Part.CONTAINERS}), whose=OURS, deadline=HOSTS_ANSWER
        ),
        "store": lambda: parts.store.list(state_keys.HOSTS) is not None,
        "placed": lambda: placed(parts),
        "given": lambda: parts.given(now=False),
        "wanted": lambda: wanted_records.read_all(parts.store),
        "records": lambda: _writable(parts),
        "collected": lambda: _collected(parts),
        "disks": lambda: _own_disks(parts),
        "backup": lambda: _last_backup(parts),
    }
    if cluster.consul:
        asked["consul"] = lambda: _members(parts)
    if cluster.ldap:
        asked["directory"] = lambda: _knock(parts)
    if cluster.storage.moosefs:
        asked["storage"] = lambda: _pooled(parts)
    return asked


def _writable(parts: Parts) -> bool:
    parts.records.check_writable()
    return True


def _replicas(
    view: View, wanted: Mapping[Any, Any], given: GivenApps, known: Placed
) -> Iterator[Replica]:
    """Every replica, under whoever owns its app now."""
    for each in view.containers():
        identity = each.identity
        if identity is None or identity.oneoff or not identity.service:
            continue
        slot = f"{identity.service}.{identity.replica}"
        apps_own = wanted.get((identity.owner, identity.app))
        yield Replica(
            given.owner(identity.owner, identity.app),
            identity.app,
            slot,
            each.host,
            each.state,
            each.health,
            each.exit_code,
            stopped=apps_own is not None and slot in apps_own.stopped,
        )
    for row in unknown_rows(known, Target(), view.unseen):
        owner = given.owner(row.owner, row.app)
        yield Replica(owner, row.app, f"{row.service}.{row.replica}", row.host, row.state)


def _beats(parts: Parts) -> Any:
    return tuple(HealthBook(parts.store).heartbeats())


def _collected(parts: Parts) -> tuple[CollectedHost, ...]:
    return tuple(collected_hosts(parts).rows)


def _last_backup(parts: Parts) -> str:
    entry = parts.store.get(state_keys.BACKUP)
    return str(entry.value["at"]) if entry else ""


def _members(parts: Parts) -> Mapping[str, Member]:
    members = members_of(parts.cluster)
    try:
        return members.look()
    finally:
        members.close()


def _knock(parts: Parts) -> bool:
    from nap_compose.auth.ldap import Directory

    if parts.cluster.ldap is not None:
        Directory(parts.cluster.ldap).knock()
    return True


def _pooled(parts: Parts) -> Pooled | None:
    moosefs = parts.cluster.storage.moosefs
    if moosefs is None:
        return None
    from nap_compose.storage.report import report

    found = report(moosefs)
    away = tuple(each.address for each in found.servers if not each.up)
    chunks = (found.missing, found.endangered, found.undergoal)
    return Pooled(*chunks, away, found.total, found.free)


def _certificates(parts: Parts) -> Iterator[Certificate]:
    """Those of the engines that show one now, and nap's own."""
    for name, end in ends_of_engines(parts.cluster.hosts.values()).items():
        yield Certificate(name, ENGINES, end)
    for tls in {host.tls for host in parts.cluster.hosts.values() if host.tls}:
        for subject, what, path in (
            ("nap", "nap's own certificate", tls.cert),
            ("CA", "the CA's certificate", tls.ca),
        ):
            if written := end_of_file(path):
                yield Certificate(subject, what, written)


def _own_disks(parts: Parts) -> Mapping[str, Disk]:
    """The file systems of this machine that nap writes to, each once, by the first folder."""
    found: dict[int, tuple[str, Disk]] = {}
    for folder in (parts.cluster.state_dir, parts.cluster.logs.dir):
        there = _existing(folder)
        usage = shutil.disk_usage(there)
        found.setdefault(there.stat().st_dev, (f"{folder} here", Disk(usage.total, usage.free)))
    return dict(found.values())


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder
