"""Everything that the border speaks of crosses a stream, and comes out as it went in."""

from __future__ import annotations

import inspect
import typing
from dataclasses import is_dataclass
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nap_compose import border as b
from nap_compose.border import Control
from nap_compose.compose.loader import load
from nap_compose.compose.model import App
from nap_compose.control.stream.codec import (
    _REFERENCES,
    Decoder,
    Encoder,
    Refs,
    _is_known,
    fits,
    hints_of,
)
from nap_compose.control.stream.peer import _METHODS
from nap_compose.errors import WrongUse
from nap_compose.orchestration.bodies.resources import ulimits
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step, Verb
from tests.peer.cases import read

CASES = read("accepted")

METHODS = sorted(
    name
    for name, member in inspect.getmembers(Control)
    if inspect.isfunction(member) and name[0] != "_"
)
CARRIED_OTHERWISE = {"App"}
"""An App crosses as its document."""


def crossed(value: Any) -> Any:
    encoder = Encoder(Refs())
    told = encoder.encode(value)
    return Decoder(Refs(), encoder.blobs).decode(told)


def reached(hint: Any, seen: set[type]) -> set[type]:
    """Every class that an annotation leads to."""
    for inner in typing.get_args(hint):
        if not isinstance(inner, (str, list)):
            reached(inner, seen)
    if isinstance(hint, type) and hint.__module__.startswith("nap_compose") and hint not in seen:
        if getattr(hint, "_is_protocol", False):
            return seen
        seen.add(hint)
        if (is_dataclass(hint) or hasattr(hint, "_fields")) and hint is not App:
            for each in hints_of(hint).values():
                reached(each, seen)
    return seen


@pytest.mark.parametrize("name", METHODS)
def test_every_call_speaks_of_what_crosses(name: str) -> None:
    hints = hints_of(getattr(Control, name))
    strange = {
        kind
        for hint in hints.values()
        for kind in reached(hint, set())
        if not _is_known(kind) and kind.__name__ not in CARRIED_OTHERWISE
    }
    assert not strange, f"{name}: name their modules in control/stream/codec.py"


def test_all_that_stays_where_it_is_has_a_stand_in() -> None:
    hints = {hint for name in METHODS for hint in hints_of(getattr(Control, name)).values()}
    kept = {hint for hint in hints if getattr(hint, "_is_protocol", False)}
    assert {each.__name__ for each in kept} >= {"Cancel", "Console", "Hold", "Wire"}
    for each in kept:
        words = [word for word in vars(each) if word[0] != "_"]
        thing = SimpleNamespace(**dict.fromkeys(words, lambda: None))
        kinds = [kind for kind, fits_ in _REFERENCES.items() if fits_(thing)]
        assert kinds[:1] and kinds[0] in _METHODS.keys() | {"cancel"}, each


def test_values_come_out_as_they_went_in() -> None:
    line = Line(Change.CREATE, "web.1", "h1", "new")
    step = Step(
        "create:web.1", Kind.CREATE, "h1", "shop-web-1", "web.1", args={"a": [1, None, 2.5]}
    )
    values: list[Any] = [
        *(None, True, 0, 1.5, float("inf"), "text", "$", b"\x00bytes", b""),
        *([1, [2]], (1, (2, "x")), {"a": 1, "$": 2}, {1: "a", ("x",): "b"}, {}, ()),
        b.Target("shop", "bob", "web", 2),
        b.Chosen(b.Target("shop"), ("web",), stopped=True),
        b.DownRequest("shop", known_services=("web",), grace=1.0),
        b.ActRequest(Verb.STOP, "shop", targets=(b.Target("shop"),)),
        Plan("lab", "bob", "shop", 3, "d" * 32, (step,), summary=(line,)),
        b.Listing((b.Target("a"), b.Target("b")), ("a warning",)),
        b.Typed(b"typed"),
    ]
    for value in values:
        assert crossed(value) == value
        assert type(crossed(value)) is type(value)


def test_an_app_crosses_as_its_document() -> None:
    app = App.of(
        {"name": "shop", "services": {"web": {"image": "x", "ports": [{"target": 80}]}}},
        "/somewhere",
        ("app.yml",),
        ("debug",),
        {"bind:/a": {"digest": "d", "kind": "content"}},
    )
    request = crossed(b.UpRequest(app, scale={"web": 2}))
    assert request == b.UpRequest(app, scale={"web": 2})


@pytest.mark.parametrize("file", sorted({case.name.partition("/")[0] for case in CASES}))
def test_every_app_that_people_write_crosses(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, case in enumerate(each for each in CASES if each.name.startswith(f"{file}/")):
        folder = tmp_path / str(number)
        folder.mkdir()
        case.write(folder)
        monkeypatch.chdir(folder)
        app = load(env={**case.env, "HOME": "/root"}, **case.request()).app
        assert crossed(app) == app, case.name


def test_a_limit_of_nothing_crosses(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    limits = "ulimits: {core: 0, nofile: {soft: 0, hard: 5}, cpu: {soft: 0, hard: 0}}"
    file.write_text(f"services: {{web: {{image: x, {limits}, build: {{context: ., {limits}}}}}}}")
    app = load([file], env={}, project_name="shop").app
    assert crossed(app) == app
    assert ulimits(app.services["web"].spec) == [
        {"Name": "core", "Soft": 0, "Hard": 0},
        {"Name": "cpu", "Soft": 0, "Hard": 0},
        {"Name": "nofile", "Soft": 0, "Hard": 5},
    ]


def test_what_is_no_plain_data_does_not_cross() -> None:
    for thing in (object(), open, type, Refs()):
        with pytest.raises(TypeError):
            crossed(thing)


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        (1, int, True),
        (True, int, False),
        (1, float, True),
        ("1", int, False),
        (("a", "b"), tuple[str, ...], True),
        (("a", 1), tuple[str, ...], False),
        (["a"], tuple[str, ...], False),
        ({"a": None}, typing.Mapping[str, str | None], True),
        ({1: "a"}, typing.Mapping[str, str], False),
        (None, str | None, True),
        (5, str | None, False),
        (Verb.STOP, Verb, True),
        ("stop", Verb, False),
        (b.Target(), b.Target | None, True),
        (b.Chosen(b.Target()), b.Target, False),
    ],
    ids=str,
)
def test_values_are_held_against_their_annotations(value: Any, hint: Any, expected: bool) -> None:
    assert fits(value, hint) is expected


def test_a_class_from_elsewhere_is_not_built() -> None:
    for module, name in (
        ("nap_compose.control.parts", "Parts"),
        ("nap_compose.border", "Target"),
        ("nap_compose.border.words", "Any"),
        ("nap_compose.border.words", "dataclass"),
        ("nap_compose.border.words", "Cancel"),
        ("builtins", "eval"),
        (5, 6),
    ):
        with pytest.raises(WrongUse):
            Decoder(Refs(), ()).decode({"$": ["object", module, name, {}]})


def test_enums_that_nobody_knows_cross_as_their_values() -> None:
    import signal

    class Own(str, Enum):
        A = "a"

    assert crossed([signal.SIGTERM, Own.A]) == [15, "a"]
