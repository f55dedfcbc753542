"""A plan that was saved, to be run later just as it was shown, or not at all. Pure.

It holds no model and no step: it names the revision that it leads to, what was seen when it was
made, and a digest of its steps. Whoever runs it plans again, and goes on only where that comes to
the same. So a file that was tampered with can make nap do nothing but what it would do anyway.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from nap_compose.cluster.view import View
from nap_compose.errors import BadFile, NapError
from nap_compose.exits import Exit
from nap_compose.orchestration.plan import Change, Plan
from nap_compose.plaindata import dataclass

VERSION = 1
LARGEST = 4 << 20
"""The largest saved plan in bytes that is read."""

_OF_A_RUN = ("fence",)
"""What differs in the steps of two plans that come to the same."""


@dataclass(frozen=True)
class SavedPlan:
    """`revision` and its `digest` say which model it leads to; `options` how it was asked for, as
    in an UpRequest; `seen` what was there: the app's containers and the hosts, each with its
    state; `steps` is the digest of its steps; `lines` what it changes, for people."""

    cluster: str
    owner: str
    app: str
    revision: int
    digest: str
    options: Mapping[str, Any]
    seen: Mapping[str, str]
    steps: str
    lines: tuple[str, ...] = field(default=(), compare=False)
    v: int = VERSION

    def as_json(self) -> str:
        """As it is written into a file."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


class StalePlan(NapError):
    """The saved plan no longer fits the world."""

    exit_code = Exit.STALE_PLAN


def read_saved(text: bytes, file: str) -> SavedPlan:
    """The plan in a file; raises BadFile where there is none in it."""
    try:
        found = json.loads(text)
        if found["v"] != VERSION:
            raise BadFile(
                f"{file} was written by another nap: its version is {found['v']}, not {VERSION}",
                hint="make it again: nap plan -o FILE",
            )
        return SavedPlan(
            cluster=_text(found["cluster"]),
            owner=_text(found["owner"]),
            app=_text(found["app"]),
            revision=int(found["revision"]),
            digest=_text(found["digest"]),
            options=dict(found["options"]),
            seen={_text(key): _text(value) for key, value in dict(found["seen"]).items()},
            steps=_text(found["steps"]),
            lines=tuple(map(_text, found["lines"])),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadFile(
            f"{file} holds no saved plan", hint="make one with: nap plan -o FILE"
        ) from None


def what_was_seen(view: View, owner: str, app: str) -> dict[str, str]:
    """The app's containers and all hosts, each in a few words that change when they do."""
    seen = {f"host {name}": host.state.value for name, host in view.hosts.items()}
    seen.update({f"host {unseen.name}": "not seen" for unseen in view.unseen})
    for container in view.of_app(owner, app):
        identity = container.identity
        config = identity.config_hash[:12] if identity else ""
        key = f"{container.host}/{container.name}"
        seen[key] = f"{container.id[:12]} {config} {container.state}"
    return dict(sorted(seen.items()))


def digest_of_steps(plan: Plan) -> str:
    """SHA-256 in hex: equal for plans that do the same, whichever deployment they are of."""
    steps = [
        {**asdict(step), "args": {k: v for k, v in step.args.items() if k not in _OF_A_RUN}}
        for step in plan.steps
    ]
    import hashlib

    return hashlib.sha256(json.dumps(steps, sort_keys=True).encode()).hexdigest()


def lines_of(plan: Plan) -> tuple[str, ...]:
    """What a plan changes, a line each."""
    return tuple(
        f"{line.change.value} {line.subject} on {line.host}"
        for line in plan.summary
        if line.change is not Change.KEEP
    )


def check_fresh(saved: SavedPlan, view: View, plan: Plan) -> None:
    """Raise StalePlan, with what moved, where `plan` made from `view` isn't the saved one."""
    now = what_was_seen(view, saved.owner, saved.app)
    moved = [
        f"{name}: {saved.seen.get(name, 'not there')} then, {now.get(name, 'not there')} now"
        for name in sorted({*saved.seen, *now})
        if saved.seen.get(name) != now.get(name)
    ]
    if not moved and digest_of_steps(plan) != saved.steps:
        moved = ["other steps are needed now: hosts have other room, images, networks or volumes"]
    if moved:
        told = "".join(f"\n  {line}" for line in moved)
        raise StalePlan(
            f"the saved plan for {saved.app} no longer fits; nothing was done{told}",
            hint="make a new one: nap plan -o FILE",
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
