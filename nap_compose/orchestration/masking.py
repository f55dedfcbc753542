"""Values of an app's environment in what engines say: masked before anybody keeps it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from nap_compose.compose.model import App

STARS = "***"

TELLING = 8
"""Characters from which on a value is masked wherever it stands. Shorter ones, such as `true` or
`8080`, are words that errors need; they are masked after their key."""


def masker(app: App | None) -> Callable[[str], str]:
    """What takes the app's environment values and build arguments out of a text."""
    pairs = set(_pairs(app)) if app else set()
    secret = set(_secrets(app)) if app else set()
    named = sorted({f"{key}={value}" for key, value in pairs if value}, key=len, reverse=True)
    telling = {value for _, value in pairs if len(value) >= TELLING}
    alone = sorted(telling | secret, key=len, reverse=True)

    def mask(text: str) -> str:
        for pair in named:
            text = text.replace(pair, f"{pair.partition('=')[0]}={STARS}")
        for value in alone:
            text = text.replace(value, STARS)
        return text

    return mask


def _secrets(app: App) -> Iterator[str]:
    """The values that the file calls secret: those are masked however short they are."""
    for name, service in app.services.items():
        values = service.spec.get("environment") or {}
        yield from (str(values[key]) for key in app.secret_env(name) if values.get(key))


def _pairs(app: App) -> Iterator[tuple[str, str]]:
    for service in app.services.values():
        build = service.spec.get("build")
        given = [service.spec.get("environment")]
        given += [build.get("args")] if isinstance(build, Mapping) else []
        for values in given:
            for key, value in (values or {}).items():
                yield str(key), "" if value is None else str(value)
