"""An app's past: its revisions with what became of each, and what one changed against another.

The records tell which revisions there were and how they were deployed. The models are read from
the state store, which holds the latest ones, or else from the records, which hold them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nap_compose.border import Diff, DiffRequest, HistoryRow, Listing, Target
from nap_compose.cluster import pins, revisions
from nap_compose.cluster.observe import Whose
from nap_compose.cluster.pins import Pins
from nap_compose.compose.model import App
from nap_compose.control.images import short
from nap_compose.control.parts import Parts
from nap_compose.control.reading import CONTAINERS
from nap_compose.db.records import AppRecord, DeploymentRecord, RevisionRecord
from nap_compose.errors import NapError, WrongUse
from nap_compose.orchestration.differences import Difference, differences
from nap_compose.plaindata import dataclass

MOST = 1000
"""How many of the latest deployments are looked through for the one that counts."""


@dataclass(frozen=True)
class Past:
    """What is on record of an app: its revisions and deployments, the newest first."""

    app: AppRecord
    revisions: Sequence[RevisionRecord]
    deployments: Sequence[DeploymentRecord]

    @property
    def current(self) -> int:
        """The revision that the last good deployment brought about; 0 where none did."""
        return next(iter(self._good()), 0)

    @property
    def previous(self) -> int:
        """The one that ran before the current one; 0 where there is none."""
        return next((number for number in self._good() if number != self.current), 0)

    @property
    def ends_taken_away(self) -> bool:
        """Whether the last thing that went well took containers away: all, or a service's."""
        last = next((each for each in self.deployments if each.outcome == "done"), None)
        return last is not None and last.verb in ("down", "rm")

    def last_deployment(self, revision: int) -> DeploymentRecord | None:
        """How a revision fared the last time that it was deployed."""
        return next((each for each in self.deployments if each.revision == revision), None)

    def _good(self) -> list[int]:
        return [
            each.revision for each in self.deployments if each.outcome == "done" and each.revision
        ]


def past(parts: Parts, target: Target) -> Past:
    """All that is on record of the target's app; raises WrongUse where there is nothing."""
    if not target.app:
        raise WrongUse(
            "which app? No Compose file is here, and none was named",
            hint="write it like nap history shop; nap ls lists the apps",
        )
    app = parts.records.app(target.owner, target.app)
    if app is None:
        raise WrongUse(
            f"nothing is on record of an app {target.app}", hint="nap ls -a lists the apps"
        )
    return Past(app, parts.records.revisions(app.id), parts.records.deployments(app.id, MOST))


def running_model(parts: Parts, owner: str, app: str) -> tuple[int, App | None]:
    """The revision that runs, with its model; 0 and None where nothing was deployed yet."""
    if parts.records.app(owner, app) is None:
        return 0, None
    known = past(parts, Target(app, owner))
    return known.current, model(parts, known, known.current) if known.current else None


def history(parts: Parts, target: Target, limit: int) -> Listing:
    """A row for each of the latest revisions, the newest first."""
    known = past(parts, target)
    rows = []
    shown = known.revisions[:limit]
    models = {
        each.number: model(parts, known, each.number)
        for each in known.revisions[: limit + 1]
        if each.digest
    }
    images = pins.read_all(parts.store, target.owner, target.app)
    down = is_down(parts, target, known)
    for revision, before in zip(shown, [*known.revisions[1:], None], strict=False):
        deployed = known.last_deployment(revision.number)
        changed = _changed(models, images, revision, before)
        last_good = revision.number == known.current
        rows.append(
            HistoryRow(
                revision=revision.number,
                created=revision.created,
                author=revision.author,
                verb=deployed.verb if deployed else "",
                state="down" if last_good and down else deployed.outcome if deployed else "",
                current=last_good and not down,
                changed=tuple(dict.fromkeys(each.subject for each in changed)),
                error=deployed.error if deployed else "",
            )
        )
    return Listing(tuple(rows))


def is_down(parts: Parts, target: Target, known: Past) -> bool:
    """Whether the app was taken down, and nothing of it is there."""
    return known.ends_taken_away and not _anything_there(parts, target)


def _anything_there(parts: Parts, target: Target) -> bool:
    """Whether some host that answers has a container of the app."""
    view = parts.look(only=CONTAINERS, whose=Whose(owner=target.owner, app=target.app))
    return bool(view.of_app(target.owner, target.app))


def _changed(
    models: Mapping[int, App],
    images: Mapping[int, Pins],
    revision: RevisionRecord,
    before: RevisionRecord | None,
) -> Sequence[Difference]:
    """What a revision changed against the one before, as far as their models are kept."""
    if not all(each.number in models for each in (revision, before) if each):
        return ()
    found = differences(models[before.number] if before else None, models[revision.number])
    if before is None:
        return found
    return found + _other_images(images.get(before.number, {}), images.get(revision.number, {}))


def _other_images(before: Pins, after: Pins) -> list[Difference]:
    """Services that run another image, also where it goes by the same name."""
    return [
        Difference(name, "image id", short(before[name].id), short(pin.id))
        for name, pin in after.items()
        if name in before and before[name].id != pin.id
    ]


def diff(parts: Parts, target: Target, request: DiffRequest) -> Diff:
    """What revision `after` changes against `before`."""
    known = past(parts, target)
    after = request.after or known.current
    before = request.before or (known.previous if not request.after else known.current)
    if not after or not before:
        raise NapError(
            f"{target.app} has no two revisions to compare",
            hint=f"nap history {target.app} lists those that it has",
        )
    models = (model(parts, known, number) for number in (before, after))
    found = differences(*models, show_values=request.show_values)
    images = (pins.read(parts.store, target.owner, target.app, n) for n in (before, after))
    return Diff(before, after, (*found, *_other_images(*images)))


def model(parts: Parts, known: Past, number: int) -> App:
    """The model of one revision; raises NapError where it isn't kept."""
    owner, name = known.app.owner, known.app.name
    if number in revisions.numbers(parts.store, owner, name):
        return revisions.load(parts.store, parts.keyring.cipher, owner, name, number)
    record = parts.records.revision(known.app.id, number)
    if record is None:
        kept = ", ".join(str(each.number) for each in reversed(known.revisions)) or "none"
        raise NapError(f"there is no revision {number} of {name}; there are: {kept}")
    if not record.digest:
        raise NapError(
            f"the model of revision {number} of {name} is kept nowhere: it was made again from "
            "the hosts' labels",
            hint=f"bring the app to its file, which keeps the model again: nap up -p {name}",
        )
    return revisions.opened(
        parts.keyring.cipher, owner, name, number, sealed=record.sealed, digest=record.digest
    )
