"""A registry on the control side, for real pulls: Debian's docker-registry, without TLS."""

from __future__ import annotations

import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any

import yaml

from bed import packages, proc
from bed.layout import Bed

NAME = "registry"
_DEBS = ["docker-registry"]


def prepare() -> None:
    packages.unpack(_DEBS)


def start(bed: Bed, *, logins: str = "") -> None:
    """Start it. `logins`: lines `NAME:BCRYPT`, without one of which it answers nobody."""
    folder = bed.directory / NAME
    folder.mkdir(exist_ok=True)
    settings = folder / "config.yml"
    configuration = _settings(bed)
    if logins:
        passwords = folder / "htpasswd"
        passwords.write_text(logins)
        configuration["auth"] = {"htpasswd": {"realm": NAME, "path": str(passwords)}}
    settings.write_text(yaml.safe_dump(configuration))
    program = packages.unpack(_DEBS) / "usr/bin/docker-registry"
    proc.start(bed, NAME, [program, "serve", settings])
    proc.wait_until_ready(bed, NAME, lambda: _answers(bed), 20, "the registry")


def stop(bed: Bed) -> None:
    proc.stop(bed, NAME)


def status(bed: Bed) -> str:
    if proc.pid_of(bed, NAME) is None:
        return f"down; see {proc.log_of(bed, NAME)}"
    return "ready" if _answers(bed) else "doesn't answer"


def section(bed: Bed) -> dict[str, Any]:  # noqa: ARG001 - as every service's
    return {}


def _settings(bed: Bed) -> dict[str, Any]:
    return {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(bed.directory / NAME / "data")},
            "delete": {"enabled": True},
        },
        "http": {"addr": bed.registry},
    }


def _answers(bed: Bed) -> bool:
    try:
        with urllib.request.urlopen(f"http://{bed.registry}/v2/", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code == HTTPStatus.UNAUTHORIZED
    except (urllib.error.URLError, OSError):
        return False
