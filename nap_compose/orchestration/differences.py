"""What differs between two models of an app, field by field, for people. Pure.

A value that may be a secret is never in it: environment values, build arguments, the contents of
secrets and configs, and passwords in URLs are stars, unless the app's owner asks to see them. What
the file calls secret (`x-nap.secret_env`) is never shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nap_compose.compose.model import App
from nap_compose.orchestration.masking import STARS
from nap_compose.plaindata import dataclass

KINDS = ("services", "networks", "volumes", "secrets", "configs")

_HIDDEN = (
    ("services", "environment"),
    ("services", "build", "args"),
    ("secrets", "content"),
    ("configs", "content"),
)
"""Kinds with the paths in them under which every value is hidden."""

_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*(?=@)")

_NAMED_BY = ("target", "source", "name", "subnet", "path")
"""What tells one entry of a list from another, the first that it has."""

Path = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """One field: `subject` is a service's name or `network default` and the like, `field` the
    dotted path in it (empty: the whole thing came or went), None on a side that lacks it."""

    subject: str
    field: str
    before: str | None
    after: str | None


def differences(before: App | None, after: App, *, show_values: bool = False) -> list[Difference]:
    """All that `after` changes, in the order of its document; no `before`: all of it is new."""
    old = before.document if before else {}
    found: list[Difference] = []
    for kind in KINDS:
        was, now = old.get(kind) or {}, after.document.get(kind) or {}
        for key in dict.fromkeys((*now, *was)):
            subject = key if kind == "services" else f"{kind.removesuffix('s')} {key}"
            if key not in was or key not in now:
                sides = _present(key in was), _present(key in now)
                found.append(Difference(subject, "", *sides))
                continue
            secret = _secret_env(key, before, after) if kind == "services" else frozenset()
            found += [
                Difference(subject, ".".join(path), *_shown(kind, path, sides, show_values, secret))
                for path, *sides in _changed(was[key] or {}, now[key] or {})
            ]
    told = {(each.subject, each.field) for each in found}
    beside = _contents(before, after)
    return found + [each for each in beside if (each.subject, each.field) not in told]


def _contents(before: App | None, after: App) -> list[Difference]:
    """What lies beside the file and holds something else now, by the start of its digest."""
    found: list[Difference] = []
    for key, now in after.content.items():
        was = before.content.get(key) if before else None
        if was is None or was.get("digest") == now.get("digest"):
            continue  # what came or went shows where it is mounted or granted
        kind, _, name = key.partition(":")
        subject = f"{'file' if kind == 'bind' else kind} {name}"
        sides = [str(each.get("digest") or "")[:12] for each in (was, now)]
        if kind == "secret":
            sides = [STARS, STARS]
        found.append(Difference(subject, "content", *sides))
    return found


def _present(there: bool) -> str | None:
    return "" if there else None


def _changed(was: Any, now: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Each leaf that differs; lists count entry by entry where their entries can be told apart."""
    if was == now:
        return
    was, now = _told_apart(was, now)
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*was, *now)):
            # A key that is there without a value (a variable passed through) isn't one that lacks.
            inner = (*path, str(key))
            yield from _changed(was.get(key, _NOTHING), now.get(key, _NOTHING), inner)
    else:
        yield path, was, now


class _Nothing:
    """Stands for a key that isn't there."""


_NOTHING = _Nothing()


def _told_apart(was: Any, now: Any) -> tuple[Any, Any]:
    """Two lists as mappings by what names their entries; anything else as it is."""
    if not (isinstance(was, list) and isinstance(now, list)):
        return was, now
    for key in _NAMED_BY:
        both = [_by(key, entries) for entries in (was, now)]
        if all(each is not None for each in both):
            return both[0], both[1]
    if _plain_set(was) and _plain_set(now) and sorted(was) != sorted(now):
        return {text: text for text in was}, {text: text for text in now}
    return was, now


def _by(key: str, entries: Sequence[Any]) -> dict[str, Any] | None:
    if not all(isinstance(entry, Mapping) and key in entry for entry in entries):
        return None
    named = {str(entry[key]): entry for entry in entries}
    return named if len(named) == len(entries) else None


def _plain_set(entries: Sequence[Any]) -> bool:
    """Whether the entries are texts, each once, whose order is hardly meant."""
    texts = [entry for entry in entries if isinstance(entry, str)]
    return len(texts) == len(entries) == len(set(texts))


def _secret_env(service: str, *models: App | None) -> frozenset[str]:
    """The keys of a service's environment that one of the models calls secret."""
    known = [each.secret_env(service) for each in models if each and service in each.services]
    return frozenset().union(*known)


def _shown(
    kind: str, path: Path, sides: Sequence[Any], show_values: bool, secret: frozenset[str]
) -> tuple[str | None, str | None]:
    hidden = not show_values and _is_hidden(kind, path)
    if secret and path[:1] == ("environment",):
        hidden = hidden or bool(secret & set(path[1:]))
        sides = [_without(side, secret) for side in sides]
    before, after = (_text(side, hidden, show_values) for side in sides)
    return before, after


def _without(side: Any, secret: frozenset[str]) -> Any:
    """A whole environment with stars for what is secret in it; anything else as it is."""
    if not isinstance(side, Mapping):
        return side
    return {key: STARS if key in secret else value for key, value in side.items()}


def _is_hidden(kind: str, path: Path) -> bool:
    return any(kind == of and path[: len(inner)] == tuple(inner) for of, *inner in _HIDDEN)


def _text(value: Any, hidden: bool, show_values: bool) -> str | None:
    if value is _NOTHING:
        return None
    if value is None:
        return ""
    if hidden and not isinstance(value, Mapping):
        return STARS
    if hidden:
        value = dict.fromkeys(value, STARS)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if show_values else _PASSWORD.sub(rf"\1:{STARS}", text)
