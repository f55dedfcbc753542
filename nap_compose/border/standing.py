"""Whether all is well: the one screen of `nap status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from nap_compose.border.doctor import Grade
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border.words import Listing


@dataclass(frozen=True)
class StatusRow:
    """One thing that was looked at. `part` is what it belongs to (hosts, apps, disks …), `subject`
    what it is about, `text` how that is, `remedy` what to type (empty: nothing to do). A row about
    an app says whose it is; one that doesn't is for admins."""

    part: str
    subject: str
    grade: Grade
    text: str
    remedy: str = ""
    owner: str = ""
    app: str = ""


class Standing(Protocol):
    """The call that tells whether all is well. Raises NapError with its exit code."""

    def standing(self) -> Listing:
        """Rows of `StatusRow`, in the order of their parts. What doesn't answer is a row too, so
        that the answer is there within seconds."""
