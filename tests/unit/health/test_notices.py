"""What is told, and what isn't told twice."""

from __future__ import annotations

from dataclasses import replace

from nap_compose.border import Grade, StatusRow
from nap_compose.cluster.notify import Recipient
from nap_compose.health.notices import Notice, Wrong, events, news, recipients, wrong
from nap_compose.health.records import Happening, HostHealth, HostRecord

AT = "2026-03-01T12:00:00.000Z"
SICK = StatusRow(
    "apps", "ada/shop", Grade.FAULT, "web.1 on h1 is unhealthy", "nap logs", "ada", "shop"
)
NOBODY_BLIND: frozenset[str] = frozenset()


def tell(
    told: dict[str, str],
    now: dict[str, Wrong],
    last: dict[str, Wrong] | None,
    blind: frozenset[str] = NOBODY_BLIND,
) -> tuple[list[str], dict[str, str]]:
    found, after = news(told, now, last, blind, AT)
    return [f"{each.kind} {each.subject} {each.state}: {each.text}" for each in found], after


def test_a_state_is_told_once_when_two_looks_agree_and_once_when_it_is_over() -> None:
    bad = wrong([SICK], {})
    assert tell({}, bad, None) == ([], {}), "the first look of a leader tells nothing"
    assert tell({}, bad, {}) == ([], {}), "one look may be wrong"
    said, told = tell({}, bad, bad)
    assert said == ["app ada/shop bad: web.1 on h1 is unhealthy"]
    assert tell(told, bad, bad) == ([], told), "nor twice"
    assert tell(told, {}, bad) == ([], told), "over at one look alone"
    assert tell(told, {}, {}) == (["app ada/shop good: is well again"], {})


def test_whoever_leads_next_tells_nothing_again() -> None:
    bad = wrong([SICK], {})
    _, told = tell({}, bad, bad)
    assert tell(told, bad, None) == ([], told)
    assert tell(told, bad, bad) == ([], told)


def test_in_other_words_it_is_the_same_state_and_when_worse_another() -> None:
    ends = StatusRow("certificates", "h1", Grade.WARNING, "ends in 20 days")
    said, told = tell({}, wrong([ends], {}), wrong([ends], {}))
    assert said == ["certificate h1 bad: ends in 20 days"]
    later = wrong([replace(ends, text="ends in 19 days")], {})
    assert tell(told, later, later) == ([], told)
    ended = wrong([replace(ends, grade=Grade.FAULT, text="ended")], {})
    assert tell(told, ended, later) == ([], told)
    said, _ = tell(told, ended, ended)
    assert said == ["certificate h1 bad: ended"]


def test_what_could_not_be_looked_at_is_not_over() -> None:
    bad = wrong([SICK], {})
    _, told = tell({}, bad, bad)
    assert tell(told, {}, {}, frozenset({"app"})) == ([], told)


def test_what_is_told_of_the_parts_of_the_screen() -> None:
    rows = [
        SICK,
        replace(SICK, text="web.2 on h2 is unhealthy"),
        StatusRow("hosts", "h1", Grade.FAULT, "no answer within 5 s"),
        StatusRow("hosts", "h2", Grade.WARNING, "it is cordoned"),
        StatusRow("disks", "h1", Grade.WARNING, "85% full"),
        StatusRow("disks", "h2", Grade.FAULT, "95% full"),
        StatusRow("backup", "backup", Grade.WARNING, "no backup was ever made"),
        StatusRow("watcher", "watcher", Grade.FAULT, "nobody keeps watch"),
        StatusRow("records", "records", Grade.OK, "it answers"),
    ]
    assert {key: each.text for key, each in wrong(rows, {}).items()} == {
        "app ada/shop": "web.1 on h1 is unhealthy; web.2 on h2 is unhealthy",
        "disk h2": "95% full",
        "backup backup": "no backup was ever made",
    }


def test_a_host_is_told_by_the_watcher_s_word_not_by_one_late_answer() -> None:
    hosts = {
        "h1": HostRecord("h1"),
        "h2": HostRecord("h2", HostHealth.SILENT, "no answer"),
        "h3": HostRecord("h3", HostHealth.LOST, "no answer"),
    }
    found = wrong([], hosts)
    assert {key: each.text for key, each in found.items()} == {"host h3": "is lost: no answer"}
    assert tell({"host h3": "lost"}, {}, {})[0] == ["host h3 good: is back"]


def test_what_happened_is_told_once_whoever_leads() -> None:
    done = Happening(AT, "failover", "web.1 was made on h2", "h2", "ada", "shop", "web.1")
    waits = Happening(AT, "waits", "ada/shop: db waits for proof", owner="ada", app="shop")
    other = Happening(AT, "restart", "web.1 was started again", "h1", "ada", "shop")
    found, told = events({}, [done, waits, other], AT, AT)
    assert [(each.subject, each.state) for each in found] == [
        ("ada/shop", "done"),
        ("ada/shop", "bad"),
    ]
    again = replace(waits, at="2026-03-01T13:00:00.000Z")
    assert events(told, [done, waits, again], AT, "2026-03-01T13:00:10.000Z")[0] == []


def test_what_happened_before_anybody_was_told_anything_is_over() -> None:
    old = Happening("2026-02-01T12:00:00.000Z", "failover", "x", "h2", "ada", "shop", "web.1")
    assert events({}, [old], AT, AT) == ([], {})


def test_who_is_told() -> None:
    admins = Recipient("admins", command=("x",))
    disks = Recipient("disks", command=("x",), kinds=("disk",))
    ada = Recipient("ada", command=("x",), owners=("ada",))
    owners = Recipient("owners", command=("x",), owners=("*",), kinds=("app", "failover"))

    def names(notice: Notice) -> list[str]:
        return [each.name for each in recipients(notice, (admins, disks, ada, owners))]

    host = Notice("1", AT, "disk", "h1", "bad", "95% full")
    app = Notice("2", AT, "app", "ada/shop", "bad", "unhealthy", "", "ada", "shop")
    assert names(host) == ["admins", "disks"]
    assert names(app) == ["admins", "ada", "owners"]
    assert names(replace(app, owner="bob", subject="bob/shop")) == ["admins", "owners"]
