"""From the facts to the lines of `nap status`: what is as it should be, one line a part; what
isn't, one line each with what to type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from nap_compose.border import Finding, Grade, StatusRow
from nap_compose.health.details import age
from nap_compose.health.doctor.certificates import of_certificates
from nap_compose.health.doctor.hosts import Disk, of_disks, of_hosts
from nap_compose.health.doctor.overlay import of_overlay
from nap_compose.health.freshness import at_work, is_stale
from nap_compose.health.records import HostHealth
from nap_compose.health.standing.apps import of_apps
from nap_compose.health.standing.facts import Facts, Trouble
from nap_compose.units import show_age, show_size

LAG = 60.0
"""Seconds that kept lines may be behind before somebody should look, and without a word of a
collector after which it is taken for gone."""
BACKUP_DUE = 2 * 86400.0
"""Seconds after which a backup, which is made daily, is missing."""
POOL_FULL = 0.90
"""How full the cluster storage may be."""


def of_facts(facts: Facts) -> tuple[StatusRow, ...]:
    """Every line, in the order of its part."""
    return (
        *_rows("hosts", _hosts(facts)),
        *_rows("networks", _networks(facts)),
        *_rows("consul", _consul(facts)),
        *of_apps(facts),
        *_rows("storage", _storage(facts)),
        *_rows("certificates", _certificates(facts)),
        *_rows("disks", _disks(facts)),
        *_rows("watcher", _watcher(facts)),
        *_rows("logs", _logs(facts)),
        *_rows("records", _answers(facts, "records", "nothing can be deployed")),
        *_rows("directory", _answers(facts, "directory", "nobody new can log in")),
        *_rows("backup", _backup(facts)),
        *_rows("", _untold(facts)),
    )


def _rows(part: str, findings: Iterable[Finding]) -> Iterator[StatusRow]:
    for each in findings:
        yield StatusRow(part, each.subject, each.grade, each.text, each.remedy)


_UNTOLD = ("certificates", "disks")
_IN_THE_STORE = {"heartbeats": "watcher", "collected": "logs", "backup": "backup"}


def _untold(facts: Facts) -> Iterator[Finding]:
    """What couldn't be told for a reason of its own; the state store's is told where it is away."""
    for what in _UNTOLD:
        if what in facts.troubles:
            yield Finding(what, Grade.UNKNOWN, facts.troubles[what].text)
    if not {"store", "consul"} & set(facts.troubles):
        for what, subject in _IN_THE_STORE.items():
            if what in facts.troubles:
                yield Finding(subject, Grade.UNKNOWN, facts.troubles[what].text)


def _trouble(subject: str, trouble: Trouble, harm: str = "", remedy: str = "") -> Finding:
    text = f"{trouble.text}: {harm}" if harm else trouble.text
    return Finding(subject, Grade.FAULT, text, trouble.hint or remedy)


def _hosts(facts: Facts) -> Iterator[Finding]:
    if facts.view is None:
        if "view" in facts.troubles:
            yield _trouble("hosts", facts.troubles["view"], remedy="nap host ls")
        return
    since = {
        name: f"lost since {show_age(age(record.since, facts.now))}"
        for name, record in (facts.watched or {}).items()
        if record.state is HostHealth.LOST and record.since
    }
    for each in of_hosts(facts.view):
        if each.grade is Grade.FAULT and each.subject in since:
            text = f"{since[each.subject]}: {each.text}"
            yield Finding(each.subject, each.grade, text, f"nap host inspect {each.subject}")
        else:
            yield each


def _networks(facts: Facts) -> Iterator[Finding]:
    view = facts.view
    if view is None or not view.hosts or facts.embedded:
        return
    managers = max(host.swarm.managers for host in view.hosts.values())
    there = sum(host.swarm.control for host in view.hosts.values())
    for each in of_overlay(view, facts.cluster):
        if each.grade is Grade.OK and view.unseen and there < managers:
            spare = max(0, there - (managers // 2 + 1))
            text = f"{there} of {managers} managers of the swarm are seen, {spare} may be lost"
            yield Finding(each.subject, Grade.WARNING, text, "nap host ls")
        else:
            yield each


def _consul(facts: Facts) -> Iterator[Finding]:
    """Whether it answers, and how many of its servers may still be lost (Raft: a majority must be
    there). Servers that failed are known from the hosts' health records."""
    for name in ("store", "consul"):
        if name in facts.troubles:
            yield _trouble(
                "state store",
                facts.troubles[name],
                "nothing can be deployed and nothing fails over until it is back",
                "nap doctor",
            )
            return
    if facts.consul is None:
        return
    servers = {name for name, member in facts.consul.items() if member.server}
    servers |= {name for name, record in (facts.watched or {}).items() if record.server}
    alive = {name for name in servers if name in facts.consul and facts.consul[name].alive}
    if not servers:
        yield Finding("state store", Grade.OK, "it answers")
        return
    spare = len(alive) - (len(servers) // 2 + 1)
    text = f"{len(alive)} of {len(servers)} servers are up, {max(0, spare)} of which may be lost"
    if alive == servers:
        yield Finding("state store", Grade.OK, text)
        return
    down = ", ".join(sorted(servers - alive))
    remedy = f"start Consul's server again on {down}; `consul members` lists them"
    yield Finding("state store", Grade.FAULT, f"{text}; {down} is down", remedy)


def _storage(facts: Facts) -> Iterator[Finding]:
    if "storage" in facts.troubles:
        harm = "no cluster volume can be used"
        yield _trouble("storage", facts.troubles["storage"], harm, "nap storage status")
        return
    pool = facts.storage
    if pool is None:
        return
    remedy = "nap storage status"
    told = [
        *([f"{pool.missing} chunks have no copy left that is up"] if pool.missing else []),
        *([f"{pool.endangered} chunks are endangered: one copy left"] if pool.endangered else []),
        *(f"the chunkserver {address} is away" for address in pool.away),
    ]
    yield from (Finding("storage", Grade.FAULT, text, remedy) for text in told)
    used = 1 - pool.free / pool.total if pool.total else 0.0
    room = f"{used:.0%} full, {show_size(pool.free)} free"
    if used >= POOL_FULL:
        yield Finding("storage", Grade.FAULT, room, "nap storage ls --usage shows what takes it")
    elif pool.undergoal:
        text = f"{pool.undergoal} chunks are undergoal; MooseFS makes the copies that are wanted"
        yield Finding("storage", Grade.WARNING, text, remedy)
    elif not told:
        yield Finding("storage", Grade.OK, f"every chunk has its copies; {room}")


def _certificates(facts: Facts) -> Iterator[Finding]:
    yield from of_certificates(facts.certificates or (), facts.now)


def _disks(facts: Facts) -> Iterator[Finding]:
    """How full the disks are: one line for all where there is room."""
    named = {**(facts.disks or {}), **_hosts_disks(facts)}
    found = [*of_disks(named)]
    bad = [each for each in found if each.grade is not Grade.OK]
    for each in bad:
        remedy = "nap prune; `docker system df` there shows what takes it"
        text = f"the disk is {_used(named[each.subject].size, named[each.subject].free):.0%} full"
        yield Finding(each.subject, each.grade, text, remedy)
    if found and not bad:
        fullest = max(named, key=lambda name: _used(named[name].size, named[name].free))
        disk = named[fullest]
        text = f"{_used(disk.size, disk.free):.0%} at most, of {fullest}"
        yield Finding("disks", Grade.OK, text)


def _hosts_disks(facts: Facts) -> dict[str, Disk]:
    """How full the hosts' disks are, as the watcher last saw them: in hundredths."""
    if facts.heartbeats is None or is_stale(facts.heartbeats):
        return {}
    return {
        name: Disk(100, round(100 * (1 - record.full)))
        for name, record in (facts.watched or {}).items()
        if record.full is not None
    }


def _used(size: int, free: int) -> float:
    return 1 - free / size if size else 1.0


def _watcher(facts: Facts) -> Iterator[Finding]:
    if facts.heartbeats is None:
        return
    if facts.embedded and not facts.heartbeats:
        return
    works = at_work(facts.heartbeats)
    if not is_stale(facts.heartbeats) and works:
        leader = next((each for each in works if each.leads), works[0])
        standing = len(works) - 1
        text = f"{leader.watcher} looked {show_age(age(leader.at, facts.now))} ago"
        text += f"; {standing} stand{'s' if standing == 1 else ''} by" if standing else ""
        yield Finding("watcher", Grade.OK, text)
        return
    last = max((each.at for each in facts.heartbeats), default="")
    text = (
        f"nobody keeps watch; somebody last looked {show_age(age(last, facts.now))} ago"
        if last
        else "nobody keeps watch"
    )
    text += ": nothing fails over" if facts.watching else ""
    grade = Grade.FAULT if facts.watching else Grade.WARNING
    yield Finding("watcher", grade, text, "systemctl start nap-health, or nap health watch")


def _logs(facts: Facts) -> Iterator[Finding]:
    if facts.collected is None:
        return
    told = [each for each in facts.collected if each.at]
    if not told:
        if not facts.embedded:
            text = "nobody collects what containers print: with a host its lines are lost"
            yield Finding("logs", Grade.WARNING, text, "nap logs collect, as a service")
        return
    bad = 0
    for each in facts.collected:
        silent = facts.now.timestamp() - each.at
        if each.problem:
            text = f"its lines aren't collected: {each.problem}"
        elif silent > LAG:
            text = f"its collector has said nothing for {show_age(silent)}"
        elif each.behind > LAG:
            text = f"its lines are kept {show_age(each.behind)} late"
        else:
            continue
        bad += 1
        yield Finding(each.host, Grade.FAULT, text, "nap logs status")
    if not bad:
        most = max(each.behind for each in told)
        yield Finding("logs", Grade.OK, f"collected from {len(told)} hosts, {most:.1f} s late")


def _answers(facts: Facts, what: str, harm: str) -> Iterator[Finding]:
    if what in facts.troubles:
        yield _trouble(what, facts.troubles[what], f"{harm} until it is back", "nap doctor")
    elif getattr(facts, what):
        yield Finding(what, Grade.OK, "it answers")


def _backup(facts: Facts) -> Iterator[Finding]:
    if facts.backup is None:
        return
    remedy = "nap backup create; docs/backup.md has a timer for it"
    if not facts.backup:
        if not facts.embedded:
            yield Finding("backup", Grade.WARNING, "no backup was ever made", remedy)
        return
    old = age(facts.backup, facts.now)
    text = f"made {show_age(old)} ago"
    late = old > BACKUP_DUE
    yield Finding("backup", Grade.FAULT if late else Grade.OK, text, remedy if late else "")
