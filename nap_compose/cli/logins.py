"""The person's own logins at registries, where `docker login` leaves them."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nap_compose.errors import NapError

_HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
HUB_KEY = "https://index.docker.io/v1/"
"""Under which name Docker Hub's login is kept."""

_ASKING = 30
"""Seconds that a credential helper may take."""

Login = Mapping[str, str]


def logins(registries: Iterable[str], env: Mapping[str, str]) -> dict[str, Login]:
    """For each of the `registries` (host names) that there is a login for, as an engine takes it.

    Read from `config.json` in DOCKER_CONFIG or `~/.docker`, and asked of the credential helpers
    that it names. Raises NapError where the file or a helper is broken.
    """
    config = _config(env)
    found = {registry: _login(config, registry, env) for registry in set(registries)}
    return {registry: login for registry, login in found.items() if login}


def _config(env: Mapping[str, str]) -> Mapping[str, Any]:
    home = env.get("DOCKER_CONFIG") or str(Path(env.get("HOME") or Path.home(), ".docker"))
    path = Path(home, "config.json")
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NapError(f"the logins in {path} can't be read: {error}") from None
    return found if isinstance(found, dict) else {}


def _login(config: Mapping[str, Any], registry: str, env: Mapping[str, str]) -> Login:
    key = HUB_KEY if registry in _HUB_NAMES else registry
    helpers = config.get("credHelpers") or {}
    helper = helpers.get(key) or helpers.get(registry) or config.get("credsStore")
    return (helper and _from_helper(helper, key, env)) or _from_file(config, key)


def _from_file(config: Mapping[str, Any], key: str) -> Login:
    """The login kept in the file itself, under the host's name or an URL of the host."""
    kept: Mapping[str, Mapping[str, str]] = config.get("auths") or {}
    entry = kept.get(key) or next((kept[url] for url in kept if _host(url) == _host(key)), {})
    if entry.get("identitytoken"):
        return {"identitytoken": entry["identitytoken"], "serveraddress": key}
    if entry.get("username"):
        return _named(entry["username"], entry.get("password", ""), key)
    try:
        name, colon, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except ValueError:
        raise NapError(f"the login for {key} in Docker's config.json is broken") from None
    return _named(name, password.rstrip("\0"), key) if colon else {}


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0] or url.partition("/")[0]


def _from_helper(helper: str, key: str, env: Mapping[str, str]) -> Login:
    """What `docker-credential-HELPER` keeps; empty where it keeps nothing for that registry."""
    program = f"docker-credential-{helper}"
    try:
        asked = subprocess.run(
            [program, "get"],
            input=key,
            env=dict(env),
            capture_output=True,
            text=True,
            timeout=_ASKING,
            check=False,
        )
        if asked.returncode != 0:
            if "credentials not found" in asked.stdout:
                return {}
            raise NapError(f"{program} gives no login for {key}: {asked.stdout.strip()}")
        kept = json.loads(asked.stdout)
        name, secret = str(kept["Username"]), str(kept["Secret"])
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NapError(f"{program}, which keeps the logins, doesn't answer: {error}") from None
    except (ValueError, KeyError, TypeError):
        raise NapError(f"{program} doesn't answer as a credential helper does") from None
    if name == "<token>":
        return {"identitytoken": secret, "serveraddress": key}
    return _named(name, secret, key)


def _named(name: str, password: str, key: str) -> Login:
    return {"username": name, "password": password, "serveraddress": key}
