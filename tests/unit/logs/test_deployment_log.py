"""A deployment's log: whole lines whatever happens, and read back as it was written."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nap_compose.errors import NapError, WrongUse
from nap_compose.logs import deployment_log
from nap_compose.logs.deployment_lines import DeploymentLines
from nap_compose.logs.deployment_log import DeploymentLog, Head, folder, records, summaries
from nap_compose.orchestration.events import Event, Phase

HEAD = Head("d1", "ada", "shop", "up", 3, "Ada Lovelace", "ada@desk")


def event(seq: int, phase: Phase = Phase.DONE, **changes: object) -> Event:
    fields: dict[str, object] = {
        "at": f"2026-01-02T03:04:05.{seq % 1000:03}Z",
        "seq": seq,
        "deployment": "d1",
        "step": f"start-web.{seq}",
        "host": "h2",
        "subject": f"web.{seq}",
        "phase": phase,
        **changes,
    }
    return Event(**fields)  # type: ignore[arg-type]


def never(text: str) -> None:
    raise AssertionError(text)


def test_a_deployment_is_read_back_as_it_went(tmp_path: Path) -> None:
    log = DeploymentLog(tmp_path, HEAD, never)
    log.event(event(1))
    log.event(event(2, Phase.FAILED, error="port 80 is taken\nby blog"))
    log.end("failed", "web.2 didn't start")
    log.end("done")
    log.event(event(3))
    head, first, second, end = records(log.path)
    assert (head["record"], head["who"], head["origin"]) == ("head", "Ada Lovelace", "ada@desk")
    assert (first["seq"], second["error"]) == (1, "port 80 is taken\nby blog")
    assert (end["record"], end["outcome"]) == ("end", "failed")
    (summary,) = summaries(tmp_path, "ada", "shop")
    assert summary.head == HEAD
    assert (summary.outcome, summary.error) == ("failed", "web.2 didn't start")
    assert summary.started <= summary.ended


def test_only_owner_and_group_may_look(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        log = DeploymentLog(tmp_path / "logs", HEAD, never)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (log.path, *log.path.parents)]
    assert modes[:5] == [0o640, 0o750, 0o750, 0o750, 0o750]


def test_apps_of_nobody_lie_under_a_dash(tmp_path: Path) -> None:
    assert folder(tmp_path, "", "shop") == tmp_path / "-" / "shop" / "deploy"


@pytest.mark.parametrize("name", ["..", "a/b", ".hidden", "nul\0"])
def test_names_stay_in_their_folder(tmp_path: Path, name: str) -> None:
    for parts in [(name, "shop"), ("ada", name)]:
        with pytest.raises(WrongUse):
            folder(tmp_path, *parts)
    with pytest.raises(WrongUse):
        DeploymentLog(tmp_path, Head(name, "ada", "shop", "up", 1, "", ""), never)


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    log = DeploymentLog(tmp_path, HEAD, never)

    def write(first: int) -> None:
        for seq in range(first, first + 200):
            log.event(event(seq, text="x" * (seq % 5000)))

    threads = [threading.Thread(target=write, args=(first,)) for first in range(0, 1600, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.end("done")
    lines = log.path.read_bytes().splitlines()
    assert len(lines) == 1602
    seen = sorted(record["seq"] for line in lines if "seq" in (record := json.loads(line)))
    assert seen == list(range(1600))


def test_killed_in_the_middle_it_leaves_whole_lines(tmp_path: Path) -> None:
    program = """
        import sys
        from pathlib import Path
        from nap_compose.logs.deployment_log import DeploymentLog
        from tests.unit.logs.test_deployment_log import HEAD, event, never
        log = DeploymentLog(Path(sys.argv[1]), HEAD, never)
        for seq in range(1, 10**9):
            log.event(event(seq, text="y" * 300))
    """
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program), str(tmp_path)])
    path = folder(tmp_path, "ada", "shop") / "d1.jsonl"
    try:
        deadline = time.monotonic() + 30
        while not path.exists() or path.stat().st_size < 100_000:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    read = list(records(path))
    assert [record.get("seq", 0) for record in read] == list(range(len(read)))
    (summary,) = summaries(tmp_path, "ada", "shop")
    assert summary.outcome == ""


def test_a_half_line_at_the_end_is_passed_over(tmp_path: Path) -> None:
    log = DeploymentLog(tmp_path, HEAD, never)
    log.event(event(1))
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + b'{"record": "event", "se')
    assert [record["record"] for record in records(log.path)] == ["head", "event"]
    lines = DeploymentLines(tmp_path, "ada", "shop")
    assert len(lines.news()) == 2
    # It was only half written: the rest comes, and the line with it.
    log.path.write_bytes(whole + json.dumps({"record": "event", **event(2).to_json()}).encode())
    assert lines.news() == []
    with log.path.open("ab") as file:
        file.write(b"\n")
    assert [line.text for _, line in lines.news()] == ["web.2 on h2: done"]


def test_a_full_disk_costs_records_and_one_warning_but_not_the_deployment(tmp_path: Path) -> None:
    # The system's limit on file sizes cuts a write short and refuses the next, as a full disk does.
    program = """
        import resource, sys
        from pathlib import Path
        from nap_compose.logs.deployment_log import DeploymentLog
        from tests.unit.logs.test_deployment_log import HEAD, event
        log = DeploymentLog(Path(sys.argv[1]), HEAD, print)
        log.event(event(1))
        full = log.path.stat().st_size + 100
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
        log.event(event(2))
        log.event(event(3))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        log.event(event(4))
        log.end("done")
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.count("incomplete") == 1
    read = list(records(folder(tmp_path, "ada", "shop") / "d1.jsonl"))
    assert [record.get("seq", record["record"]) for record in read] == ["head", 1, 4, "end"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_log_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "ada").write_text("a file where a folder should be")
    with pytest.raises(NapError, match="can't write the deployment's log") as caught:
        DeploymentLog(tmp_path, HEAD, never)
    assert caught.value.hint


