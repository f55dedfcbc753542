"""Compiles reach.c for each architecture that a compiler is at hand for, and writes what nap ships.

`python tools/reach/build.py amd64=gcc arm64=aarch64-linux-gnu-gcc`
"""

from __future__ import annotations

import base64
import subprocess
import sys
import tempfile
import textwrap
import zlib
from pathlib import Path

SOURCE = Path(__file__).with_name("reach.c")
TARGET = Path(__file__).parents[2] / "nap_compose" / "cluster" / "reach_program.py"
FLAGS = (
    "-Os -static -nostdlib -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -no-pie "
    "-fno-asynchronous-unwind-tables -Wall -Wextra -Wl,--build-id=none,-z,noseparate-code,-s"
)
HEAD = '''"""What `tools/reach/build.py` made of `tools/reach/reach.c`, for each architecture."""

PROGRAMS = {
'''


def compiled(compiler: str) -> bytes:
    """The program, as that compiler makes it."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "reach")
        subprocess.run([*compiler.split(), *FLAGS.split(), "-o", program, SOURCE], check=True)
        return program.read_bytes()


def main(words: list[str]) -> None:
    """Compile for each `ARCHITECTURE=COMPILER`."""
    text = HEAD
    for word in words:
        architecture, _, compiler = word.partition("=")
        packed = base64.b64encode(zlib.compress(compiled(compiler), 9)).decode()
        lines = "\n".join(f'        "{line}"' for line in textwrap.wrap(packed, 88))
        text += f'    "{architecture}": (\n{lines}\n    ),\n'
    TARGET.write_text(
        text + "}\n" + '"""Architecture, as images call it → the program, compressed, base64."""\n'
    )


if __name__ == "__main__":
    main(sys.argv[1:])
