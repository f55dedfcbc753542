"""The cluster's check-up: what is looked at, and what was found."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border.words import Cancel

__all__ = ["Doctor", "DoctorRequest", "Finding", "Grade"]


class Grade(str, Enum):
    """How bad it is. A warning can wait until tomorrow, a fault can't."""

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: of what (`subject`: a host, a pair of them, a service that
    nap leans on), what was found in one sentence, and what mends it (empty: nothing to do)."""

    subject: str
    grade: Grade
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class DoctorRequest:
    """How far to look. `network` and `isolation` start a container of `image` on each host for as
    long as it takes: the one tries the way from host to host, the other which ports of the
    cluster's own services answer to a container. Without an `image` it is the cluster file's
    `placement.probe_image`."""

    network: bool = False
    isolation: bool = False
    image: str = ""


class Doctor(Protocol):
    """The call that looks after the cluster. Raises NapError with its exit code."""

    def check_up(self, wanted: DoctorRequest, cancel: Cancel) -> tuple[Finding, ...]: ...
