"""`develop.watch`: what is to be done when files beside the Compose file change. Pure."""

from __future__ import annotations

import os.path
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from enum import Enum
from typing import Any

from nap_compose.compose.dockerignore import Ignore, read_patterns
from nap_compose.compose.model import App
from nap_compose.errors import BadFile
from nap_compose.plaindata import dataclass

PASSED_OVER = Ignore(
    read_patterns("""
**/.git
**/*~
**/.*.sw?
**/.#*
**/#*#
**/4913
**/___jb_*___*
**/.goutputstream-*
""")
)
"""Git's own files, and those that editors leave for a moment; the builders pass over them, too."""


class Action(str, Enum):
    """What a rule does with a change."""

    REBUILD = "rebuild"
    RESTART = "restart"
    SYNC = "sync"
    SYNC_RESTART = "sync+restart"
    SYNC_EXEC = "sync+exec"

    @property
    def syncs(self) -> bool:
        """Whether what changed is brought over."""
        return self.value.startswith("sync")


@dataclass(frozen=True)
class Rule:
    """One entry of `develop.watch`. `path` is absolute, `run` the hook of `sync+exec`; `context` is
    the build's folder, with what its `.dockerignore` leaves out."""

    service: str
    path: str
    action: Action
    target: str = ""
    run: Mapping[str, Any] = field(default_factory=dict)
    initial: bool = False
    ignore: Ignore = field(default_factory=lambda: Ignore(()))
    include: Ignore | None = None
    context: tuple[str, Ignore] | None = None

    def concerns(self, path: str) -> bool:
        """Whether a change of `path` (absolute) is one that the rule is about."""
        below = _below(self.path, path)
        if below is None or PASSED_OVER.leaves_out(below or posixpath.basename(path)):
            return False
        if self.context is not None:
            beside = _below(self.context[0], path)
            if beside and self.context[1].leaves_out(beside):
                return False
        if not below:  # the rule is about this very file
            return True
        if self.include is not None and not self.include.leaves_out(below):
            return False
        return not self.ignore.leaves_out(below)

    def inside(self, path: str) -> str:
        """Where in the container the file at `path` belongs."""
        return posixpath.join(self.target, _below(self.path, path) or "").rstrip("/")


@dataclass
class Work:
    """What is to be done for one service: files by where they belong in the container, and then.

    `changes` is how many files changed.
    """

    service: str
    files: dict[str, str] = field(default_factory=dict)
    runs: list[Mapping[str, Any]] = field(default_factory=list)
    restart: bool = False
    rebuild: bool = False
    changes: set[str] = field(default_factory=set)


def rules_of(
    app: App, services: Sequence[str], ignored: Mapping[str, Sequence[str]]
) -> tuple[list[Rule], list[str]]:
    """The rules of these services, and warnings; `ignored` gives the patterns of `.dockerignore` by
    the build's folder. Raises BadFile for a pattern that is none."""
    rules, warnings = [], []
    for name in services:
        spec = app.services[name].spec
        folder = context_of(spec)
        context = (folder, Ignore(ignored[folder])) if folder in ignored else None
        for index, entry in enumerate((spec.get("develop") or {}).get("watch") or ()):
            try:
                rule = _rule(name, entry, context)
            except ValueError as error:
                place = ("services", name, "develop", "watch", index)
                raise BadFile(f"a pattern in it is none: {error}", path=place) from None
            if rule.action.syncs and _is_mounted(rule.path, spec):
                warnings.append(
                    f"{rule.path} is mounted into {name} as it is, so it isn't watched for that"
                )
                continue
            rules.append(rule)
    return rules, warnings


def context_of(spec: Mapping[str, Any]) -> str:
    """The folder that a service is built from; empty where there is none."""
    build = spec.get("build")
    context = build.get("context") if isinstance(build, Mapping) else ""
    return context if isinstance(context, str) and context.startswith("/") else ""


def work_of(rules: Iterable[Rule], changed: Iterable[str]) -> list[Work]:
    """What changes of these files (absolute paths) come to, service by service."""
    paths = sorted(set(changed))
    found: dict[str, Work] = {}
    for rule in rules:
        mine = [path for path in paths if rule.concerns(path)]
        if not mine:
            continue
        work = found.setdefault(rule.service, Work(rule.service))
        work.changes.update(mine)
        if rule.action.syncs:
            work.files.update({rule.inside(path): path for path in mine})
        if rule.action is Action.SYNC_EXEC and rule.run not in work.runs:
            work.runs.append(rule.run)
        work.restart |= rule.action in (Action.RESTART, Action.SYNC_RESTART)
        work.rebuild |= rule.action is Action.REBUILD
    return list(found.values())


def _rule(service: str, entry: Mapping[str, Any], context: tuple[str, Ignore] | None) -> Rule:
    include = entry.get("include") or ()
    return Rule(
        service=service,
        path=os.path.normpath(entry["path"]),
        action=Action(entry["action"]),
        target=entry.get("target") or "",
        run=entry.get("exec") or {},
        initial=bool(entry.get("initial_sync")),
        ignore=_patterns(entry.get("ignore") or ()),
        include=_patterns(include) if include else None,
        context=context,
    )


def _patterns(given: str | Sequence[str]) -> Ignore:
    lines = [given] if isinstance(given, str) else given
    return Ignore(read_patterns("\n".join(lines)))


def _is_mounted(path: str, spec: Mapping[str, Any]) -> bool:
    return any(
        mount.get("type") == "bind" and _below(str(mount.get("source")), path) is not None
        for mount in spec.get("volumes") or ()
    )


def _below(folder: str, path: str) -> str | None:
    """The path as seen from the folder, empty for the folder itself; None where it is elsewhere."""
    if path == folder:
        return ""
    head = folder.rstrip("/") + "/"
    return path[len(head) :] if path.startswith(head) else None
