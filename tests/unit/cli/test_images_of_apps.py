"""build, pull, push and prune: what they ask for, and what they say of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import (
    Built,
    BuiltImage,
    Handled,
    Listing,
    PrunedRow,
    PruneRequest,
    PullRequest,
    PushRequest,
)
from nap_compose.compose.bake import Wishes
from nap_compose.errors import BadFile
from tests.unit.cli.scripted import Scripted, nap

FILE = """
name: shop
services:
  web:
    build:
      context: .
      secrets: [pw]
  db: {image: "db:1"}
secrets: {pw: {environment: PW}}
"""


@dataclass
class Images(Scripted):
    """Answers what is asked about images."""

    answer: Any = None
    fails: Callable[[], None] = lambda: None
    requests: list[Any] = field(default_factory=list)

    def _answer(self, request: Any, *_: Any) -> Any:
        self.requests.append(request)
        self.fails()
        return self.answer

    build = pull = push = prune = _answer


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "compose.yaml").write_text(FILE)
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("KNOWN=from here\n")
    return tmp_path


def test_every_flag_of_a_build_reaches_the_request() -> None:
    control = Images(answer=Built())
    given = ("--build-arg", "A=1", "--build-arg", "KNOWN", "--build-arg", "NOT", "-m", "1g")
    flags = ("--no-cache", "--pull", "--push", "--check", "--with-dependencies", "--dry-run")
    words = ("--ssh", "default", "--builder", "b", "--provenance", "p", "--sbom", "s", "web")
    assert nap("build", *given, *flags, *words, control=control).code == 0
    (request,) = control.requests
    assert (request.services, request.dependencies, request.dry_run) == (("web",), True, True)
    assert request.wishes == Wishes(
        args={"A": "1", "KNOWN": "from here", "NOT": None},
        no_cache=True,
        pull=True,
        push=True,
        check=True,
        memory=1 << 30,
        ssh=("default=",),
        builder="b",
        provenance="p",
        sbom="s",
    )
    assert b"FROM scratch" in b"".join(request.contexts("web"))


def test_what_was_built_is_told_for_people_and_for_programs() -> None:
    built = Built((BuiltImage("web", ("shop-web", "more:1"), "h1", "sha256:1"),), "classic")
    assert nap("build", control=Images(answer=built)).out == "shop-web, more:1 is built on h1\n"
    assert nap("build", "-q", control=Images(answer=built)).out == ""
    told = nap("build", "--progress", "json", control=Images(answer=built)).out
    assert json.loads(told) == [
        {"Service": "web", "Names": ["shop-web", "more:1"], "Host": "h1", "ID": "sha256:1"}
    ]
    nothing = Built(notes=("no service that was named has a `build:`",))
    assert "no service that was named" in nap("build", "db", control=Images(answer=nothing)).err


def test_what_a_builder_refuses_is_told_with_its_line() -> None:
    def refuse() -> None:
        raise BadFile("secrets need BuildKit", path=("services", "web", "build", "secrets"))

    for verb in ("build",):
        result = nap(verb, control=Images(fails=refuse))
        assert result.code == 2
        assert result.err.startswith("nap: compose.yaml:7:7: secrets need BuildKit\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build", "--build-arg", "=1"), "--build-arg is '=1'"),
        (("build", "-m", "much"), "--memory: 'much' is no size"),
        (("pull", "--policy", "never"), "'never'"),
        (("prune", "--older-than", "soon"), "'soon' is no duration"),
    ],
)
def test_wrong_words(words: tuple[str, ...], said: str) -> None:
    result = nap(*words, control=Images())
    assert result.code == 2
    assert said in result.err


def test_pull_and_push() -> None:
    control = Images(answer=Handled(("db:1 on h1", "db:1 on h2"), ("a note",)))
    words = (
        "--ignore-buildable",
        "--ignore-pull-failures",
        "--include-deps",
        "--policy",
        "missing",
    )
    result = nap("pull", *words, "db", control=control)
    assert (result.code, result.out) == (0, "2 images pulled\n")
    assert "nap: warning: a note" in result.err
    (request,) = control.requests
    assert request == PullRequest(
        request.app, ("db",), True, "missing", ignore_buildable=True, ignore_failures=True
    )
    assert nap("pull", "--dry-run", control=control).out == (
        "would be pulled: db:1 on h1\nwould be pulled: db:1 on h2\n"
    )
    control = Images(answer=Handled(("web:1",)))
    assert nap("push", "--ignore-push-failures", "web", control=control).out == "1 image pushed\n"
    (request,) = control.requests
    assert request == PushRequest(request.app, ("web",), ignore_failures=True)
    assert json.loads(nap("push", "--progress", "json", control=control).out) == ["web:1"]
    assert nap("push", "-q", control=control).out == ""


def test_prune() -> None:
    rows = (
        PrunedRow("image", "web:1", "h1", 3 << 20),
        PrunedRow("image", "web:2", "h2", 1 << 20, "it is in use"),
        PrunedRow("revisions", "3 of shop"),
    )
    control = Images(answer=Listing(rows[:1], ("host h3 was not seen",)))
    words = ("--keep", "5", "--older-than", "2d", "--history", "30d", "--dry-run")
    result = nap("prune", *words, control=control)
    assert control.requests == [PruneRequest(5, 2 * 86400.0, 30 * 86400.0, dry_run=True)]
    assert result.out == ("image web:1 on h1 (3MiB): would go\n3MiB on all hosts together\n")
    assert "h3 was not seen" in result.err
    result = nap("prune", "-y", control=Images(answer=Listing(rows)))
    assert result.code == 1
    assert "image web:2 on h2 (1MiB): stays: it is in use\n" in result.out
    assert "revisions 3 of shop: removed\n" in result.out
    told = nap("prune", "--format", "json", control=Images(answer=Listing(rows[2:]))).out
    assert json.loads(told)[0]["subject"] == "3 of shop"
    assert nap("prune", "-y", control=Images(answer=Listing(()))).out == "nothing to remove\n"
