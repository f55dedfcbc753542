"""Classes of modules that are loaded when somebody needs them, and take long to load.

Nobody has raised or made anything of a module that nobody has loaded: so whoever asks whether
something is of such a kind needn't load it to know.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    import ssl

    Kinds = tuple[type[BaseException], ...]


def of_ssl(*names: str) -> Kinds:
    """These faults of TLS, for `except` and `isinstance`."""
    return _of("ssl", names)


def of_http_client(*names: str) -> Kinds:
    """These faults of the standard library's HTTP client, which docker-py has below it."""
    return _of("http.client", names)


def not_yet() -> Kinds:
    """What a socket that waits for nothing raises where there is nothing to read, or no room to
    write to."""
    return (BlockingIOError, *of_ssl("SSLWantReadError", "SSLWantWriteError"))


def is_tls(sock: object) -> TypeGuard[ssl.SSLSocket]:
    """Whether a socket has TLS over it."""
    return isinstance(sock, _of("ssl", ("SSLSocket",)))


def _of(module: str, names: tuple[str, ...]) -> Kinds:
    # Another thread may just be loading it: what isn't there yet nobody has raised either.
    there = vars(sys.modules[module]) if module in sys.modules else {}
    return tuple(there[name] for name in names if name in there)
