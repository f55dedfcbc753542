"""Hooks: what an engine is asked to run in a container after its start, and before its stop."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from nap_compose.compose.model import Service
from nap_compose.orchestration.bodies.values import command, env_list, tidy


def exec_bodies(service: Service, moment: str) -> list[dict[str, Any]]:
    """The bodies of `POST /containers/NAME/exec` for `post_start` or `pre_stop`, in their order."""
    return [_body(hook) for hook in service.spec.get(moment) or ()]


def backup_body(service: Service, moment: str) -> dict[str, Any] | None:
    """The body for what `x-nap.backup` says of `before` or `after`; None where it says nothing."""
    said = ((service.spec.get("x-nap") or {}).get("backup") or {}).get(moment)
    words = shlex.split(said) if isinstance(said, str) else said
    return _body({"command": words}) if words else None


def _body(hook: Mapping[str, Any]) -> dict[str, Any]:
    return tidy(
        {
            "Cmd": command(hook.get("command")),
            "User": hook.get("user"),
            "Privileged": hook.get("privileged"),
            "WorkingDir": hook.get("working_dir"),
            "Env": env_list(hook.get("environment") or {}),
        }
    )
