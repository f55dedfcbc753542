"""The corpus leaves out no key, and each of its files is one that a person can find again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nap_compose.compose.keys import TOP
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table
from nap_compose.compose.yamlfile import documents
from tests.peer.cases import read

NEWER = {
    "services.*.pre_start": "Compose has it since 5.0",
    "services.*.build.no_cache_filter": "Compose has it since 5.0",
    "x-nap": "nap's own",
    "services.*.x-nap": "nap's own",
}
"""Keys that the peer doesn't know."""


def written(value: Any, shape: Shape, at: str = "") -> Iterator[str]:
    """The keys of the table that `value` has, as dotted paths with `*` for names."""
    if isinstance(shape, Either):
        kinds = (shape.by_kind.get(type(value)), *shape.shapes)
        for kind in dict.fromkeys(kind for kind in kinds if kind):
            yield from written(value, kind, at)
    elif isinstance(shape, Items) and isinstance(value, list):
        for entry in value:
            yield from written(entry, shape.item, at)
    elif isinstance(shape, Table) and isinstance(value, dict):
        for entry in value.values():
            yield from written(entry, shape.entry, f"{at}.*")
    elif isinstance(shape, Object) and isinstance(value, dict):
        for key, entry in value.items():
            if key in shape.entries:
                path = f"{at}.{key}".lstrip(".")
                yield path
                yield from written(entry, shape.entries[key].shape, path)


def every(shape: Shape, at: str = "") -> Iterator[str]:
    """The keys that the table has below `shape`."""
    if isinstance(shape, Either):
        for kind in shape.shapes:
            yield from every(kind, at)
    elif isinstance(shape, Items):
        yield from every(shape.item, at)
    elif isinstance(shape, Table):
        yield from every(shape.entry, f"{at}.*")
    elif isinstance(shape, Object):
        for key, entry in shape.entries.items():
            path = f"{at}.{key}".lstrip(".")
            if path not in NEWER:
                yield path
                yield from every(entry.shape, path)


def test_every_key_is_in_an_accepted_case() -> None:
    found = {
        key
        for case in read("accepted")
        for name, text in case.files.items()
        if name.endswith((".yaml", ".yml"))
        for document in documents(text.encode(), name)
        for key in written(document.value, TOP)
    }
    assert sorted(set(every(TOP)) - found) == []


@pytest.mark.parametrize("kind", ["accepted", "rejected"])
def test_cases_differ(kind: str) -> None:
    """No case is another one under a second name."""
    seen: dict[Any, str] = {}
    for case in read(kind):
        call = (tuple(sorted(case.files.items())), case.args, case.services, str(case.env))
        assert call not in seen, f"{case.name} is {seen[call]}"
        seen[call] = case.name


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    """As many cases as the comparison was promised for."""
    assert len(read("accepted")) >= 420
    assert len(read("rejected")) >= 130


def test_a_dozen_stacks_are_as_large_as_real_ones() -> None:
    sizes = []
    for case in read("accepted"):
        if case.name.startswith("stacks/"):
            services: set[str] = set()
            for name, text in case.files.items():
                if name.endswith(".yaml"):
                    for document in documents(text.encode(), name):
                        services.update(document.value.get("services") or {})
            sizes.append(len(services))
    assert len([size for size in sizes if size >= 5]) >= 12
    assert max(sizes) >= 40
