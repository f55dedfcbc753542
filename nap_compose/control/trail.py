"""Writing the audit trail: an act is entered before it begins, and once more when it has ended.

So an act that was killed shows as begun. What can't be entered isn't done on a cluster; how it
ended waits where the database went meanwhile. On the local engine there is one person, whose
history of deployments stands in the records: there nothing depends on the trail.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import field, replace
from typing import TYPE_CHECKING

from nap_compose.clock import utc_now
from nap_compose.cluster.private_files import is_full
from nap_compose.control.parts import Parts
from nap_compose.db.records import OtherSchema, RecordsAway
from nap_compose.db.trail import AuditRecord
from nap_compose.errors import Interrupted, NapError, NotAllowed, foreseen
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.border import Outcome, Who

BEGUN = "begun"
REFUSED = "refused"
LONGEST = 4000
"""Characters of what a row says of an error."""
LONGEST_APP = 511
"""Characters of an app with its owner: the trail's table has no room for more, and a row that it
doesn't take would hold up all that come after it."""


@dataclass
class Act:
    """What is told of an act while it goes on; entered when it ends."""

    entry: AuditRecord
    outcome: str = "done"
    detail: str = ""
    deployment: str = ""
    hosts: set[str] = field(default_factory=set)

    def on(self, *hosts: str) -> None:
        """These hosts had part in it."""
        self.hosts.update(host for host in hosts if host)

    def came_to(self, *outcomes: Outcome) -> None:
        """Deployments were part of it; the first that came to no good end says how it ended."""
        for each in outcomes:
            self.on(*(step.host for step in each.plan.steps))
            self.deployment = each.plan.deployment
            if self.outcome == "done" and each.state not in ("unchanged", "done"):
                self.outcome, self.detail = each.state, each.error


class Trail:
    """The audit trail of one caller."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @contextlib.contextmanager
    def act(
        self,
        who: Who,
        verb: str,
        *,
        owner: str = "",
        app: str = "",
        kept: bool = True,
        makes_room: bool = False,
    ) -> Iterator[Act]:
        """Enter what is done within. `app` is empty for what is about none, `owner` whose it is;
        nothing is entered unless it is to be `kept`.

        Raises RecordsAway on a cluster, and OtherSchema everywhere, before anything is done. What
        `makes_room` on a full disk is done nevertheless, and entered when it has ended, if there is
        room by then.
        """
        act = Act(self._entry(who, verb, owner, app))
        if not kept:
            yield act
            return
        try:
            self._begin(act.entry)
        except NapError:
            if not (makes_room and is_full(self._parts.cluster.state_dir)):
                raise
        try:
            yield act
        except BaseException as error:
            act.outcome, act.detail = _how(error), _told(error)
            raise
        finally:
            self._end(act)

    def refused(self, who: Who, verb: str, why: str, *, owner: str = "", app: str = "") -> None:
        """Enter that `who` was refused something. With the database away it waits: a refusal is
        no less one for that."""
        entry = self._entry(who, verb, owner, app)
        self._write_or_keep(replace(entry, outcome=REFUSED, detail=why[:LONGEST]))

    def happened(self, who: Who, verb: str, host: str = "") -> None:
        """Enter what is over in the moment that it begins. With the database away it waits."""
        entry = self._entry(who, verb, "", "")
        self._write_or_keep(replace(entry, outcome="done", hosts=host))

    def _entry(self, who: Who, verb: str, owner: str, app: str) -> AuditRecord:
        if app:
            owner = self._parts.given(now=False).owner(owner, app)
        return AuditRecord(
            at=utc_now(),
            act=uuid.uuid4().hex,
            person=who.name,
            origin=self._parts.origin,
            verb=verb,
            app=(f"{owner}/{app}" if owner and app else app)[:LONGEST_APP],
        )

    def _begin(self, entry: AuditRecord) -> None:
        try:
            self._parts.hand_in()
            self._parts.records.add_audit(entry, self._parts.mark)
        except RecordsAway as away:
            if self._parts.records_may_wait:
                self._parts.late_records.keep(entry)
            elif not self._parts.cluster.embedded or isinstance(away, OtherSchema):
                raise

    def _end(self, act: Act) -> None:
        self._write_or_keep(
            replace(
                act.entry,
                at=utc_now(),
                hosts=",".join(sorted(act.hosts)),
                outcome=act.outcome,
                detail=act.detail[:LONGEST],
                deployment=act.deployment,
            )
        )

    def _write_or_keep(self, entry: AuditRecord) -> None:
        try:
            self._parts.records.add_audit(entry, self._parts.mark)
        except NapError:
            # The act is over, or refused, whatever becomes of its row.
            if not self._parts.cluster.embedded:
                with contextlib.suppress(NapError):
                    self._parts.late_records.keep(entry)


def _how(error: BaseException) -> str:
    if isinstance(error, NotAllowed):
        return REFUSED
    if isinstance(error, (Interrupted, KeyboardInterrupt, GeneratorExit)):
        return "interrupted"
    return "failed"


def _told(error: BaseException) -> str:
    told = foreseen(error)
    if told is not None:
        return str(told)
    return "" if isinstance(error, GeneratorExit) else f"nap itself failed: {type(error).__name__}"
