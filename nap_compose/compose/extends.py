"""`extends`: a service that takes over another's definition, of its own file or another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nap_compose.compose import merge
from nap_compose.compose.faults import Fault, Path
from nap_compose.compose.limits import DEEPEST

Spec = dict[str, Any]


class Book(NamedTuple):
    """The services of one file, canonical, as `extends` sees them.

    `file` names it, `folder` is what its own `extends.file` are relative to, `get` gives a
    service by name (None: there is none), `resets` are the paths it marks `!reset`, `resolved` what
    was found so far.
    """

    file: str
    folder: str
    get: Callable[[str], Spec | None]
    resets: tuple[Path, ...]
    resolved: dict[str, Spec | None]


Open = Callable[[str, str], Book]
"""Opens the file of an `extends`, relative to a folder. Raises BadFile."""


def resolve(name: str, book: Book, open_book: Open) -> Spec | None:
    """The service `name` of `book` with all that it extends merged under it. Raises Fault."""
    return _resolve(name, book, open_book, ())


def _resolve(
    name: str, book: Book, open_book: Open, chain: tuple[tuple[str, str], ...]
) -> Spec | None:
    spec = book.get(name)
    if spec is None or not isinstance(spec, dict) or spec.get("extends") is None:
        return spec
    path: Path = ("services", name, "extends")
    here = (book.file, name)
    if here in chain:
        cycle = chain[chain.index(here) :]
        raise Fault(path, f"these services extend each other: {_way_round(cycle)}")
    if len(chain) >= DEEPEST:
        raise Fault(path, f"more than {DEEPEST} services extend each other")
    wanted, file = _reference(spec["extends"])
    source = open_book(file, book.folder) if file else book
    if wanted not in source.resolved:
        source.resolved[wanted] = _resolve(wanted, source, open_book, (*chain, here))
    base = source.resolved[wanted]
    if base is None:
        where = f" in {source.file}" if file else ""
        raise Fault(path, f'service "{name}" extends "{wanted}", and there is none{where}')
    for reset in book.resets:
        if reset[:2] == ("services", name) and len(reset) > 2:
            base = merge.without(base, reset[2:])
    own = {key: value for key, value in spec.items() if key != "extends"}
    return merge.services(base, own, ("services", name))


def _way_round(cycle: Sequence[tuple[str, str]]) -> str:
    """The whole cycle, told from the same service whichever it was found from."""
    first = cycle.index(min(cycle))
    way = [*cycle[first:], *cycle[:first], cycle[first]]
    one_file = len({file for file, _ in cycle}) == 1
    return " → ".join(name if one_file else f"{name} in {file}" for file, name in way)


def _reference(extends: Any) -> tuple[str, str]:
    if isinstance(extends, str):
        return extends, ""
    return extends.get("service", ""), extends.get("file") or ""
