"""An app's life on a real engine: `up`, a second `up`, `ps`, `down`, beside the real Compose.

The engine is a dockerd of the test bed, brought up for the case and taken down after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from bed import busybox
from bed.errors import BedError
from bed.fixture import bring_up, why_not
from bench.case import CannotRun, Command, Sides, case
from bench.measure import run
from bench.programs import docker_compose, nap

IMAGE = "busybox:1"
SERVICE = """\
  {name}:
    image: busybox:1
    init: true
    command: ["sleep", "1000000"]
    environment:
      NAME: "{name}"
    healthcheck:
      test: ["CMD", "true"]
      interval: 2s
      timeout: 10s
      retries: 20
"""
NEEDS = """\
    depends_on:
      db:
        condition: service_healthy
"""

UP, AGAIN, PS, DOWN = "up", "up-again", "ps", "down"
BARS = {UP: 0.9, AGAIN: 1.0, PS: 1.0, DOWN: 0.9}
WHAT = {
    UP: "up -d --wait of {} services",
    AGAIN: "the same again, with nothing to do",
    PS: "ps of {} services",
    DOWN: "down of {} services",
}


def app_of(services: int) -> str:
    """A file of so many services with health checks; all but one wait for that one."""
    others = "".join(SERVICE.format(name=f"web{n}") + NEEDS for n in range(1, services))
    return "services:\n" + SERVICE.format(name="db") + others


@contextmanager
def engine() -> Iterator[str]:
    """A real engine of its own, with the image; its address."""
    if reason := why_not():
        raise CannotRun(reason)
    try:
        with bring_up("bench", hosts=1) as bed:
            busybox.load(bed.hosts[0], IMAGE)
            yield f"unix://{bed.hosts[0].socket}"
    except BedError as error:
        raise CannotRun(str(error)) from error


def sides_of(job: str, services: int, folder: Path, address: str) -> Sides:
    """Both commands for a job, each on an app of its own from the same file."""
    (folder / "app.yml").write_text(app_of(services))
    compose, env = docker_compose(folder)
    home = {"DOCKER_HOST": address, "HOME": str(folder)}
    nap_home = {"XDG_STATE_HOME": str(folder / "state"), "XDG_CONFIG_HOME": str(folder / "config")}
    ours = Command((nap(), "-f", "app.yml", "-p", "bench-nap"), folder, {**home, **nap_home})
    theirs = Command((*compose, "-f", "app.yml", "-p", "bench-peer"), folder, {**home, **env})
    return Sides(_side(ours, job), _side(theirs, job))


def _side(program: Command, job: str) -> Command:
    up = (*program.argv, "up", "-d", "--wait")
    down = (*program.argv, "down", "-t", "1")
    if job == UP:
        return replace(program, argv=up, after=down)
    if job == DOWN:
        return replace(program, argv=down, before=up)
    return replace(program, argv=up if job == AGAIN else (*program.argv, "ps"))


def _prepare(job: str, services: int) -> Callable[[Path], AbstractContextManager[Sides]]:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Sides]:
        with engine() as address:
            sides = sides_of(job, services, folder, address)
            if job in (AGAIN, PS):
                for side in (sides.nap, sides.peer):
                    program = side.argv[: side.argv.index("app.yml") + 3]
                    run(side, (*program, "up", "-d", "--wait"))
            yield sides

    return prepare


for _count in (10, 40):
    for _job, _bar in BARS.items():
        case(
            f"{_job}-{_count}",
            what=WHAT[_job].format(_count),
            peer="docker compose",
            bar=_bar,
        )(_prepare(_job, _count))
