"""`up` in the foreground: what the containers print, until they have ended or Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nap_compose.cli.deploy import exit_code, tell_what_went_wrong, warn_of_the_rest, watched
from nap_compose.cli.interrupt import Interrupt
from nap_compose.cli.output.loglines import Printer
from nap_compose.cli.output.progress import say_at_once
from nap_compose.cli.session import Session
from nap_compose.cli.staying import Stance, Staying
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.plaindata import dataclass
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Control, Ended, LogLine, Outcome
    from nap_compose.cli.watching.following import Watching
    from nap_compose.compose.model import App
    from nap_compose.orchestration.plan import Verb

GRACEFUL = "stopping the app; press Ctrl-C again to kill it"
FORCED = "killing the app"

LAST_LINES = 5.0
"""Seconds in which a stopped app's last lines and ends have to come."""

Write = Callable[[], None]


def _nothing(_text: str) -> None:
    """There is nothing to say."""


@dataclass(frozen=True)
class _Since:
    """Counts Ctrl-C from the one after the first `seen`: the next one ends what goes on at once."""

    interrupt: Interrupt
    seen: int

    @property
    def level(self) -> int:
        return 2 if self.interrupt.level > self.seen else 0


class Foreground:
    """Shows what an app prints from entering on, with a thread of its own, while it is brought up
    and after. Its `cancel` is what the deployment asks about Ctrl-C; `watching` follows changed
    files once all is up."""

    def __init__(
        self,
        session: Session,
        control: Control,
        app: App,
        staying: Staying,
        *,
        services: tuple[str, ...],
        grace: float | None,
        watching: Watching | None = None,
    ) -> None:
        self._session = session
        self._control = control
        self._app = app
        self._staying = staying
        self._services = services
        self._grace = grace
        self._stays = staying.at(control.site()) is Stance.FOREGROUND
        self._shown = staying.shown(app, services)
        self._watching = watching
        self._notice: Callable[[str], None] = say_at_once
        self._aside: Callable[[Write], None] | None = None
        self._printer = Printer(
            session.terminal,
            timestamps=staying.timestamps,
            prefix=staying.prefix,
            as_compose=not control.whoami().owner,
            apart=True,
        )
        self._over = threading.Event()
        self._broken: BaseException | None = None
        self._first: Ended | None = None
        self._from: Ended | None = None
        self.held = True
        sentences = (GRACEFUL, FORCED) if self._stays else ()
        self.cancel = Interrupt(self._say, *sentences)

    def __enter__(self) -> Foreground:
        from nap_compose.border import AttendRequest, Target

        awaited = {*(self._services or self._shown), self._staying.code_from} - {""}
        request = AttendRequest(Target(self._app.name), self._shown, tuple(sorted(awaited)))
        stream = self._control.attend(request, self, self._session.terminal.warn)
        self.cancel.__enter__()
        self._session.terminal.say(f"Attaching to {', '.join(self._names()) or 'nothing'}")
        self._session.terminal.flush()
        threading.Thread(target=self._print, args=(stream,), name="output", daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cancel.__exit__(*exc)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While a person is asked something, Ctrl-C ends nap as it ends any question."""
        self.cancel.__exit__()
        try:
            yield
        finally:
            self.cancel.__enter__()

    def beside(self, notice: Callable[[str], None], aside: Callable[[Write], None] | None) -> None:
        """From now on print by `aside`, which keeps the lines of progress out of the way (None:
        there are none any more), and tell of Ctrl-C by `notice`."""
        self._notice, self._aside = notice, aside

    def stay(self, outcome: Outcome, mode: str) -> int:
        """Go on until no container runs any more, Ctrl-C, or an end that ends the app; gives the
        exit code. `outcome` is what came of the deployment, `mode` how progress is shown."""
        if not self._stays:
            self._notice = _nothing
        if outcome.state not in ("done", "unchanged", "interrupted"):
            self.held = False
            return exit_code(outcome)
        # Who watches files restarts containers, so that the end of all is no end.
        self.held = self._watching is not None and not self.cancel.level
        if self.held:
            threading.Thread(target=self._watch, name="watch", daemon=True).start()
        while not self._over.wait(0.1):
            if self.cancel.level:
                return self._leave(mode)
            if self._staying.aborts and self._first:
                self._tell_in_colour("a container has ended, so the app is stopped")
                self._stop(mode, since=0)
                return self._code()
        if self._broken:
            raise self._broken
        return Exit.INTERRUPTED if self.cancel.level else self._code() or exit_code(outcome)

    def _leave(self, mode: str) -> int:
        """After Ctrl-C."""
        if self._stays:
            self._stop(mode, since=1)
        else:
            app = plain(self._app.name)
            self._session.terminal.tell(f"nap: {app} goes on; nap logs -f {app} shows its output")
        return Exit.INTERRUPTED

    def _stop(self, mode: str, *, since: int) -> None:
        """Stop what was brought up; what Ctrl-C says meanwhile, beyond the first `since`, kills."""
        from nap_compose.orchestration.plan import Verb

        self.held = False
        if self.cancel.level <= since:
            self._act(Verb.STOP, mode, _Since(self.cancel, since))
        if self.cancel.level > since:
            self._act(Verb.KILL, mode, _Since(self.cancel, 1 << 30))
        self._over.wait(LAST_LINES)

    def _act(self, verb: Verb, mode: str, cancel: _Since) -> None:
        from nap_compose.border import ActRequest, Target

        request = ActRequest(
            verb=verb,
            app=self._app.name,
            targets=tuple(Target(self._app.name, service=name) for name in self._services),
            known_services=tuple(self._app.services),
            grace=self._grace,
        )
        outcome, _ = watched(
            self._session,
            self._app.name,
            mode,
            lambda event, _: self._control.act(request, event, cancel),
            beside=self,
        )
        if outcome.state != "interrupted":
            warn_of_the_rest(outcome, self._session.terminal)
            tell_what_went_wrong(outcome, self._session.terminal)

    def _watch(self) -> None:
        """In a thread: follow changed files, by a way to the hosts of its own."""
        if self._watching is None:
            return
        try:
            with self._session.control() as control:
                self._watching.run(control, lambda: self._over.is_set() or not self.held)
        except NapError as error:
            self._session.terminal.warn(f"files are not watched any more: {error}")

    def _code(self) -> int:
        """The code of the container whose end counts, as in Docker Compose."""
        if self._from:
            return self._from.code
        return self._first.code if self._first else Exit.DONE

    def _say(self, text: str) -> None:
        """From the signal's handler: whoever shows progress then is asked to say it."""
        self._notice(text)

    def _names(self) -> list[str]:
        """Whose output is shown, as its lines will say."""
        return sorted(
            self._printer.name(f"{name}.{number}")
            for name in self._shown
            for number in range(1, self._app.services[name].replicas + 1)
        )

    def _print(self, stream: Iterator[LogLine | Ended]) -> None:
        """In a thread: print all that comes, until nothing more does."""
        try:
            for item in stream:
                self._printed(item)
        except BaseException as error:
            self._broken = error
        finally:
            self._over.set()

    def _printed(self, item: LogLine | Ended) -> None:
        from nap_compose.border import LogLine

        if isinstance(item, LogLine):
            self._show(lambda: self._printer.show(item))
            return
        self._count(item)
        name = self._printer.name(item.subject)
        again = " (restarting)" if item.restarts else ""
        self._show(
            lambda: self._session.terminal.say(f"{name} exited with code {item.code}{again}")
        )

    def _show(self, write: Write) -> None:
        def written() -> None:
            write()
            self._session.terminal.flush()

        aside = self._aside
        if aside is None:
            written()
        else:
            aside(written)

    def _count(self, end: Ended) -> None:
        """Remember the ends that say how `up` ends."""
        service = end.subject.rpartition(".")[0]
        if service == self._staying.code_from:
            self._from = self._from or end
        if self._staying.aborts and (end.code or not self._staying.abort_on_failure):
            self._first = self._first or end

    def _tell_in_colour(self, text: str) -> None:
        terminal = self._session.terminal
        terminal.tell(f"nap: {terminal.err_style(text, 'yellow')}")
