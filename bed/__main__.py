"""python -m bed: the test bed's commands."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from bed import hosts, layout, lifecycle
from bed.errors import BedError
from bed.fixture import why_not
from bed.layout import PARTS, Bed, Host

_FAULTS: dict[str, tuple[str, Callable[[Bed, Host], None]]] = {
    "kill": ("crash a host: every process dies, its cable is out", hosts.kill),
    "partition": ("take a host's cable out", hosts.partition),
    "heal": ("put a host's cable in again", hosts.heal),
    "restart": ("boot a host again, with the same data", hosts.restart),
}


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    reason = why_not()
    if reason:
        return _complain(reason)
    try:
        return int(_COMMANDS[options.command](options))
    except BedError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        _complain("interrupted; run it again to go on, or take the bed down")
        return 130


def _up(options: argparse.Namespace) -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:5.1f} s  {text}", file=sys.stderr, flush=True)

    bed = lifecycle.up(
        options.name,
        size=options.hosts,
        network=options.network,
        engine=options.engine,
        parts=options.only,
        say=say,
    )
    say("ready")
    print(bed.cluster_file)
    return 0


def _status(options: argparse.Namespace) -> int:
    bed = _bed(options.name)
    print(f"{bed.name}: engine {bed.engine}, network {bed.network}, {bed.subnet}")
    rows = list(lifecycle.status(bed))
    for name, state, where in rows:
        print(f"  {name:<9} {state:<14} {where}".rstrip())
    print(f"cluster file: {bed.cluster_file}")
    return 0 if all(state.startswith(("up", "ready")) for _, state, _ in rows) else 1


def _down(options: argparse.Namespace) -> int:
    found = lifecycle.down(options.name)
    message = "is down, nothing is left" if found else "isn't there: nothing to do"
    print(f"bed {options.name} {message}", file=sys.stderr)
    return 0


def _fault(options: argparse.Namespace) -> int:
    bed = _bed(options.name)
    host = bed.host(options.host)
    with layout.lock(f"bed-{bed.name}"):
        _FAULTS[options.command][1](bed, host)
        print(f"{host.name}: {hosts.state(bed, host)}", file=sys.stderr)
    return 0


_COMMANDS = {"up": _up, "status": _status, "down": _down, **dict.fromkeys(_FAULTS, _fault)}


def _bed(name: str) -> Bed:
    bed = layout.load(name)
    if bed is None:
        raise BedError(f"there is no bed {name}; bring it up: python -m bed up --name {name}")
    return bed


def _parts(text: str) -> tuple[str, ...]:
    parts = tuple(part for part in text.split(",") if part)
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not parts:
        raise argparse.ArgumentTypeError(f"parts are {', '.join(PARTS)}; not {text!r}")
    return parts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bed", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--name", default="lab", help="which bed (default: lab)")
        return one

    up = command("up", "bring a bed up, or complete it")
    up.add_argument("--hosts", type=int, metavar="N", help="how many hosts (default: 3)")
    up.add_argument("--network", choices=("swarm", "consul"), help="kind of overlay network")
    up.add_argument("--engine", choices=("20", "28"), help="release of the engines (default: 20)")
    up.add_argument("--only", type=_parts, metavar="PART,…", help=f"of {','.join(PARTS)}")
    command("status", "show what runs")
    for name, (text, _) in _FAULTS.items():
        command(name, text).add_argument("host", metavar="HOST")
    command("down", "take a bed down; nothing is left")
    return parser


def _complain(text: str) -> int:
    print(f"bed: {text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
