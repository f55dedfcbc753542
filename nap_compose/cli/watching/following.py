"""Following changed files: they are brought to each replica, and what the file says is done."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nap_compose.cli.session import Session
from nap_compose.cli.watching.files import Changes, files_at
from nap_compose.compose.watching import Action, Rule, Work, context_of, rules_of, work_of
from nap_compose.errors import BadFile, NapError
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Control, FromPerson, Resized, Target
    from nap_compose.compose.loader import Loaded
    from nap_compose.orchestration.events import Event


class _Never:
    """Ctrl-C ends the watching, not what it has begun."""

    level = 0


class Watching:
    """Watches the files of services of a file's app, as `develop.watch` says.

    Raises NapError where there is nothing to watch, BadFile where what is to be rebuilt can't be.
    """

    def __init__(
        self, session: Session, found: Loaded, services: Sequence[str], *, quiet: bool = False
    ) -> None:
        app = found.app
        self._session = session
        self._found = found
        self._app = app
        self._quiet = quiet
        contexts = {context_of(app.services[name].spec) for name in services} - {""}
        ignored = {folder: patterns for folder in contexts if (patterns := _dockerignore(folder))}
        try:
            self._rules, warnings = rules_of(app, services, ignored)
        except BadFile as error:
            raise found.placed(error) from None
        for rule in self._rules:
            if rule.action is Action.REBUILD and not app.services[rule.service].spec.get("build"):
                raise found.placed(
                    BadFile(
                        f"{rule.service} is to be rebuilt at a change, and has no `build`",
                        path=("services", rule.service, "develop", "watch"),
                    )
                )
        for warning in warnings:
            session.terminal.warn(warning)
        there = {rule.path for rule in self._rules if os.path.lexists(rule.path)}
        for path in sorted({rule.path for rule in self._rules} - there):
            session.terminal.warn(f"{path} isn't there, so it isn't watched")
        self._rules = [rule for rule in self._rules if rule.path in there]
        if not self._rules:
            raise NapError(
                f"nothing of {app.name} is to be watched",
                hint="`develop: {watch: [{path: ./src, action: sync, target: /app}]}` in a service",
            )

    def run(self, control: Control, over: Callable[[], bool] = lambda: False) -> None:
        """Bring over what is to be there from the start, then follow each change until it is
        `over`. What fails costs a warning."""
        with Changes((rule.path for rule in self._rules), self._session.terminal.warn) as changes:
            begin = [rule for rule in self._rules if rule.initial and rule.action.syncs]
            for rule in begin:
                self._do(control, work_of([_only_sync(rule)], files_at(rule.path)))
            paths = len({rule.path for rule in self._rules})
            many = "1 path is" if paths == 1 else f"{paths} paths are"
            self._tell(f"{many} watched for {plain(self._app.name)}; Ctrl-C ends that")
            for changed in changes.batches(over):
                self._do(control, work_of(self._rules, changed))

    def _do(self, control: Control, works: Iterable[Work]) -> None:
        for work in works:
            try:
                self._carry_out(control, work)
            except NapError as error:
                self._session.terminal.warn(f"{work.service} was not brought up to date: {error}")

    def _carry_out(self, control: Control, work: Work) -> None:
        from nap_compose.border import Target

        service = Target(self._app.name, service=work.service)
        if work.rebuild:  # then the new image has what changed
            self._rebuild(control, work.service)
            return
        if work.files:
            self._sync(control, work, control.replicas(service))
        for run in work.runs:
            for target in control.replicas(service):
                self._execute(control, target, run)
        if work.restart:
            self._restart(control, service)

    def _sync(self, control: Control, work: Work, targets: Sequence[Target]) -> None:
        """Bring what is there over, and take away what isn't any more."""
        kept = {inside: path for inside, path in work.files.items() if os.path.lexists(path)}
        gone = sorted(set(work.files) - set(kept))
        for target in targets:
            if gone:
                self._execute(control, target, {"command": ["rm", "-rf", "--", *gone]})
            if kept:
                control.store(target, "/", self._packed(kept), copy_owner=True)
        parts = [f"{len(kept)} brought over" if kept else "", f"{len(gone)} gone" if gone else ""]
        what = ", ".join(filter(None, parts))
        many = "1 replica" if len(targets) == 1 else f"{len(targets)} replicas"
        self._tell(f"{work.service}: {what}, on {many}")

    def _packed(self, files: dict[str, str]) -> Iterator[bytes]:
        from nap_compose.cli.archives.pack import pack_each

        entries = ((Path(path), inside.lstrip("/")) for inside, path in files.items())
        return pack_each(entries, self._session.terminal.warn)

    def _execute(self, control: Control, target: Target, hook: Any) -> None:
        """Run a command in a replica; raises NapError where it fails."""
        from nap_compose.border import ExecRequest

        command = hook.get("command") or ()
        variables = hook.get("environment") or {}
        request = ExecRequest(
            target=target,
            command=tuple(shlex.split(command) if isinstance(command, str) else command),
            stdin=False,
            environment=tuple(
                key if value is None else f"{key}={value}" for key, value in variables.items()
            ),
            user=str(hook.get("user") or ""),
            workdir=str(hook.get("working_dir") or ""),
            privileged=bool(hook.get("privileged")),
        )
        ended = control.execute(request, _Shown(self._session))
        if ended.code:
            raise NapError(f"`{request.command[0]}` in {ended.subject} ended with {ended.code}")

    def _restart(self, control: Control, service: Target) -> None:
        from nap_compose.border import ActRequest
        from nap_compose.orchestration.plan import Verb

        request = ActRequest(
            verb=Verb.RESTART,
            app=self._app.name,
            targets=(service,),
            known_services=tuple(self._app.services),
        )
        outcome = control.act(request, lambda _: None, _Never())
        if outcome.error:
            raise NapError(outcome.error)
        self._tell(f"{service.service}: restarted")

    def _rebuild(self, control: Control, service: str) -> None:
        """Build the image anew and bring up the service with it, and nothing that it needs."""
        from nap_compose.border import UpRequest
        from nap_compose.cli.beside import look_beside
        from nap_compose.cli.building import contexts_of

        self._tell(f"{service}: rebuilding")
        beside = look_beside(self._session, self._found, control)
        request = UpRequest(
            app=beside.app,
            services=(service,),
            no_deps=True,
            build="always",
            contexts=contexts_of(beside.app),
            supply=beside.supply,
            wait=bool(control.site().cluster),
        )
        outcome = control.up(request, self._on_event, _Never())
        if outcome.error:
            raise NapError(outcome.error)
        if outcome.state not in ("done", "unchanged"):
            raise NapError(f"it ended as {outcome.state}", hint="run nap up to see why")
        self._tell(f"{service}: rebuilt" if outcome.state == "done" else f"{service}: as it was")

    def _on_event(self, event: Event) -> None:
        if event.error:
            self._session.terminal.warn(f"{event.subject}: {event.error}")

    def _tell(self, text: str) -> None:
        if not self._quiet:
            self._session.terminal.tell(f"nap: {text}")


class _Shown:
    """A console that nobody types on; what is printed goes where progress goes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def open(self, *, tty: bool) -> Resized | None:  # noqa: ARG002
        """There is no terminal."""
        return None

    def heard(self) -> Iterator[FromPerson]:
        """Nothing."""
        return iter(())

    def show(self, source: str, data: bytes) -> None:  # noqa: ARG002
        """Line by line, with what could harm a terminal shown as text."""
        for line in data.decode(errors="replace").splitlines():
            self._session.terminal.tell(plain(line))

    def close(self) -> None:
        """Nothing is open."""


def _only_sync(rule: Rule) -> Rule:
    """At the start files are brought over, and nothing else is done."""
    return replace(rule, action=Action.SYNC)


def _dockerignore(folder: str) -> list[str]:
    """What a build's folder leaves out."""
    from nap_compose.compose.dockerignore import read_patterns

    try:
        text = (Path(folder) / ".dockerignore").read_text(errors="replace")
        return read_patterns(text)
    except (OSError, ValueError):
        return []
