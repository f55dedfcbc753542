"""Plain data: in all that anybody sees the same as what `dataclasses` makes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import pytest

import nap_compose
from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Mine:
    """With all that ours use."""

    name: str
    count: int = 3
    tags: tuple[str, ...] = ()
    more: dict[str, int] = field(default_factory=dict, compare=False)
    secret: str = field(default="s", repr=False)
    made: list[int] = field(default_factory=list, init=False, compare=False)
    last: int = field(default=0, kw_only=True)
    kind: ClassVar[str] = "thing"

    def __post_init__(self) -> None:
        self.made.append(self.count)

    @cached_property
    def shout(self) -> str:
        return self.name.upper()


@dataclasses.dataclass(frozen=True)
class Theirs:
    """The same."""

    name: str
    count: int = 3
    tags: tuple[str, ...] = ()
    more: dict[str, int] = field(default_factory=dict, compare=False)
    secret: str = field(default="s", repr=False)
    made: list[int] = field(default_factory=list, init=False, compare=False)
    last: int = field(default=0, kw_only=True)
    kind: ClassVar[str] = "thing"

    def __post_init__(self) -> None:
        self.made.append(self.count)


@dataclass(frozen=True)
class Derived(Mine):
    extra: int = 1


@dataclass(frozen=True)
class Own:  # noqa: PLW1641 - it is given one
    """Has its own idea of what is the same."""

    text: str

    def __repr__(self) -> str:
        return "own"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own) and self.text.lower() == other.text.lower()


@dataclass(frozen=True)
class Empty:
    pass


MADE: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}),
    (("a", 4, ("x",), {"k": 1}, "t"), {"last": 9}),
    ((), {"name": "b", "more": {"k": 2}}),
]


@pytest.mark.parametrize(("args", "words"), MADE)
def test_what_is_made_and_shown(args: tuple[Any, ...], words: dict[str, Any]) -> None:
    mine, theirs = Mine(*args, **words), Theirs(*args, **words)
    assert repr(mine) == repr(theirs).replace("Theirs", "Mine")
    assert dataclasses.asdict(mine) == dataclasses.asdict(theirs)
    assert [each.name for each in dataclasses.fields(mine)] == [
        each.name for each in dataclasses.fields(theirs)
    ]


def test_each_has_its_own_default() -> None:
    one, other = Mine("a"), Mine("a")
    one.more["x"] = 1
    assert other.more == {}


@pytest.mark.parametrize(
    "wrong", [lambda of: of(), lambda of: of("a", nothing=1), lambda of: of("a", 1, (), {}, "", 7)]
)
def test_what_is_given_wrongly_is_refused(wrong: Callable[[Any], object]) -> None:
    for of in (Theirs, Mine, Mine):
        with pytest.raises(TypeError):
            wrong(of)


def test_what_is_the_same() -> None:
    assert Mine("a", more={"x": 1}) == Mine("a")
    assert hash(Mine("a", more={"x": 1})) == hash(Mine("a"))
    assert Mine("a") != Mine("a", secret="other")
    assert Mine("a") != Theirs("a")
    assert Mine("a") != Derived("a")
    assert len({Mine("a"), Mine("a"), Mine("b")}) == 2
    assert (Empty(), hash(Empty())) == (Empty(), hash(Empty()))
    assert repr(Empty()) == "Empty()"


def test_own_methods_stay() -> None:
    assert (repr(Own("A")), Own("A")) == ("own", Own("a"))
    assert isinstance(hash(Own("A")), int)


@pytest.mark.parametrize("mine", [Mine("a"), Derived("a")])
def test_nothing_can_be_changed(mine: Mine) -> None:
    for change in (
        lambda: setattr(mine, "name", "b"),
        lambda: setattr(mine, "unknown", "b"),
        lambda: delattr(mine, "count"),
    ):
        with pytest.raises(FrozenInstanceError):
            change()
    assert (mine.name, mine.shout) == ("a", "A")


def test_one_that_derives() -> None:
    made = Derived("a", extra=5, last=2)
    assert (made.extra, made.last, made.made) == (5, 2, [3])
    assert repr(made).startswith("Derived(name='a', count=3")


def test_copies() -> None:
    mine = Mine("a", 4, last=2)
    assert dataclasses.replace(mine, name="b") == Mine("b", 4, last=2)
    assert pickle.loads(pickle.dumps(mine)) == mine
    assert copy.deepcopy(mine) == mine
    match mine:
        case Mine(name, count):
            assert (name, count) == ("a", 4)
        case _:
            pytest.fail("doesn't match")


@dataclass(frozen=True, order=True)
class Ordered:
    name: str
    number: int = 0


@dataclass
class Loose:
    name: str
    found: list[int] = field(default_factory=list)


def test_what_has_an_order() -> None:
    assert sorted([Ordered("b"), Ordered("a", 2), Ordered("a", 1)])[0] == Ordered("a", 1)
    assert Ordered("a") <= Ordered("a")
    assert not Ordered("a") > Ordered("a")
    with pytest.raises(TypeError):
        assert Ordered("a") < Mine("a")  # type: ignore[operator]


def test_what_may_be_changed() -> None:
    loose = Loose("a")
    loose.name = "b"
    loose.found.append(1)
    assert (loose, Loose("b").found) == (Loose("b", [1]), [])
    with pytest.raises(TypeError):
        hash(loose)


def test_a_class_is_left_as_it_is_until_one_is_made_or_its_fields_are_asked_for() -> None:
    def declared() -> Any:
        @dataclass(frozen=True)
        class Late:
            name: str
            more: list[int] = field(default_factory=list)

        return Late

    def is_whole(cls: Any) -> bool:
        return isinstance(vars(cls)["__dataclass_fields__"], dict)

    for use in (
        lambda cls: cls("a"),
        dataclasses.fields,
        dataclasses.is_dataclass,
        lambda cls: dataclasses.make_dataclass("Under", [], bases=(cls,), frozen=False),
    ):
        late = declared()
        assert not is_whole(late)
        use(late)
        assert is_whole(late)
        assert late("a") == late("a")


def test_many_threads_make_the_first_one() -> None:
    for _ in range(20):

        @dataclass(frozen=True)
        class Late:
            name: str
            more: tuple[int, ...] = (1,)

        begin = threading.Barrier(8)

        def made(begin: threading.Barrier = begin, of: Any = Late) -> Any:
            begin.wait()
            return of("a")

        with ThreadPoolExecutor(8) as pool:
            every = [made.result() for made in [pool.submit(made) for _ in range(8)]]
        assert set(every) == {Late("a")}


def test_all_of_naps_data_is_plain() -> None:
    """One that isn't would cost each command that imports it, and none of ours may derive of it."""
    package = Path(nap_compose.__file__).parent
    others = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"^from dataclasses import .*\bdataclass\b", path.read_text(), re.MULTILINE)
    ]
    assert others == []
