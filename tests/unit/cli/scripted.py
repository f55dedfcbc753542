"""A Control that follows a script, and a way to run a command against it."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from nap_compose.border import (
    ActRequest,
    AppRow,
    AttendRequest,
    Cancel,
    Checked,
    Chosen,
    CollectRequest,
    Console,
    Control,
    DownRequest,
    Ended,
    EventRequest,
    EventRow,
    ExecRequest,
    Hold,
    HostRow,
    Listing,
    LogLine,
    LogRequest,
    Outcome,
    Row,
    SearchRequest,
    Target,
    UpRequest,
    Who,
)
from nap_compose.cli.main import main
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.compose.model import App
from nap_compose.compose.rows import EMBEDDED, Site
from nap_compose.errors import WrongUse
from nap_compose.orchestration.events import Event, OnEvent, Phase
from nap_compose.orchestration.plan import Plan

EMPTY_PLAN = Plan("", "shop", "shop", 1, "d1", ())
UNCHANGED = Outcome("unchanged", EMPTY_PLAN, 0)


def event(
    step: str, phase: Phase, text: str = "", *, subject: str = "", host: str = "h1", **more: Any
) -> Event:
    return Event(
        at="2026-03-01T12:00:00.000Z",
        seq=1,
        deployment="d1",
        step=step,
        host=host,
        subject=subject or step.partition(":")[2],
        phase=phase,
        text=text,
        **more,
    )


def row(service: str = "web", replica: int = 1, **more: Any) -> Row:
    row = Row(
        owner="",
        app="shop",
        service=service,
        replica=replica,
        host="local",
        name=f"shop-{service}-{replica}",
        id=f"{service}{replica}".ljust(64, "0"),
        image="nginx:1",
        state="running",
        health="healthy",
        status="Up 2 hours (healthy)",
        since=1_700_000_000,
        revision=3,
    )
    return replace(row, **more)


@dataclass
class Scripted:
    """Answers as told, and remembers what it was asked."""

    owner: str = ""
    rows: Sequence[Row] = ()
    app_rows: Sequence[AppRow] = ()
    recorded: Sequence[str] = ()
    host_rows: Sequence[HostRow] = ()
    lines: Sequence[LogLine] = ()
    attended: Sequence[LogLine | Ended | Callable[[], object]] = ()
    events: Sequence[Event] = ()
    outcome: Outcome = UNCHANGED
    ends: Sequence[Ended] = ()
    code: int = 0
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    checked: Checked = field(default_factory=lambda: Checked(EMBEDDED))
    during: Callable[[Cancel], None] | None = None
    asked: list[Any] = field(default_factory=list)
    seen: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    closed: bool = False

    def whoami(self) -> Who:
        return Who("ada", self.owner)

    def notices(self) -> tuple[str, ...]:
        return self.notes

    def site(self) -> Site:
        return self.checked.site

    def check(self, app: App) -> Checked:
        self.asked.append(app)
        return self.checked

    def up(self, request: UpRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        return self._deploy(request, on_event, cancel)

    def down(self, request: DownRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        return self._deploy(request, on_event, cancel)

    def act(self, request: ActRequest, on_event: OnEvent, cancel: Cancel) -> Outcome:
        return self._deploy(request, on_event, cancel)

    def wait(self, app: Target, targets: tuple[Target, ...]) -> Iterator[Ended]:
        self.asked.append((app, targets))
        yield from self.ends

    def ps(self, target: Target, *, stopped: bool = False) -> Listing:
        self.asked.append((target, stopped))
        rows = tuple(
            row
            for row in self.rows
            if (not target.app or (row.owner, row.app) == (target.owner, target.app))
            and target.service in ("", row.service)
            and target.replica in (0, row.replica)
        )
        return Listing(rows, self.warnings)

    def apps(self, *, recorded: bool = False) -> Listing:
        rows = (row for row in self.app_rows if recorded or not row.standing)
        return Listing(tuple(rows), self.warnings)

    def app(self, target: Target) -> None:
        """Nobody reads the answer: only whether there is one."""
        if target.app not in self.recorded:
            raise WrongUse(f"nothing is on record of an app {target.app}")

    def hosts(self) -> Listing:
        return Listing(tuple(self.host_rows), self.warnings)

    def logs(self, request: LogRequest, warn: Any) -> Iterator[LogLine]:
        self.asked.append(request)
        for warning in self.warnings:
            warn(warning)
        yield from self.lines

    def attend(self, request: AttendRequest, hold: Hold, warn: Any) -> Iterator[LogLine | Ended]:
        """What was scripted, as soon as the deployment has ended; what can be called is, between
        the lines."""
        self.asked.append(request)
        return self._attended(hold)

    def _attended(self, hold: Hold) -> Iterator[LogLine | Ended]:
        while hold.held:
            time.sleep(0.001)
        for item in self.attended:
            if isinstance(item, LogLine | Ended):
                yield item
            else:
                item()

    def collect(self, request: CollectRequest, tell: Any, cancel: Cancel) -> None:
        self.asked.append(request)
        for warning in self.warnings:
            tell(warning)

    def kept_services(self, target: Target) -> tuple[str, ...]:
        return tuple(self.seen.get("kept_services", ()))

    def search(self, request: SearchRequest, warn: Any) -> Iterator[LogLine]:
        self.asked.append(request)
        yield from self.lines

    def count_lines(self, request: SearchRequest, warn: Any) -> Listing:
        self.asked.append(request)
        return Listing(tuple(self.seen.get("counts", ())))

    def standing(self) -> Listing:
        return Listing(tuple(self.seen.get("standing", ())))

    def collected(self, target: Target) -> Listing:
        self.asked.append(target)
        return Listing(tuple(self.seen.get("collected", ())))

    def replicas(self, target: Target, *, oneoffs: bool = False) -> tuple[Target, ...]:
        return tuple(
            replace(target, replica=row.replica)
            for row in self.rows
            if row.service == target.service
        )

    def store(
        self, target: Target, path: str, tar: Iterable[bytes], *, copy_owner: bool = False
    ) -> None:
        with tarfile.open(fileobj=io.BytesIO(b"".join(tar))) as archive:
            files = {each.name: archive.extractfile(each) for each in archive}
            held = {name: file.read().decode() if file else "" for name, file in files.items()}
        self.asked.append((target.replica, path, held, copy_owner))

    def execute(self, request: ExecRequest, console: Console) -> Ended:
        self.asked.append(request)
        console.show("stdout", b"done\n")
        return Ended(f"{request.target.service}.{request.target.replica}", "h1", self.code)

    def images(self, chosen: Chosen) -> Listing:
        return self._looked("images", chosen)

    def volumes(self, chosen: Chosen) -> Listing:
        return self._looked("volumes", chosen)

    def processes(self, chosen: Chosen) -> Listing:
        return self._looked("processes", chosen)

    def port(self, target: Target, port: int, protocol: str) -> str:
        self.asked.append((target, port, protocol))
        return "10.0.0.11:8080"

    def usage(self, chosen: Chosen) -> Iterator[Listing]:
        while True:
            yield self._looked("usage", chosen)

    def happenings(self, request: EventRequest, warn: Any) -> Iterator[EventRow]:
        self.asked.append(request)
        for warning in self.warnings:
            warn(warning)
        yield from self.seen.get("events", ())

    def close(self) -> None:
        self.closed = True

    def _looked(self, what: str, chosen: Chosen) -> Listing:
        self.asked.append(chosen)
        return Listing(tuple(self.seen.get(what, ())), self.warnings)

    def _deploy(self, request: Any, on_event: OnEvent, cancel: Cancel) -> Outcome:
        self.asked.append(request)
        # Events come from threads that run steps, never from the one that waits.
        thread = threading.Thread(target=lambda: [on_event(each) for each in self.events])
        thread.start()
        thread.join()
        if self.during:
            self.during(cancel)
        return self.outcome


class Stream(io.StringIO):
    """A stream that is a terminal or not, as told."""

    def __init__(self, *, terminal: bool = False, encoding: str = "utf-8") -> None:
        super().__init__()
        self._terminal = terminal
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


@dataclass
class Result:
    code: int
    out: str
    err: str


def nap(
    *words: str,
    control: Scripted | Control | None = None,
    width: int = 0,
    env: dict[str, str] | None = None,
    encoding: str = "utf-8",
    err: Stream | None = None,
) -> Result:
    """Run `nap WORDS`; with `width` on a terminal of so many columns, else into pipes. Who wants to
    read what it says meanwhile gives the standard error's own stream."""
    env = {"TERM": "xterm", "COLUMNS": str(width), **(env or {})}
    out = Stream(terminal=bool(width), encoding=encoding)
    err = err or Stream(terminal=bool(width), encoding=encoding)
    session = Session(
        env=env,
        terminal=Terminal(out, err, env),
        connect=lambda _cluster, _env: control or Scripted(),
    )
    return Result(main(words, session), out.getvalue(), err.getvalue())
