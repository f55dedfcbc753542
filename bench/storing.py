"""python -m bench.storing BED CONTAINER COMMAND: run a command in a container of a bed's first
host; its end is this one's."""

from __future__ import annotations

import sys

from bed import containers, layout


def main() -> int:
    """The command's exit code."""
    name, container, command = sys.argv[1:]
    bed = layout.load(name)
    if bed is None:
        sys.exit(f"there is no bed {name}")
    code, output = containers.execute(bed.hosts[0], container, "sh", "-c", command)
    if code:
        print(output, file=sys.stderr)
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
