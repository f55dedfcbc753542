"""What libraries do as they are imported though a short command has no use for it, put off.

click loads what inspects source code, translates and tells platforms apart, `pathlib` what takes
URLs to pieces, and PyYAML compiles what its own parser in Python looks for though libyaml parses:
that was a quarter of what `nap ps` and a third of what `nap config` took. Here it waits until
somebody wants it, and then all is as it would have been.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import threading
from collections.abc import Callable
from importlib.machinery import PathFinder
from types import FunctionType, ModuleType
from typing import Any

_LOCK = threading.RLock()


def modules() -> None:
    """Put off the standard modules that a command hardly ever needs, where they aren't loaded yet.

    For a process that is all nap's: to be called before anything is imported that imports them.
    """
    inspect = _put_off("inspect")
    _say(
        inspect,
        isfunction=lambda thing: isinstance(thing, FunctionType),
        # An option's help is one line.
        cleandoc=lambda text: (
            _real(inspect).cleandoc(text) if "\n" in text else text.expandtabs().lstrip()
        ),
    )
    if os.name == "posix":
        _say(_put_off("platform"), system=lambda: os.uname().sysname)
    # There are no translations, and it looks for them each time that it is asked.
    _say(_put_off("gettext"), gettext=lambda text: text, ngettext=_one_or_more)
    _put_off("ipaddress")
    # click asks what else a short option may mean before it takes it for one.
    near = _put_off("difflib")
    _say(
        near,
        get_close_matches=lambda word, *args, **named: (
            _real(near).get_close_matches(word, *args, **named) if len(word) > 2 else []
        ),
    )
    urls = _put_off("urllib.parse")
    # `pathlib` wants it by name, and calls it for a path's URL alone.
    _say(urls, quote_from_bytes=lambda *args, **named: _real(urls).quote_from_bytes(*args, **named))


def _one_or_more(one: str, more: str, count: int) -> str:
    return one if count == 1 else more


def packages(*names: str) -> None:
    """Put off what a library imports and nap may never ask of it, where it isn't loaded yet. Who
    imports something of theirs by its name loads them; who imports them alone doesn't."""
    for name in names:
        _put_off(name, _LaterPackage)


def package_itself(name: str, **own: str) -> None:
    """Put off what a package imports for those who want all of it, where it isn't loaded yet: who
    imports modules of it by their names loads those alone. `own` is what these take from the
    package, each with the module of it that has it."""
    spec = None if name in sys.modules else PathFinder.find_spec(name)
    if spec is None or spec.submodule_search_locations is None:
        return
    later = _put_off(name, _LaterPackage)
    later.__path__ = list(spec.submodule_search_locations)
    later.__spec__ = spec
    for what, where in own.items():
        setattr(later, what, getattr(importlib.import_module(f"{name}.{where}"), what))


class _Later(ModuleType):
    """Stands for a module until something of it is wanted."""

    def __getattr__(self, name: str) -> Any:
        if name == "__path__":  # asked at each import; only packages have it, and this is none
            raise AttributeError(name)
        return getattr(_real(self), name)


class _LaterPackage(_Later):
    """The same for what may have modules of its own."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_real(self), name)


def _put_off(name: str, kind: type[_Later] = _Later) -> ModuleType:
    """The module, or what stands for it from now on."""
    if name in sys.modules:
        return sys.modules[name]
    above, _, last = name.rpartition(".")
    package = importlib.import_module(above) if above else None
    sys.modules[name] = later = kind(name)
    if package:
        setattr(package, last, later)
    return later


def _say(module: ModuleType, **answers: Callable[..., Any]) -> None:
    """Have what stands for a module know some of its functions itself."""
    if isinstance(module, _Later):
        vars(module).update(answers)


def _real(later: ModuleType) -> ModuleType:
    """The module itself, which takes its place; who holds what stood for it finds all in there."""
    name = later.__name__
    with _LOCK:
        if sys.modules.get(name) is later:
            del sys.modules[name]
        module = importlib.import_module(name)
        vars(later).update(vars(module))
    return module


class _Patterns:
    """`with spared.patterns:` has regular expressions compiled when they are first used: for
    imports of modules that compile more of them than are used."""

    def __init__(self) -> None:
        self._importing = 0

    def __enter__(self) -> None:
        with _LOCK:
            self._importing += 1
            re.compile = _Pattern  # type: ignore[assignment]

    def __exit__(self, *raised: object) -> None:
        with _LOCK:
            self._importing -= 1
            if not self._importing:
                re.compile = _COMPILE


patterns = _Patterns()
_COMPILE = re.compile


class _Pattern:
    """Stands for a compiled regular expression until it is used."""

    def __init__(self, pattern: Any, flags: int = 0) -> None:
        self._asked = pattern, flags
        self._done: re.Pattern[Any] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # of objects in general; a pattern has nothing of that kind
            raise AttributeError(name)
        if self._done is None:
            self._done = _COMPILE(*self._asked)
        found = getattr(self._done, name)
        setattr(self, name, found)  # the next time it is there
        return found
