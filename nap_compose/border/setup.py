"""Setting the control machine up: the account that holds the keys, and the way to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class ControlMachine:
    """What was changed, a sentence each (none: all was as it should be), and what remains to be
    done by hand."""

    changed: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClusterFile:
    """A cluster file that is valid: the cluster's `name` and those of its `hosts`."""

    file: str
    name: str
    hosts: tuple[str, ...] = ()


class SettingUp(Protocol):
    """Who sets the control machine up. Raises NapError with its exit code."""

    def set_up(self, tell: Callable[[str], None]) -> ControlMachine:
        """Do it; each part can be repeated. `tell(text)` is called with each change."""

    def undo(self, tell: Callable[[str], None]) -> ControlMachine:
        """Take away what leads to this nap; keys, records and logs stay where they are."""
