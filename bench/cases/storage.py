"""Writing to and reading from a cluster volume, beside a plain bind of the same MooseFS: what nap
puts in the way is nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bed import busybox, containers, moosefs
from bed.docker_api import call
from bed.errors import BedError
from bed.fixture import bring_up, why_not
from bed.layout import Bed
from bench.case import CannotRun, Command, Sides, case
from bench.measure import run
from bench.programs import nap, python

ROOT = Path(__file__).parents[2]
MIB = 64
APP = """\
name: bench
services:
  web:
    image: busybox:1
    init: true
    command: ["sleep", "1000000"]
    volumes: ["data:/data"]
volumes:
  data: {driver: moosefs}
"""
JOBS = {
    "write": f"dd if=/dev/zero of=/data/file bs=1M count={MIB} conv=fsync",
    "read": "cat /data/file > /dev/null",
}


@contextmanager
def both(folder: Path) -> Iterator[tuple[Bed, str, str]]:
    """A bed, and on its first host a container with a cluster volume, and one with a bind."""
    if reason := why_not():
        raise CannotRun(reason)
    try:
        with bring_up("bench", hosts=2, only=("hosts", "consul", "moosefs")) as bed:
            for host in bed.hosts:
                busybox.load(host, "busybox:1")
            host = bed.hosts[0]
            (folder / "app.yml").write_text(APP)
            there = {"NAP_CLUSTER": str(bed.cluster_file), "HOME": str(folder)}
            run(Command((nap(),), folder, there), (nap(), "host", "cordon", bed.hosts[1].name))
            run(Command((nap(),), folder, there), (nap(), "up", "-f", "app.yml"))
            listed = call(host, "GET", "/containers/json")
            (ours,) = (each["Id"] for each in listed if "bench-web" in each["Names"][0])
            body = {
                "Image": "busybox:1",
                "Cmd": ["sleep", "1000000"],
                "HostConfig": {"Binds": [f"{moosefs.ON_HOST}/bare:/data"], "Init": True},
            }
            bare = str(call(host, "POST", "/containers/create", body)["Id"])
            call(host, "POST", f"/containers/{bare}/start")
            for container in (ours, bare):
                containers.execute(host, container, "sh", "-c", JOBS["write"])
            yield bed, ours, bare
    except BedError as error:
        raise CannotRun(str(error)) from error


def _prepare(job: str) -> Callable[[Path], AbstractContextManager[Sides]]:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Sides]:
        with both(folder) as (bed, *made):
            sides = [
                Command((python(), "-m", "bench.storing", bed.name, container, JOBS[job]), ROOT)
                for container in made
            ]
            yield Sides(*sides)

    return prepare


for _job in JOBS:
    case(
        f"storage-{_job}",
        what=f"{_job} {MIB} MiB through a cluster volume",
        peer="a bind of the same MooseFS",
        bar=1.2,
    )(_prepare(_job))
