"""The local engine: where `docker` itself would find it, so that both speak to the same one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nap_compose.cluster.cluster import EMBEDDED, Host, Tls
from nap_compose.errors import BadFile, Place, WrongUse

SOCKET = Path("/var/run/docker.sock")


def local_host(env: Mapping[str, str]) -> Host:
    """The one host of embedded use: `DOCKER_HOST`, else the Docker context, else the socket.

    Raises WrongUse or BadFile where one of them is set but can't be used.
    """
    if env.get("DOCKER_HOST"):
        return _from_variables(env)
    folder = Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME") or Path.home(), ".docker"))
    context = env.get("DOCKER_CONTEXT") or _current_context(folder / "config.json")
    if context and context != "default":
        return _from_context(folder / "contexts", context)
    return Host(EMBEDDED, f"unix://{_socket(env)}")


def _socket(env: Mapping[str, str]) -> Path:
    """The engine's usual socket, or that of the person's own rootless engine where only it is."""
    rootless = Path(env.get("XDG_RUNTIME_DIR") or "/nonexistent", "docker.sock")
    return rootless if not SOCKET.exists() and rootless.exists() else SOCKET


def _from_variables(env: Mapping[str, str]) -> Host:
    tls = None
    if env.get("DOCKER_TLS_VERIFY") or env.get("DOCKER_TLS"):
        certificates = env.get("DOCKER_CERT_PATH") or Path(env.get("HOME") or "~", ".docker")
        tls = _tls_in(Path(certificates).expanduser())
    endpoint = _with_port(env["DOCKER_HOST"], tls)
    return Host(EMBEDDED, endpoint, tls=tls if endpoint.startswith("tcp://") else None)


def _with_port(endpoint: str, tls: Tls | None) -> str:
    scheme, _, rest = endpoint.partition("://")
    if not rest or scheme not in ("tcp", "unix", "ssh"):
        raise WrongUse(
            f"the engine's address '{endpoint}' is of no kind that nap knows",
            hint="write it as unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST",
        )
    bare = rest.rstrip("/")
    if scheme != "tcp" or bare.rpartition(":")[2].isdecimal():
        return f"{scheme}://{bare if scheme == 'tcp' else rest}"
    return f"tcp://{bare}:{2376 if tls else 2375}"


def _current_context(config: Path) -> str:
    """The context that `docker context use` chose; an unreadable file chooses none."""
    try:
        found = json.loads(config.read_bytes())
    except (OSError, ValueError):
        return ""
    return str(found.get("currentContext") or "") if isinstance(found, dict) else ""


def _from_context(contexts: Path, name: str) -> Host:
    import hashlib  # OpenSSL's start-up is only paid where a context is in use

    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = contexts / "meta" / digest / "meta.json"
    try:
        found: Any = json.loads(meta.read_bytes())
        endpoint = str(found["Endpoints"]["docker"]["Host"])
    except FileNotFoundError:
        raise WrongUse(
            f"there is no Docker context '{name}'",
            hint="`docker context ls` lists them; `docker context use default` goes back",
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise BadFile(
            f"the Docker context '{name}' can't be read", place=Place(str(meta))
        ) from None
    material = contexts / "tls" / digest / "docker"
    tls = _tls_in(material) if material.is_dir() else None
    endpoint = _with_port(endpoint, tls)
    return Host(EMBEDDED, endpoint, tls=tls if endpoint.startswith("tcp://") else None)


def _tls_in(folder: Path) -> Tls:
    return Tls(ca=folder / "ca.pem", cert=folder / "cert.pem", key=folder / "key.pem")
