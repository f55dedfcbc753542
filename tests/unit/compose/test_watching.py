"""What changed files come to, by the rules of `develop.watch`."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest

from nap_compose.compose.model import App
from nap_compose.compose.watching import Action, Rule, Work, rules_of, work_of
from tests.support.views import app

SYNC = {"path": "/src", "action": "sync", "target": "/app"}


def rules(*entries: dict[str, Any], **more: Any) -> list[Rule]:
    ignored = more.pop("ignored", {})
    found, _ = rules_of(watched(*entries, **more), ["web"], ignored)
    return found


def watched(*entries: dict[str, Any], **more: Any) -> App:
    return app({"web": {"develop": {"watch": list(entries)}, **more}})


def work(rule: list[Rule], *paths: str) -> Work:
    (found,) = work_of(rule, paths)
    return found


def test_a_file_goes_where_its_folder_goes() -> None:
    found = work(rules(SYNC), "/src/a/b.py", "/src/c.py")
    assert found.files == {"/app/a/b.py": "/src/a/b.py", "/app/c.py": "/src/c.py"}
    assert not (found.restart or found.rebuild or found.runs)


def test_one_file_goes_to_its_target() -> None:
    rule = {"path": "/conf/nginx.conf", "action": "sync+restart", "target": "/etc/nginx.conf"}
    found = work(rules(rule), "/conf/nginx.conf")
    assert found.files == {"/etc/nginx.conf": "/conf/nginx.conf"}
    assert found.restart
    assert not work_of(rules(rule), ["/conf/other.conf", "/conf"])


@pytest.mark.parametrize(
    ("more", "path", "counts"),
    [
        ({}, "/src/a.py", True),
        ({}, "/srcs/a.py", False),
        ({"ignore": ["*.pyc"]}, "/src/a.pyc", False),
        ({"ignore": ["*.pyc"]}, "/src/deep/a.pyc", True),
        ({"ignore": ["**/*.pyc"]}, "/src/deep/a.pyc", False),
        ({"ignore": ["node_modules/"]}, "/src/node_modules/x/y.js", False),
        ({"ignore": "tmp"}, "/src/tmp/x", False),
        ({"ignore": ["*.md", "!README.md"]}, "/src/README.md", True),
        ({"include": ["*.py"]}, "/src/a.py", True),
        ({"include": ["*.py"]}, "/src/a.js", False),
        ({"include": ["*.py"], "ignore": ["test_*"]}, "/src/test_a.py", False),
        ({}, "/src/.git/index", False),
        ({}, "/src/a.py~", False),
        ({}, "/src/deep/.a.py.swp", False),
        ({}, "/src/4913", False),
    ],
)
def test_which_files_count(more: dict[str, Any], path: str, counts: bool) -> None:
    assert bool(work_of(rules({**SYNC, **more}), [path])) is counts


def test_what_the_build_leaves_out_is_passed_over() -> None:
    found = rules(SYNC, build={"context": "/src"}, ignored={"/src": ["secret", "*.log"]})
    assert not work_of(found, ["/src/secret/key", "/src/a.log"])
    assert work_of(found, ["/src/a.py"])


def test_every_rule_that_is_concerned_is_followed_once() -> None:
    reload = {"path": "/src", "action": "sync+exec", "target": "/x", "exec": {"command": ["r"]}}
    found = work(
        rules(SYNC, reload, reload, {"path": "/src/a.py", "action": "restart"}),
        "/src/a.py",
        "/src/b.py",
    )
    assert set(map(posixpath.dirname, found.files)) == {"/app", "/x"}
    assert (found.runs, found.restart) == ([{"command": ["r"]}], True)
    assert work(rules({"path": "/src", "action": "rebuild"}), "/src/a").rebuild


def test_what_is_mounted_as_it_is_needs_no_bringing() -> None:
    mounted = [{"type": "bind", "source": "/src", "target": "/app"}]
    found, warnings = rules_of(watched(SYNC, volumes=mounted), ["web"], {})
    assert found == []
    assert warnings == ["/src is mounted into web as it is, so it isn't watched for that"]


def test_services_that_were_not_named_are_not_watched() -> None:
    two = app({"web": {"develop": {"watch": [SYNC]}}, "db": {"develop": {"watch": [SYNC]}}})
    found, _ = rules_of(two, ["db"], {})
    assert [(rule.service, rule.action) for rule in found] == [("db", Action.SYNC)]
