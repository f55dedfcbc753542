"""`nap config --check`, `--strict`, `--schema`; and how faults of a file are shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from nap_compose.border import Checked, Refusal
from nap_compose.cli.complain import WIDEST, excerpt
from nap_compose.compose.rows import Site
from nap_compose.errors import BadFile, Place
from tests.unit.cli.scripted import Scripted, nap

ROOT = Path(__file__).parents[3]
TEXT = """\
services:
  web:
    image: nginx
    pull_refresh_after: 1h
    links: [db]
    volumes:
      - ./conf:/c
    deploy: {replicas: 2, restart_policy: {delay: 5s}}
  db:
    image: mariadb
"""
LAB = Checked(
    Site("lab", 2),
    (
        Refusal(("services", "web", "volumes", 0), "services.web.volumes: it is beside", "move it"),
        Refusal(("services", "web", "links"), "services.web.links is not done: by name"),
    ),
)
IGNORED = (
    "nap: warning: compose.yaml:4:5: services.web.pull_refresh_after is ignored: use "
    "`pull_policy: always`, or `nap up --pull always` from time to time\n"
)
DELAY = (
    "nap: warning: compose.yaml:8:44: services.web.deploy.restart_policy.delay is ignored: the "
    "engine has its own; on a cluster with `failover` the watcher keeps it\n"
)
"""Where there is no cluster, whose watcher would keep it."""
REFUSED = """\
nap: compose.yaml:5:5: services.web.links is not done: by name
           links: [db]
           ^
nap: compose.yaml:7:9: services.web.volumes: it is beside
             - ./conf:/c
               ^
     move it
