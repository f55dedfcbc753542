"""Two models of an app, field by field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nap_compose.compose.model import App
from nap_compose.orchestration.differences import Difference, differences
from nap_compose.orchestration.masking import STARS, masker
from tests.support.views import app


def told(before: dict[str, Any] | None, after: dict[str, Any], **top: Any) -> list[Any]:
    old = None if before is None else app({"web": before}, **top.pop("was", {}))
    return [
        (found.subject, found.field, found.before, found.after)
        for found in differences(old, app({"web": after}, **top))
    ]


def test_what_lies_beside_the_file_shows_by_its_digest() -> None:
    def with_content(**digests: str) -> App:
        content = {
            "bind:/p/app.conf": {"kind": "content", "digest": digests["file"] * 64},
            "secret:pw": {"kind": "content", "digest": digests["secret"] * 64},
            "bind:/p/data": {"kind": "data"},
        }
        return replace(app({"web": {}}), content=content)

    before, after = with_content(file="a", secret="b"), with_content(file="c", secret="d")
    assert differences(before, before) == []
    assert differences(before, after) == [
        Difference("file /p/app.conf", "content", "a" * 12, "c" * 12),
        Difference("secret pw", "content", STARS, STARS),
    ]


def test_equal_models_have_none() -> None:
    assert told({"command": ["a"]}, {"command": ["a"]}) == []


def test_a_first_model_is_new_altogether() -> None:
    assert told(None, {}) == [("web", "", None, ""), ("network default", "", None, "")]


def test_a_field_changes_comes_and_goes() -> None:
    found = told({"image": "web:1", "user": "7"}, {"image": "web:2", "read_only": True})
    assert found == [
        ("web", "image", "web:1", "web:2"),
        ("web", "user", "7", None),
        ("web", "read_only", None, "true"),
    ]


def test_what_stands_deep_is_named_by_its_path() -> None:
    limits = [{"deploy": {"resources": {"limits": {"cpus": cpus}}}} for cpus in ("0.5", "2")]
    assert told(*limits) == [("web", "deploy.resources.limits.cpus", "0.5", "2")]


def test_services_and_networks_come_and_go() -> None:
    before = app({"web": {}, "old": {}}, volumes={"data": {}})
    found = differences(before, app({"web": {}, "new": {}}))
    assert found == [
        Difference("new", "", None, ""),
        Difference("old", "", "", None),
        Difference("volume data", "", "", None),
    ]


def test_entries_of_a_list_are_told_apart_by_what_names_them() -> None:
    def mounts(*sources: str) -> dict[str, Any]:
        return {"volumes": [{"type": "bind", "source": s, "target": f"/{s[1:]}"} for s in sources]}

    found = told(mounts("/a", "/b"), mounts("/b", "/c"))
    assert [(field, before is None, after is None) for _, field, before, after in found] == [
        ("volumes./a", False, True),
        ("volumes./c", True, False),
    ]


def test_words_of_a_list_come_and_go_but_a_command_is_one_value() -> None:
    assert told({"cap_add": ["A", "B"]}, {"cap_add": ["B", "C"]}) == [
        ("web", "cap_add.A", "A", None),
        ("web", "cap_add.C", None, "C"),
    ]
    assert told({"command": ["a", "b"]}, {"command": ["b", "a"]}) == [
        ("web", "command", '["a", "b"]', '["b", "a"]')
    ]


def test_values_of_the_environment_never_show() -> None:
    found = told(
        {"environment": {"PASSWORD": "one-secret", "GONE": "x", "EMPTY": None}},
        {"environment": {"PASSWORD": "two-secret", "NEW": "y", "EMPTY": ""}},
    )
    assert found == [
        ("web", "environment.PASSWORD", "***", "***"),
        ("web", "environment.GONE", "***", None),
        ("web", "environment.EMPTY", "", "***"),
        ("web", "environment.NEW", None, "***"),
    ]
    assert told({}, {"environment": {"A": "secret"}}) == [
        ("web", "environment", None, '{"A": "***"}')
    ]


def test_nor_do_contents_arguments_and_passwords_in_urls() -> None:
    secrets = {
        "secrets": {"key": {"content": "two"}},
        "was": {"secrets": {"key": {"content": "1"}}},
    }
    assert told({}, {}, **secrets) == [("secret key", "content", "***", "***")]
    build = [{"build": {"context": ".", "args": {"TOKEN": value}}} for value in ("a", "b")]
    assert told(*build) == [("web", "build.args.TOKEN", "***", "***")]
    labels = [{"labels": {"db": f"mysql://me:{word}@db/x"}} for word in ("first", "other")]
    assert told(*labels) == [("web", "labels.db", "mysql://me:***@db/x", "mysql://me:***@db/x")]


def test_the_owner_may_see_them() -> None:
    before, after = (app({"web": {"environment": {"A": value}}}) for value in ("old", "new"))
    (found,) = differences(before, after, show_values=True)
    assert (found.before, found.after) == ("old", "new")


def test_a_text_in_the_file_is_told_once_and_a_file_beside_it_by_its_digest() -> None:
    def shop(text: str, digest: str) -> App:
        document = app({"web": {}}, configs={"page": {"content": text}}).document
        content = {"config:page": {"digest": digest * 12}, "bind:./www": {"digest": digest * 12}}
        return App.of(document, content=content)

    found = differences(shop("one", "a"), shop("two", "b"))
    assert found == [
        Difference("config page", "content", "***", "***"),
        Difference("file ./www", "content", "a" * 12, "b" * 12),
    ]


def test_what_the_file_calls_secret_is_shown_to_nobody() -> None:
    def model(word: str, *, common: bool, **more: str) -> App:
        names = {"secret_env": ["WORD"]}
        web = {"environment": {"WORD": word, "COLOUR": word, **more}}
        top = {"x-nap": names} if common else {}
        return app({"web": web if common else {**web, "x-nap": names}}, **top)

    for common in (True, False):
        before, after = (model(word, common=common) for word in ("old", "new"))
        found = differences(before, after, show_values=True)
        shown = {each.field: (each.before, each.after) for each in found}
        assert shown == {"environment.WORD": ("***", "***"), "environment.COLOUR": ("old", "new")}
        bare = app({"web": {}}, **({"x-nap": {"secret_env": ["WORD"]}} if common else {}))
        (whole,) = [
            each
            for each in differences(bare, after, show_values=True)
            if each.field == "environment"
        ]
        assert whole.after == '{"WORD": "***", "COLOUR": "new"}'


def test_what_the_file_calls_secret_is_masked_however_short() -> None:
    web = {"environment": {"PIN": "4711", "PORT": "8080"}, "x-nap": {"secret_env": ["PIN"]}}
    mask = masker(app({"web": web}))
    assert mask("no such file: /run/4711, port 8080") == "no such file: /run/***, port 8080"
