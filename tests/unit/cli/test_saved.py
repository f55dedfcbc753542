"""`nap plan -o FILE` and `nap up --plan FILE`: the files, the words, what is said."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import Outcome
from nap_compose.exits import Exit
from nap_compose.orchestration.differences import Difference
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step
from nap_compose.orchestration.saved import SavedPlan
from tests.unit.cli.scripted import Scripted, nap

SAVED = SavedPlan("lab", "ada", "shop", 4, "d" * 64, {"services": []}, {"host h1": "active"}, "s")
BRING = Step(
    "image", Kind.BRING_IMAGE, "h2", "web:2", "image web:2", args={"from": ["h1"], "size": 64 << 20}
)
PLAN = Plan(
    "ada", "shop", "ada_shop", 4, "d1", (BRING,),
    (Line(Change.REPLACE, "web.1", "h2", "its image changed", "start-first"),),
)  # fmt: skip
PLANNED = Outcome(
    "planned", PLAN, 0, saved=SAVED, against=3,
    differences=(Difference("web", "image", "web:1", "web:2"),),
)  # fmt: skip


@dataclass
class Planning(Scripted):
    """A Control that runs saved plans."""

    outcome: Outcome = PLANNED

    def run_plan(self, saved: SavedPlan, on_event: Any, cancel: Any) -> Outcome:
        return self._deploy(saved, on_event, cancel)


@pytest.fixture
def file(empty: Path) -> Path:
    (empty / "compose.yaml").write_text("name: shop\nservices: {web: {image: 'web:2'}}\n")
    return empty / "plan.json"


def test_a_plan_is_shown_and_kept(file: Path) -> None:
    control = Planning()
    found = nap("plan", "-o", str(file), control=control)
    assert found.out == (
        "shop would change:\n"
        "  replace  web.1 on h2 (its image changed; start-first)\n"
        "  bring    image web:2 to h2 (from h1, 64MiB)\n"
        "  downtime none\n"
        "  in 1 steps: 1 bring-image\n"
        "\n"
        "against revision 3, which runs:\n"
        "web\n"
        "  ~ image: web:1 → web:2\n"
    )
    assert f"run it with: nap up --plan {file}" in found.err
    assert json.loads(file.read_text())["revision"] == 4
    assert [path.name for path in file.parent.iterdir() if "plan" in path.name] == ["plan.json"]
    (asked,) = control.asked
    assert asked.keep and asked.dry_run


def test_without_a_file_nothing_is_kept(file: Path) -> None:
    control = Planning(outcome=replace(PLANNED, saved=None))
    nap("plan", control=control)
    assert not control.asked[0].keep
    assert not file.exists()


def test_a_plan_on_standard_output_is_json_alone(file: Path) -> None:
    found = nap("plan", "-o", "-", control=Planning())
    assert json.loads(found.out)["app"] == "shop"


def test_a_kept_plan_is_run(file: Path, empty: Path) -> None:
    file.write_text(SAVED.as_json())
    (empty / "compose.yaml").unlink()
    control = Planning(outcome=replace(PLANNED, state="done", saved=None, seconds=2.0))
    found = nap("up", "--plan", str(file), control=control)
    assert control.asked == [SAVED]
    assert found.out.startswith("shop is up in 2.0s\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "can't be read: No such file or directory"),
        ("", "holds no saved plan"),
        ("[1]", "holds no saved plan"),
        ('{"v": 9}', "its version is 9, not 1"),
        (SAVED.as_json().replace('"shop"', "7"), "holds no saved plan"),
        (SAVED.as_json() + " " * (4 << 20), "is larger than a saved plan can be"),
    ],
)
def test_what_is_no_plan(file: Path, content: str | None, said: str) -> None:
    if content is not None:
        file.write_text(content)
    control = Planning()
    found = nap("up", "--plan", str(file), control=control)
    assert (found.code, said in found.err) == (Exit.WRONG_USE, True), found.err
    assert control.asked == []


def test_a_plan_brings_its_own_files_and_services(file: Path) -> None:
    file.write_text(SAVED.as_json())
    for words in (("web",), ("-f", "compose.yaml")):
        found = nap("up", "--plan", str(file), *words, control=Planning())
        assert (found.code, "leave out" in found.err) == (Exit.WRONG_USE, True)


def test_a_folder_that_can_not_be_written_to(file: Path) -> None:
    found = nap("plan", "-o", str(file.parent / "no" / "plan.json"), control=Planning())
    assert found.code == Exit.FAILED
    assert "can't be written" in found.err