def test_a_transfer_is_not_logged_byte_by_byte(tmp_path: Path) -> None:
    log = DeploymentLog(tmp_path, HEAD, never)
    for done in range(1000):
        log.event(event(1, Phase.RUNNING, bytes_done=done, bytes_total=1000))
    log.event(event(1, Phase.DONE))
    assert [record.get("phase") for record in records(log.path)] == [None, "running", "done"]


def test_newest_first_and_other_apps_left_out(tmp_path: Path) -> None:
    for deployment, app in [("d1", "shop"), ("d2", "shop"), ("d3", "blog")]:
        log = DeploymentLog(tmp_path, Head(deployment, "ada", app, "up", 1, "ada", ""), never)
        log.end("done")
        time.sleep(0.002)
    assert [found.head.deployment for found in summaries(tmp_path, "ada", "shop")] == ["d2", "d1"]
    assert summaries(tmp_path, "bob", "shop") == ()


def test_lines_for_people(tmp_path: Path) -> None:
    log = DeploymentLog(tmp_path, HEAD, never)
    log.event(event(1, Phase.WAITING))
    log.event(event(2, Phase.RUNNING, text="pulling nginx:1.27"))
    log.event(event(3, Phase.FAILED, error="no such image"))
    log.end("rolled back", "web.3: no such image")
    lines = DeploymentLines(tmp_path, "ada", "shop")
    texts = [(line.subject, line.host, line.source, line.text) for _, line in lines.news()]
    assert sorted(texts) == sorted(
        ("deploy", "", "deploy", text)
        for text in (
            "web.2 on h2: pulling nginx:1.27",
            "web.3 on h2: failed: no such image",
            "up shop, revision 3, by Ada Lovelace from ada@desk",
            "rolled back: web.3: no such image",
        )
    )
    assert lines.news() == []


def test_lines_of_one_deployment_and_of_some_time(tmp_path: Path) -> None:
    for deployment in ("d1", "d2"):
        log = DeploymentLog(tmp_path, Head(deployment, "", "shop", "up", 1, "", ""), never)
        log.event(event(5, deployment=deployment, subject=deployment))
    one = DeploymentLines(tmp_path, "", "shop", deployment="d2").news()
    assert [line.text for _, line in one] == ["d2 on h2: done", "up shop, revision 1"]
    late = DeploymentLines(tmp_path, "", "shop", since=time.time() - 60).news()
    assert [line.text for _, line in late] == ["up shop, revision 1"] * 2
    early = DeploymentLines(tmp_path, "", "shop", until=time.time() - 60).news()
    assert sorted(line.text for _, line in early) == ["d1 on h2: done", "d2 on h2: done"]


def test_the_last_of_them_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many deployments somebody runs; one that runs for long is none of the oldest."""
    monkeypatch.setattr(deployment_log, "KEPT", 3)
    long = DeploymentLog(tmp_path, replace(HEAD, deployment="long"), never)
    (long.path.parent / "notes.txt").write_text("somebody's own")
    for number in range(1, 6):
        log = DeploymentLog(tmp_path, replace(HEAD, deployment=f"d{number}"), never)
        log.end("done")
        os.utime(log.path, (number, number))
        long.event(event(number))
    kept = {path.name for path in long.path.parent.iterdir()}
    assert kept == {"long.jsonl", "d4.jsonl", "d5.jsonl", "notes.txt"}


def test_others_keep_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_log, "KEPT", 1)
    blog = DeploymentLog(tmp_path, replace(HEAD, app="blog"), never)
    for number in range(3):
        DeploymentLog(tmp_path, replace(HEAD, deployment=f"d{number}"), never).end("done")
    assert blog.path.exists()
    assert len(summaries(tmp_path, "ada", "shop")) == 1
