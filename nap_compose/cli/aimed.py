"""What the TARGETs of a command that looks come to, checked against what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.cli.appname import app_name
from nap_compose.cli.targets import Aim, aim, settle
from nap_compose.errors import NapError, WrongUse
from nap_compose.text import app_called, instead_of

if TYPE_CHECKING:
    from nap_compose.border import Chosen, Control, Listing, Whereabouts
    from nap_compose.cli.session import Session
    from nap_compose.errors import NoSuchApp


def aimed_at(
    words: tuple[str, ...], control: Control, session: Session, *, kept: bool = False
) -> Aim:
    """The app (or every one) and its services, checked against what runs and what stands in the
    file, and with `kept` against those of which lines are kept. Raises WrongUse for a service that
    is in none of them."""
    return checked(aim(words, app_name(session), control), control, session, kept=kept)


def checked(aimed: Aim, control: Control, session: Session, *, kept: bool = False) -> Aim:
    """The aim with its services checked, as `aimed_at` does. Raises WrongUse."""
    if not aimed.slots:
        return aimed
    whole = Aim(aimed.app, aimed.owner)
    # What is kept can be looked at when no host answers.
    known = set(control.kept_services(whole.target())) if kept else set()
    if not known.issuperset(aimed.services):
        known |= {row.service for row in control.ps(whole.target(), stopped=True).rows}
    if not known.issuperset(aimed.services) and app_name(session) == aimed.app:
        known |= services_in_file(session)
    if not known:
        refuse_unknown_app(aimed, control, session)
    return settle(aimed, known)


def refuse_missing(aimed: Aim, control: Control, session: Session) -> None:
    """For who has found nothing of what was aimed at: raise WrongUse where there is no such app,
    or no such replica."""
    refuse_unknown_app(aimed, control, session)
    refuse_missing_replicas(aimed, control)


def refuse_missing_replicas(aimed: Aim, control: Control) -> None:
    """Raise WrongUse for a replica that was named and isn't there; what wasn't seen may be."""
    numbered = [slot for slot in aimed.slots if slot.replica]
    listing = control.ps(Aim(aimed.app, aimed.owner).target(), stopped=True) if numbered else None
    if listing is None or listing.warnings:
        return
    for slot in numbered:
        mine = [row for row in listing.rows if row.service == slot.service and not row.oneoff]
        numbers = sorted(row.replica for row in mine)
        if slot.replica not in numbers:
            has = ", ".join(map(str, numbers)) or "no replica"
            raise WrongUse(
                f"there is no replica {aimed.app}/{slot.service}.{slot.replica}",
                hint=f"{slot.service} has {has}",
            )


def refuse_unknown_app(aimed: Aim, control: Control, session: Session) -> None:
    """Raise WrongUse where words name an app of which nothing is on record, with what may be meant
    instead. One that a file or `-p` gives may be yet to come."""
    if not aimed.app or may_come(aimed, control, session):
        return
    try:
        control.app(Aim(aimed.app, aimed.owner).target())
    except WrongUse:
        pass
    except NapError:  # the records may not be read, by this person or just now
        return
    else:
        return
    apps = control.apps(recorded=True)
    if apps.warnings or any((row.owner, row.app) == (aimed.owner, aimed.app) for row in apps.rows):
        return
    owner = aimed.owner if aimed.owner != control.whoami().owner else ""
    raise WrongUse(
        f"there is no app {app_called(owner, aimed.app)}",
        hint=_meant_instead(aimed, apps, control),
    )


def may_come(aimed: Aim, control: Control, session: Session) -> bool:
    """Whether a file or `-p` gives the app, which is one's own: it may be yet to come."""
    return aimed.app == app_name(session) and aimed.owner == control.whoami().owner


def with_what_was_meant(error: NoSuchApp, aimed: Aim, control: Control) -> NoSuchApp:
    """The same error, with what may be meant of all that the person sees."""
    error.hint = _meant_instead(aimed, control.apps(recorded=True), control)
    return error


def _meant_instead(aimed: Aim, apps: Listing, control: Control) -> str:
    everything = control.ps(Aim().target(), stopped=True)
    return instead_of(
        aimed.app or "",
        (row.app for row in apps.rows if row.owner == aimed.owner),
        ((row.app, row.service) for row in everything.rows if row.owner == aimed.owner),
    )


def chosen(aimed: Aim, *, stopped: bool = False) -> Chosen:
    """As the border wants it; of several replicas that were named the rest is left out by
    `holds`."""
    from nap_compose.border import Chosen

    return Chosen(aimed.target(), aimed.services, stopped)


def holds(aimed: Aim, of: Whereabouts) -> bool:
    """Whether a row is about a container that was named."""
    return aimed.holds(of.service, of.replica)


def services_in_file(session: Session) -> set[str]:
    """The services of the file that the options mean; none where there is no file."""
    from nap_compose.cli.files import load

    try:
        app = load(session)
    except NapError:
        return set()
    return {*app.services, *app.profiled_out}
