"""Words that name an app, a service or a replica that isn't there: what is said, and the code."""

from pathlib import Path
from typing import Any

import pytest

from nap_compose.border import AppRow
from nap_compose.cli.targets import Aim, Slot, aim
from nap_compose.exits import Exit
from tests.unit.cli.scripted import Result, Scripted, nap, row

ROWS = [row("web", 1), row("web", 2), row("db", 1), row("api", app="blog")]
APPS = [AppRow("", "shop", 2, 3, 3, 1), AppRow("", "blog", 1, 1, 1, 1)]

looks = pytest.mark.parametrize(
    "words", [("ps",), ("top",), ("images",), ("volumes",), ("stats", "--no-stream")]
)


def asked(*words: str, **scripted: Any) -> Result:
    control = Scripted(rows=ROWS, app_rows=APPS, recorded=["shop", "blog", "old"], **scripted)
    return nap(*words, control=control)


@looks
@pytest.mark.parametrize(
    ("app", "hint"),
    [
        ("shp", "did you mean 'shop'?"),
        ("web", "'web' is a service of shop: write shop/web"),
        ("nosuch", "there are: blog, shop"),
    ],
)
def test_an_app_that_is_not_there(empty: Path, words: tuple[str, ...], app: str, hint: str) -> None:
    result = asked(*words, app)
    assert (result.code, result.out) == (Exit.WRONG_USE, "")
    assert result.err == f"nap: there is no app {app}\n     {hint}\n"
    assert asked(*words, app, "web").err == result.err


def test_nor_is_one_watched_that_is_not_there(empty: Path) -> None:
    result = asked("stats", "nosuch")
    assert (result.code, result.out) == (Exit.WRONG_USE, "")
    assert result.err == "nap: there is no app nosuch\n     there are: blog, shop\n"


@looks
def test_an_app_of_which_nothing_is_left_is_an_empty_table(
    empty: Path, words: tuple[str, ...]
) -> None:
    for more in (("old",), ("-p", "nosuch")):  # a name that is given is one that may come
        result = asked(*words, *more)
        assert (result.code, result.err, len(result.out.splitlines())) == (0, "", 1)


@looks
def test_one_s_own_file_gives_no_app_of_others(shop: Path, words: tuple[str, ...]) -> None:
    apps = [AppRow("ada", "shop", 2, 3, 3, 1)]
    control = Scripted(owner="ada", app_rows=apps, recorded=["ada/shop"])
    result = nap(*words, "bob/shop/", control=control)
    assert (result.code, result.out) == (Exit.WRONG_USE, "")
    assert result.err.startswith("nap: there is no app bob/shop\n")


@looks
def test_what_was_not_seen_may_be_there(empty: Path, words: tuple[str, ...]) -> None:
    result = asked(*words, "nosuch", warnings=("host h1 was not seen",))
    assert result.code == Exit.PARTIAL
    assert result.err == "nap: warning: host h1 was not seen\n"


def test_a_service_that_is_not_there_is_told_with_those_that_are(empty: Path) -> None:
    for words in (("shop", "nosuch"), ("shop/nosuch",), ("shop", "web", "nosuch")):
        result = asked("ps", *words)
        assert (result.code, result.out) == (Exit.WRONG_USE, "")
        assert result.err == (
            "nap: there is no service 'nosuch' in the app shop\n     it has: db, web\n"
        )


@pytest.mark.parametrize(
    "words",
    [
        ("ps", "web.9"),
        ("ps", "web.1", "web.9"),
        ("ps", "db", "web.9"),
        ("logs", "web.1", "web.9"),  # of a single one the other side tells
        ("logs", "db", "web.9"),
    ],
)
def test_a_replica_that_is_not_there_is_told_with_those_that_are(
    shop: Path, words: tuple[str, ...]
) -> None:
    result = asked(*words)
    assert (result.code, result.out) == (Exit.WRONG_USE, "")
    assert result.err == "nap: there is no replica shop/web.9\n     web has 1, 2\n"


def test_lines_may_be_kept_of_a_replica_that_is_gone(shop: Path) -> None:
    result = asked("logs", "web.9", "web.1", seen={"kept_services": ["web"]})
    assert (result.code, result.err) == (0, "")


def test_a_replica_of_a_service_of_the_file_that_has_none(shop: Path) -> None:
    assert asked("ps", "debug").code == 0
    result = asked("ps", "debug.1")
    assert result.err == "nap: there is no replica shop/debug.1\n     debug has no replica\n"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("shop/web", Aim("shop", "carol", (Slot("web"),))),
        ("old/web", Aim("old", "carol", (Slot("web"),))),
        ("bob/wiki", Aim("wiki", "bob")),
        ("bob/gone", Aim("gone", "bob")),
        ("dave/secret", Aim("secret", "dave")),
        ("shpo/web", Aim("shpo", "carol", (Slot("web"),))),
    ],
)
def test_two_words_are_an_owner_and_an_app_where_no_app_of_ones_own_is_near(
    word: str, meant: Aim
) -> None:
    """Also of an app that is gone, or not for the caller's eyes: so that is what is refused."""
    apps = [
        AppRow("carol", "shop", 1, 1, 1, 1),
        AppRow("carol", "old", 1, 0, 0, 1, standing="down"),
        AppRow("bob", "wiki", 1, 1, 1, 1),
        AppRow("bob", "gone", 1, 0, 0, 1, standing="down"),
    ]
    control: Any = Scripted(owner="carol", app_rows=apps)
    assert aim([word], None, control) == meant


def test_what_was_not_seen_may_be_ones_own() -> None:
    control: Any = Scripted(owner="carol", warnings=("host h1 was not seen",))
    assert aim(["dave/web"], None, control) == Aim("dave", "carol", (Slot("web"),))