"""


@pytest.fixture
def file(empty: Path) -> Path:
    path = empty / "compose.yaml"
    path.write_text(TEXT)
    return path


def test_each_key_with_its_place_and_treatment(file: Path) -> None:
    result = nap("config", "--check")
    assert result.code == 0
    assert result.err == IGNORED + DELAY
    lines = [line.split("   ") for line in result.out.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert [row[:3] for row in cells] == [
        ["PLACE", "KEY", "NAP"],
        ["compose.yaml:3:5", "services.web.image", "applied"],
        ["compose.yaml:4:5", "services.web.pull_refresh_after", "ignored"],
        ["compose.yaml:5:5", "services.web.links", "applied"],
        ["compose.yaml:6:5", "services.web.volumes", "applied"],
        ["compose.yaml:8:14", "services.web.deploy.replicas", "applied"],
        ["compose.yaml:8:44", "services.web.deploy.restart_policy.delay", "ignored"],
        ["compose.yaml:10:5", "services.db.image", "applied"],
    ]
    assert all(row[3] for row in cells[1:])


def test_what_becomes_of_what_lies_beside_the_file(empty: Path) -> None:
    (empty / "app.conf").write_text("a=1")
    (empty / "compose.yaml").write_text(
        "services:\n"
        "  web:\n"
        "    image: x\n"
        "    volumes:\n"
        "      - {type: bind, source: ./data, target: /d, bind: {create_host_path: true}}\n"
        "  db: {image: x, volumes: ['./app.conf:/c']}\n"
    )
    control = Scripted(owner="ada", checked=Checked(LAB.site))
    result = nap("config", "--check", "--format", "json", control=control)
    assert result.code == 0
    rows = {row["key"]: row for row in json.loads(result.out)}
    data, conf = rows["services.web.volumes[0].source"], rows["services.db.volumes"]
    assert (data["treatment"], conf["treatment"]) == ("translated", "translated")
    assert "data fills a volume once" in data["what"]
    assert "brought to the hosts" in conf["what"]


def test_what_the_cluster_refuses_is_said_and_ends_with_2(file: Path) -> None:
    control = Scripted(checked=LAB)
    result = nap("config", "--check", "--format", "json", control=control)
    assert result.code == 2
    assert result.err == IGNORED + REFUSED
    rows = {row["key"]: row for row in json.loads(result.out)}
    assert rows["services.web.links"] == {
        "file": "compose.yaml",
        "line": 5,
        "column": 5,
        "key": "services.web.links",
        "treatment": "refused",
        "what": "services.web.links is not done: by name".partition(": ")[2],
    }
    assert rows["services.web.volumes"]["treatment"] == "refused"
    assert rows["services.web.image"]["treatment"] == "applied"
    assert control.closed


def test_no_cluster_is_asked_without_check(file: Path) -> None:
    control = Scripted()
    assert nap("config", "-q", control=control).err == IGNORED
    assert control.asked == []


def test_strict_takes_warnings_as_errors(file: Path) -> None:
    result = nap("config", "-q", "--strict")
    assert (result.code, result.out) == (2, "")
    assert "warning" not in result.err
    assert (
        "nap: compose.yaml:4:5: services.web.pull_refresh_after is ignored: use "
        "`pull_policy: always`, or `nap up --pull always` from time to time\n"
        "           pull_refresh_after: 1h\n"
        "           ^\n"
    ) in result.err
    file.write_text("services: {web: {image: nginx}}\n")
    assert nap("config", "-q", "--strict").code == 0
    file.write_text("services: {web: {image: $IMAGE-x}}\n")
    assert nap("config", "-q").code == 0
    strict = nap("config", "-q", "--strict")
    assert (strict.code, strict.err) == (
        2, 'nap: The "IMAGE" variable is not set. Defaulting to a blank string.\n'
    )  # fmt: skip


def test_up_warns_and_tells_where_a_refusal_stands(file: Path) -> None:
    class Refusing(Scripted):
        def up(self, *_: Any) -> Any:
            raise BadFile(
                "services.web.links is not done: by name", path=("services", "web", "links")
            )

    result = nap("up", "-d", control=Refusing())
    assert result.code == 2
    assert result.err == IGNORED + DELAY + "".join(REFUSED.splitlines(keepends=True)[:3])


def test_the_schema_fits_its_own_schema_and_our_examples() -> None:
    result = nap("config", "--schema")
    schema = json.loads(result.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    examples = sorted((ROOT / "examples").glob("*/app.yml"))
    assert examples
    for example in examples:
        validator.validate(yaml.safe_load(example.read_text()))
    assert not validator.is_valid({"services": {"web": {"imagee": "nginx"}}})
    described = schema["properties"]["services"]["additionalProperties"]["properties"]["attach"]
    assert described["description"].startswith("whether its output is shown")


def test_the_schema_needs_no_file(empty: Path) -> None:
    assert nap("config", "--schema").code == 0


def test_models(file: Path) -> None:
    file.write_text(
        "services: {a: {image: x, models: [big]}}\n"
        "models: {big: {model: ai/big}, small: {model: ai/small}}\n"
    )
    assert nap("config", "--models").out == "ai/big\n"


@pytest.mark.parametrize(
    ("text", "column", "shown", "mark"),
    [
        ("a: b", 4, "a: b", "   ^"),
        ("\ta: b", 2, " a: b", " ^"),
        ("ä: 日本 x", 7, "ä: 日本 x", "        ^"),
        ("a\x1b[2J: b", 2, "a\\x1b[2J: b", " ^"),
        ("end", 9, "end", "   ^"),
    ],
)
def test_the_mark_is_under_the_place(text: str, column: int, shown: str, mark: str) -> None:
    assert excerpt(Place("f", 1, column, text)) == (shown, mark)


def test_of_a_long_line_the_part_around_the_place_is_shown() -> None:
    shown, mark = excerpt(Place("f", 1, 500, "x" * 499 + "!" + "x" * 500))
    assert len(shown) == WIDEST
    assert shown[mark.index("^")] == "!"


@pytest.mark.parametrize("width", [0, 100])
def test_every_fault_of_every_file_is_shown_at_once(empty: Path, width: int) -> None:
    (empty / "a.yml").write_text(
        "services:\n"
        "  web:\n"
        "    imagee: nginx\n"
        "    image: ${IMAGE:?say which}\n"
        '    ports: ["80-82:80-81", "80:99999"]\n'
    )
    (empty / "b.yml").write_text("services:\n  web: {scale: many}\n  db: {extends: nobody}\n")
    result = nap("-f", "a.yml", "-f", "b.yml", "config", width=width, env={"NO_COLOR": "1"})
    assert (result.code, result.out) == (2, "")
    assert (
        result.err
        == """\
nap: a.yml:3:5: services.web.imagee: unknown key "imagee"
           imagee: nginx
           ^
     did you mean image?
nap: a.yml:4:5: services.web.image: required variable IMAGE is missing a value: say which
           image: ${IMAGE:?say which}
           ^
nap: a.yml:5:13: services.web.ports[0]: the ranges in "80-82:80-81" are not of the same length
           ports: ["80-82:80-81", "80:99999"]
                   ^
nap: a.yml:5:28: services.web.ports[1]: the container port in "80:99999" is above 65535
           ports: ["80-82:80-81", "80:99999"]
                                  ^
nap: b.yml:2:9: services.web.scale: expected a whole number, 0 or more, found the text "many"
         web: {scale: many}
               ^
"""
    )
