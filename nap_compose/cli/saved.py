"""Plans in files: `nap plan -o FILE` writes one, `nap up --plan FILE` runs it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from nap_compose.cli.session import Session
from nap_compose.errors import NapError, WrongUse

if TYPE_CHECKING:
    from nap_compose.orchestration.saved import SavedPlan

STANDARD_OUTPUT = "-"


def write(plan: SavedPlan, file: str, session: Session) -> None:
    """Write a plan into a file, whole or not at all; `-` is the standard output."""
    if file == STANDARD_OUTPUT:
        session.terminal.say(plan.as_json().rstrip("\n"))
        return
    path = Path(file)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_text(plan.as_json(), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise NapError(f"the plan can't be written to {file}: {error.strerror}") from None
    session.terminal.tell(f"written to {file}; run it with: nap up --plan {file}")


def read(file: str) -> SavedPlan:
    """The plan in a file. Raises WrongUse or BadFile."""
    from nap_compose.orchestration.saved import LARGEST, read_saved

    try:
        with Path(file).open("rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise WrongUse(f"{file} is no regular file")
            text = opened.read(LARGEST + 1)
    except OSError as error:
        raise WrongUse(f"the saved plan {file} can't be read: {error.strerror}") from None
    if len(text) > LARGEST:
        raise WrongUse(f"{file} is larger than a saved plan can be ({LARGEST >> 20} MiB)")
    return read_saved(text, file)
