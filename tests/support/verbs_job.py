"""The verbs that act on containers that are there, on real hosts whichever way their networks
reach each other. A test module brings the fixtures `nap` and `apps`."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from tests.support.apps import Apps, on_zone, sleeper
from tests.support.nap import Nap, eventually

NEED = {"db": {"condition": "service_healthy", "restart": True}}


class VerbsJob:
    """start, stop, restart, kill, rm, pause, unpause, wait, create, scale on an app over three
    hosts."""

    def test_every_verb_reaches_every_host(self, nap: Nap, apps: Apps) -> None:
        file = spread(apps, "verbs")
        assert nap("create", "-f", file).out.startswith("verbs is created")
        assert set(states(nap).values()) == {"created"}
        rows = nap.rows("verbs")
        assert len({row["Host"] for row in rows.values()}) == 3
        ids = nap.ids("verbs")

        # Needs start first, and are healthy before the rest does.
        nap("start", "verbs/web.1")
        assert states(nap) == {**dict.fromkeys(ids, "created"), "db.1": "running",
                               "web.1": "running"}  # fmt: skip
        assert nap.rows("verbs")["db.1"]["Health"] == "healthy"
        nap("start", "verbs", "--wait")
        assert set(states(nap).values()) == {"running"}
        talk = nap("exec", "-T", "verbs/web.2", "ping", "-c", "1", "-w", "10", "db")
        assert "1 packets received" in talk.out

        nap("pause", "verbs/web")
        assert {states(nap)["web.1"], states(nap)["web.2"]} == {"paused"}
        nap("unpause", "verbs")
        assert set(states(nap).values()) == {"running"}

        # One replica; then what restarts with db, on its own host and on others.
        begun = started(nap)
        nap("restart", "verbs/web.2", "-t", "1")
        assert {slot for slot, at in started(nap).items() if at != begun[slot]} == {"web.2"}
        begun = started(nap)
        nap("restart", "verbs/db", "-t", "1")
        assert {slot for slot, at in started(nap).items() if at != begun[slot]} == {
            "db.1", "web.1", "web.2",
        }  # fmt: skip
        begun = started(nap)
        nap("restart", "verbs/db", "--no-deps", "-t", "1")
        assert {slot for slot, at in started(nap).items() if at != begun[slot]} == {"db.1"}
        assert "1 packets received" in eventually(
            lambda: nap("exec", "-T", "verbs/web.2", "ping", "-c", "1", "-w", "10", "db").out,
            "the restarted db on the network",
        )

        nap("kill", "-s", "KILL", "verbs/cache")
        assert nap.rows("verbs")["cache.1"]["ExitCode"] == 137
        nap("stop", "verbs", "-t", "1")
        assert set(states(nap).values()) == {"exited"}
        assert nap("stop", "verbs").out.startswith("nothing to do")
        assert nap("rm", "verbs/web", code=8).err.startswith("nap: web.1 on ")
        nap("rm", "-f", "verbs/web.2")
        assert set(states(nap)) == {"web.1", "db.1", "cache.1"}
        nap("restart", "verbs", "-t", "1")
        assert set(states(nap).values()) == {"running"}

        nap("scale", "-f", file, "web=3")
        assert set(states(nap)) == {"web.1", "web.2", "web.3", "db.1", "cache.1"}
        assert nap.ids("verbs")["web.1"] == ids["web.1"]
        nap("rm", "-fsv", "verbs")
        assert states(nap) == {}

    def test_wait_ends_with_the_containers_code(self, nap: Nap, apps: Apps) -> None:
        file = apps("waited", {"job": sleeper(), "web": sleeper()})
        nap("up", "-f", file)
        with nap.start("wait", "waited/job", "--down-project") as waiting:
            waiting.until("waiting for waited/job")
            nap("kill", "-s", "TERM", "waited/job")
            ended = waiting.ended()
        assert ended.code == 143
        assert ended.out == "job.1 exited with status code 143\n"
        assert apps.left("waited") == []

    def test_changed_files_reach_each_replica(self, nap: Nap, apps: Apps) -> None:
        source = apps.folder / "watched-src"
        source.mkdir()
        watch = [{"path": str(source), "action": "sync+restart", "target": "/app"}]
        file = apps("watched", {"web": sleeper(scale=3, develop={"watch": watch})})
        with nap.start("watch", "-f", file) as watching:
            watching.until("1 path is watched for watched")
            (source / "page").write_text("new\n")
            watching.until("web: 1 brought over, on 3 replicas")
            watching.until("web: restarted")
            watching.signal(signal.SIGINT)
            assert watching.ended().code == 130
        assert len({row["Host"] for row in nap.rows("watched").values()}) == 3
        for replica in (1, 2, 3):
            found = nap("exec", "-T", f"watched/web.{replica}", "cat", "/app/page")
            assert found.out == "new\n"

    def test_up_stays_where_that_is_asked_for(self, nap: Nap, apps: Apps) -> None:
        job = "sh -c 'echo begun; sleep 3; echo ended; exit 7'"
        services = {"web": sleeper(), "job": {"image": "busybox:1", "command": job}}
        file = apps("stays", services)
        ended = nap("up", "-f", file, "-t", "1", "--exit-code-from", "job", code=7)
        lines = [" ".join(line.split()) for line in ended.out.splitlines()]
        assert lines[:3] == ["Attaching to job.1, web.1", "job.1 | begun", "job.1 | ended"]
        assert {row["State"] for row in nap.rows("stays").values()} == {"exited"}

        apps("stays", {"web": sleeper()})
        with nap.start("up", "-f", file, "--remove-orphans", "--attach") as up:
            up.until_line(lambda line: line.startswith("job.1") and "removed" in line)
            up.signal(signal.SIGINT)
            ended = up.ended()
        assert (ended.code, ended.said[-1].split(";")[0]) == (130, "nap: stays goes on")
        assert {slot: row["State"] for slot, row in nap.rows("stays").items()} == {
            "web.1": "running"
        }

    def test_who_shares_namespaces_and_volumes_stands_where_the_other_does(
        self, nap: Nap, apps: Apps
    ) -> None:
        shared = dict.fromkeys(("network_mode", "pid", "ipc"), "service:db")
        db = sleeper(command="httpd -f -p 8000 -h /etc", ipc="shareable", volumes=["data:/data"])
        services = {"db": db, "side": sleeper(**shared, volumes_from=["db:ro"])}
        before: dict[str, str] = {}
        for colour in ("red", "blue"):
            db["environment"] = {"COLOUR": colour}
            nap("up", "-f", apps("shares", services, volumes={"data": {}}))
            rows = nap.rows("shares")
            assert rows["db.1"]["Host"] == rows["side.1"]["Host"]
            page = nap(
                "exec", "-T", "shares/side", "wget", "-qO-", "http://localhost:8000/hostname"
            )
            assert page.out.strip() == rows["db.1"]["ID"][:12]
            assert "httpd" in nap("exec", "-T", "shares/side", "ps").out
            nap("exec", "-T", "shares/side", "touch", "/data/new", code=1)
            now = nap.ids("shares")
            assert set(now.values()).isdisjoint(before.values()), "who shares is made anew with it"
            before = now

    def test_what_there_is_not_is_named(self, nap: Nap, apps: Apps) -> None:
        nap("up", "-f", apps("named", {"web": sleeper()}))
        assert "there is no app nosuch" in nap("stop", "nosuch", code=2).err
        assert "did you mean 'web'?" in nap("restart", "named/wbe", code=2).err
        assert "web has 1" in nap("kill", "named/web.7", code=2).err
        assert "the cluster has no host 'h9'" in nap("host", "inspect", "h9", code=2).err
        assert "no signal 'NOSUCH'" in nap("kill", "-s", "NOSUCH", "named", code=2).err


def spread(apps: Apps, name: str) -> Path:
    """An app with a db on one host, the cache on the next, and web wherever there is room."""
    healthy: dict[str, Any] = {"test": ["CMD", "true"], "interval": "1s", "start_period": "1s"}
    return apps(
        name,
        {
            "db": sleeper(healthcheck=healthy, **on_zone("a")),
            "cache": sleeper(**on_zone("b")),
            "web": sleeper(depends_on=NEED, scale=2),
        },
    )


def states(nap: Nap) -> dict[str, str]:
    return {slot: row["State"] for slot, row in nap.rows("verbs").items()}


def started(nap: Nap) -> dict[str, str]:
    """When each container's process began, in its host's ticks."""
    return {slot: began(nap, slot) for slot in nap.rows("verbs")}


def began(nap: Nap, slot: str) -> str:
    told = nap("exec", "-T", f"verbs/{slot}", "cat", "/proc/1/stat").out
    return told.rpartition(")")[2].split()[19]
