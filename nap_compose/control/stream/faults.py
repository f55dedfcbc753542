"""Errors as they cross: the person on the other side reads the same as in one process.

Of an error's class only the nearest one of `nap_compose.errors` crosses. The commands can't tell
more apart in one process either: they import nothing below the border (the import contract).
"""

from __future__ import annotations

from typing import Any

from nap_compose import errors
from nap_compose.errors import BadFile, BadFiles, NapError, Place
from nap_compose.exits import Exit


def told(error: BaseException) -> dict[str, Any]:
    """An error as JSON. Of one that nobody foresaw only its kind is told."""
    if isinstance(error, BadFiles):
        return {"class": "BadFiles", "faults": [told(fault) for fault in error.faults]}
    foreseen = errors.foreseen(error)
    if foreseen is None:
        return {
            "class": "NapError",
            "message": f"this is a bug in nap: {type(error).__name__} behind the border",
            "hint": "the broker's log has more of it: journalctl -t nap-broker",
        }
    named = next(kind for kind in type(foreseen).__mro__ if kind.__module__ == errors.__name__)
    place = foreseen.place
    return {
        "class": named.__name__,
        "message": foreseen.message,
        "place": [place.file, place.line, place.column, place.text] if place else None,
        "host": foreseen.host,
        "hint": foreseen.hint,
        "exit_code": int(foreseen.exit_code),
        "path": list(foreseen.path) if isinstance(foreseen, BadFile) else None,
    }


def heard(told_: dict[str, Any]) -> NapError:
    """The error again."""
    if told_["class"] == "BadFiles":
        faults = [heard(each) for each in told_["faults"]]
        return BadFiles.of(fault for fault in faults if isinstance(fault, BadFile))
    kind = getattr(errors, str(told_["class"]), NapError)
    place = Place(*told_["place"]) if told_.get("place") else None
    message, hint = str(told_["message"]), told_.get("hint")
    error: NapError
    if issubclass(kind, BadFile):
        error = BadFile(message, place=place, hint=hint, path=told_.get("path") or ())
    else:
        error = kind(message, place=place, host=told_.get("host"), hint=hint)
    if "exit_code" in told_:
        error.exit_code = Exit(told_["exit_code"])
    return error
