"""The main job on real hosts: what must hold whichever way their networks reach each other.

A test module brings the bed, in a fixture `bed` of its own, and makes a class of this one.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, docker_api, images
from bed.layout import Bed
from tests.support import hosts
from tests.support.apps import Apps, on_zone, sleeper
from tests.support.nap import Nap, eventually

PARTS = ("hosts", "consul", "mariadb", "registry")
"""What of a bed the main job needs."""

STAMP = re.compile(r"^(\S+) +\| (\d{4}-\S+Z) (.*)$")
"""A line of `nap logs --timestamps`."""


class MainJob:
    """`up`, `ps`, `logs`, `ls`, `config`, `host ls`, `down`, as subprocesses, on three hosts."""

    @pytest.fixture
    def nap(self, bed: Bed, tmp_path: Path) -> Nap:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        return Nap(tmp_path, bed.cluster_file)

    @pytest.fixture
    def apps(self, nap: Nap, bed: Bed, tmp_path: Path) -> Iterator[Apps]:
        apps = Apps(nap, bed, tmp_path)
        yield apps
        apps.gone()

    def test_wordpress_serves_its_page_with_its_database_on_another_host(
        self, nap: Nap, bed: Bed, apps: Apps
    ) -> None:
        images.load(bed.hosts[0], ["wordpress:6", "mariadb:10.11"])
        file = apps.example("wordpress")
        up = nap("up", "-f", file)
        rows = nap.rows("wordpress")
        assert {row["State"] for row in rows.values()} == {"running"}
        assert rows["db.1"]["Health"] == "healthy"
        web = rows["wordpress.1"]
        assert web["Host"] != rows["db.1"]["Host"]
        (url,) = web["URLs"]
        assert url == f"http://{bed.host(web['Host']).ip}:8080"
        assert f"wordpress.1  {url}" in up.out
        page = eventually(lambda: fetch(url), "WordPress's page")
        assert "<title>WordPress" in page
        assert "database connection" not in page

        again = nap("up", "-f", file)
        assert again.out.startswith("nothing to do: wordpress is up to date\n")
        assert nap.ids("wordpress") == {slot: row["ID"] for slot, row in rows.items()}
        subjects = [subject for subject, _, _ in timed(nap("logs", "wordpress", "-t").out)]
        assert {"deploy", "db.1", "wordpress.1"} == set(subjects)

    def test_an_entry_written_through_one_replica_is_read_through_the_others(
        self, nap: Nap, bed: Bed, apps: Apps
    ) -> None:
        images.load(bed.hosts[0], ["guestbook:1", "redis:7"])
        nap("up", "-f", apps.example("guestbook"))
        rows = nap.rows("guestbook")
        web = [rows[f"web.{number}"] for number in (1, 2, 3)]
        assert {row["Host"] for row in web} == {"h1", "h2", "h3"}
        urls = [row["URLs"][0] for row in web]
        for number, url in enumerate(urls):
            fetch(url, {"line": f"written through {number}"})
        for url in urls:
            page = fetch(url)
            assert all(f"written through {number}" in page for number in range(3))

    def test_every_listing_shows_the_app(self, nap: Nap, bed: Bed, apps: Apps) -> None:
        loud = sleeper(command="sh -c 'echo out; echo err >&2; exec sleep 1000000'")
        quiet = sleeper(depends_on=["web"], ports=["7100:7100"])
        file = apps("listed", {"web": loud, "db": quiet})
        nap("up", "-f", file)
        rows = nap.rows("listed")

        table = nap("ps", "listed").out.splitlines()
        assert " ".join(table[0].split()) == "APP REPLICA HOST STATE HEALTH SINCE REV URL"
        shown = {line.split()[1]: line.split() for line in table[1:]}
        assert shown["db.1"][2:4] == [rows["db.1"]["Host"], "running"]
        assert shown["db.1"][-1] == f"http://{bed.host(rows['db.1']['Host']).ip}:7100"
        assert nap("ps", "-q", "-f", file).out.split() == [row["ID"] for row in rows.values()]
        assert nap("ps", "-f", file, "web", "--services").out == "web\n"

        (listed,) = [
            app for app in json.loads(nap("ls", "--format", "json").out) if app["Name"] == "listed"
        ]
        assert (listed["Status"], listed["Owner"]) == ("running(2)", nap.owner)

        listed_hosts = nap("host", "ls", "--format", "json").out.splitlines()
        named = {host["name"]: host for host in map(json.loads, listed_hosts)}
        assert [(name, host["state"]) for name, host in named.items()] == [
            ("h1", "active"), ("h2", "active"), ("h3", "active"),
        ]  # fmt: skip
        assert named[rows["web.1"]["Host"]]["containers"] >= 1

        revision = rows["web.1"]["Revision"]
        lines = timed(nap("logs", "listed", "-t").out)
        told = [text for subject, _, text in lines if subject == "deploy"]
        assert told[0].startswith(f"up listed, revision {revision}, by {nap.me} from ")
        assert told[-1] == "done"
        assert {text for subject, _, text in lines if subject == "web.1"} == {"out", "err"}
        # What it printed stands between its start and the deployment's end.
        order = [f"{subject} {text}" for subject, _, text in lines]
        starting = f"deploy web.1 on {rows['web.1']['Host']}: starting"
        assert order.index(starting) < order.index("web.1 out") < order.index("deploy done")

        assert sorted(nap("config", "-f", file, "--services").out.split()) == ["db", "web"]
        assert "command:" in nap("-f", file, "config").out

    def test_a_second_up_changes_nothing_and_says_so(self, nap: Nap, bed: Bed, apps: Apps) -> None:
        web = sleeper(deploy={"replicas": 3}, volumes=["data:/data"], depends_on=["db"])
        file = apps("twice", {"web": web, "db": sleeper()}, volumes={"data": {}})
        nap("up", "-f", file)
        before = hosts.everything(bed.hosts)
        again = nap("up", "-f", file)
        assert again.out == "nothing to do: twice is up to date\n"
        assert again.err == ""
        assert hosts.everything(bed.hosts) == before

    def test_a_change_replaces_just_that_service(self, nap: Nap, bed: Bed, apps: Apps) -> None:
        for host in bed.hosts:
            busybox.load(host, "renewed:1")
            busybox.load(host, "renewed:2")
        web = sleeper(image="renewed:1", deploy={"replicas": 2}, depends_on=["db"])
        nap("up", "-f", apps("changed", {"web": web, "db": sleeper()}))
        before = nap.rows("changed")

        web["environment"] = {"COLOUR": "blue"}
        told = nap("up", "-f", apps("changed", {"web": web, "db": sleeper()}))
        assert "(its configuration changed)" in told.out
        coloured = self._only_web_is_new(nap, before)
        inspected = hosts.inspect(bed, coloured["web.1"])
        assert "COLOUR=blue" in inspected["Config"]["Env"]

        web["image"] = "renewed:2"
        nap("up", "-f", apps("changed", {"web": web, "db": sleeper()}))
        renamed = self._only_web_is_new(nap, coloured)
        assert renamed["web.1"]["Image"] == "renewed:2"

        # Another image under the same name, built later, on one host alone.
        newer = {"fromSrc": "-", "repo": "renewed", "tag": "2", "changes": "LABEL newer=1"}
        host = bed.host(renamed["web.1"]["Host"])
        docker_api.call(host, "POST", "/images/create", busybox.archive(), query=newer)
        told = nap("up", "-f", apps.files["changed"])
        assert "(its image changed)" in told.out
        rebuilt = self._only_web_is_new(nap, renamed)
        for row in (rebuilt["web.1"], rebuilt["web.2"]):
            assert hosts.inspect(bed, row)["Config"]["Labels"]["newer"] == "1"

    def _only_web_is_new(self, nap: Nap, before: Mapping[str, Any]) -> dict[str, Any]:
        after = nap.rows("changed")
        assert set(after) == set(before)
        assert after["db.1"]["ID"] == before["db.1"]["ID"]
        for slot in ("web.1", "web.2"):
            assert after[slot]["ID"] != before[slot]["ID"]
            assert after[slot]["Host"] == before[slot]["Host"], "nothing moves without a reason"
        return after

    def test_an_orphan_is_named_and_goes_when_told(self, nap: Nap, apps: Apps) -> None:
        nap("up", "-f", apps("orphaned", {"web": sleeper(), "old": sleeper()}))
        before = nap.ids("orphaned")
        file = apps("orphaned", {"web": sleeper()})
        told = nap("up", "-f", file)
        assert told.said == [
            "nap: warning: the file no longer has old.1; `nap up --remove-orphans` removes them"
        ]
        assert nap.ids("orphaned") == before
        nap("up", "-f", file, "--remove-orphans")
        assert nap.ids("orphaned") == {"web.1": before["web.1"]}

    def test_scaling_up_and_down_leaves_the_others_alone(self, nap: Nap, apps: Apps) -> None:
        file = apps("scaled", {"web": sleeper(), "db": sleeper()})
        nap("up", "-f", file)
        one = nap.ids("scaled")
        nap("up", "-f", file, "--scale", "web=4")
        four = nap.ids("scaled")
        assert set(four) == {"web.1", "web.2", "web.3", "web.4", "db.1"}
        assert {slot: four[slot] for slot in one} == one
        told = nap("up", "-f", file, "--scale", "web=2")
        assert "(scaled down)" in told.out
        assert nap.ids("scaled") == {slot: four[slot] for slot in ("web.1", "web.2", "db.1")}

    def test_down_keeps_the_data_until_it_is_told_otherwise(self, nap: Nap, apps: Apps) -> None:
        script = "if [ -e /data/mark ]; then echo found; else echo new; touch /data/mark; fi"
        web = sleeper(
            command=f"sh -c '{script}; exec sleep 1000000'", volumes=["data:/data", "/scratch"]
        )
        file = apps("kept", {"web": web, "other": sleeper()}, volumes={"data": {}})
        nap("up", "-f", file)
        told = nap("down", "-f", file)
        assert told.out.startswith("kept is down")
        (left,) = apps.left("kept")
        assert left.endswith(f"volume {nap.project('kept')}_data")
        assert nap("ps", "kept", "-a", "-q").out == ""
        assert nap("down", "kept").out == "nothing to do: nothing of kept is there\n"

        nap("up", "-f", file)
        assert nap("logs", "kept", "web", "--no-log-prefix").out.splitlines()[-1] == "found"
        nap("down", "kept", "-v")
        assert apps.left("kept") == []
        nap("up", "-f", file)
        assert nap("logs", "kept", "web", "--no-log-prefix").out.splitlines()[-1] == "new"

    def test_each_condition_of_depends_on_holds_across_hosts(
        self, nap: Nap, bed: Bed, apps: Apps
    ) -> None:
        slow = "sh -c 'sleep 8; touch /ready; exec sleep 1000000'"
        probe = {"test": ["CMD", "test", "-e", "/ready"], "interval": "500ms", "retries": 60}
        services = {
            "base": sleeper(command=slow, healthcheck=probe, **on_zone("a")),
            "job": sleeper(command="sleep 2", **on_zone("b")),
            "early": sleeper(depends_on={"base": condition("started")}, **on_zone("b")),
            "late": sleeper(depends_on={"base": condition("healthy")}, **on_zone("c")),
            "last": sleeper(
                depends_on={
                    "job": condition("completed_successfully"),
                    "base": condition("healthy"),
                    "early": condition("started"),
                },
                **on_zone("c"),
            ),
        }
        nap("up", "-f", apps("ordered", services))
        rows = nap.rows("ordered")
        placed = {slot: row["Host"] for slot, row in rows.items()}
        assert placed == {
            "base.1": "h1", "job.1": "h2", "early.1": "h2", "late.1": "h3", "last.1": "h3",
        }  # fmt: skip
        assert (rows["job.1"]["State"], rows["job.1"]["ExitCode"]) == ("exited", 0)
        state = {slot: hosts.inspect(bed, row)["State"] for slot, row in rows.items()}
        started = {slot: moment(found["StartedAt"]) for slot, found in state.items()}
        finished = moment(state["job.1"]["FinishedAt"])
        # Its probes aren't asked: an engine keeps the last five alone.
        ready = float(nap("exec", "-T", "ordered/base", "stat", "-c", "%Y", "/ready").out)
        assert started["base.1"] < started["early.1"] < ready < started["late.1"]
        assert started["last.1"] > max(finished, ready, started["early.1"])

        assert nap("up", "-f", apps.files["ordered"]).code == 0
        assert nap.ids("ordered")["last.1"] == rows["last.1"]["ID"]

    def test_a_job_that_fails_keeps_its_dependents_from_starting(
        self, nap: Nap, apps: Apps
    ) -> None:
        job = sleeper(command="sh -c 'echo no such table; exit 3'", **on_zone("a"))
        web = sleeper(depends_on={"job": condition("completed_successfully")}, **on_zone("b"))
        ended = nap("up", "-f", apps("failing", {"job": job, "web": web}), code=1)
        assert "job.1 on h1: exited with code 3" in ended.errors[0]
        assert "       | no such table" in ended.err
        assert "web.1 on h2: starting" not in ended.err
        assert all(hosts.KEPT in each for each in apps.left("failing"))

    def test_names_and_aliases_resolve_from_every_host(self, nap: Nap, apps: Apps) -> None:
        serve = sleeper(command="httpd -f -p 8000 -h /etc", **on_zone("a"))
        db = {**serve, "networks": {"inner": {"aliases": ["store"]}}}
        names = ("db", "store", f"{nap.project('called')}-db-1")
        ask = " && ".join(f"wget -q -O /dev/null http://{name}:8000/hostname" for name in names)
        probe = {"test": ["CMD-SHELL", ask], "interval": "500ms", "retries": 60}
        askers = {
            f"from-{zone}": sleeper(networks=["inner"], healthcheck=probe, **on_zone(zone))
            for zone in "abc"
        }
        nap("up", "-f", apps("called", {"db": db, **askers}, networks={"inner": {}}))
        rows = nap.rows("called")
        asked = [(row["Host"], row["Health"]) for slot, row in rows.items() if "from-" in slot]
        assert asked == [("h1", "healthy"), ("h2", "healthy"), ("h3", "healthy")]

    def test_an_image_on_one_host_reaches_the_others(self, nap: Nap, bed: Bed, apps: Apps) -> None:
        name = "only-here:1"
        busybox.load(bed.hosts[0], name)
        three = sleeper(image=name, deploy={"replicas": 3})
        ended = nap("up", "-f", apps("shipped", {"web": three}))
        assert f"image {name} on h2: from h1" in ended.err
        assert {row["Host"] for row in nap.rows("shipped").values()} == {"h1", "h2", "h3"}
        ids = {docker_api.call(host, "GET", f"/images/{name}/json")["Id"] for host in bed.hosts}
        assert len(ids) == 1

    def test_an_image_in_a_registry_is_pulled(self, nap: Nap, bed: Bed, apps: Apps) -> None:
        images.push(bed, ["busybox:1"])
        name = f"{bed.registry}/busybox:1"
        three = sleeper(image=name, deploy={"replicas": 3})
        ended = nap("up", "-f", apps("pulled", {"web": three}))
        assert ended.err.count(f"image {name} on h") >= 3
        assert "pulled" in ended.err
        assert {row["Image"] for row in nap.rows("pulled").values()} == {name}


def condition(word: str) -> dict[str, str]:
    """A dependency in its long form."""
    return {"condition": f"service_{word}"}


def moment(text: str) -> float:
    """Seconds since 1970 from an engine's time, nanoseconds and all."""
    whole, _, rest = text.partition(".")
    fraction = re.match(r"\d*", rest)
    zone = "+00:00" if text.endswith("Z") else text[-6:]
    seconds = datetime.fromisoformat(whole.removesuffix("Z")[:19] + zone).timestamp()
    return seconds + float(f"0.{fraction[0] if fraction and fraction[0] else 0}")


def timed(output: str) -> list[tuple[str, str, str]]:
    """The lines of `nap logs --timestamps`: who, when, what; they must be in the order of time."""
    lines = []
    for line in output.splitlines():
        found = STAMP.match(line)
        assert found, line
        lines.append((found[1], found[2], found[3]))
    assert lines == sorted(lines, key=lambda line: line[1])
    return lines


def fetch(url: str, form: Mapping[str, str] | None = None) -> str:
    """The page there (a form is posted first); empty while nobody answers.

    Straight to the host: a proxy of the person's environment knows nothing of it.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with opener.open(url, data, timeout=10) as answer:
            page: str = answer.read().decode("utf-8", "replace")
            return page
    except (urllib.error.URLError, OSError):
        return ""
