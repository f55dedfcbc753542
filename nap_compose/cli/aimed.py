"""What the TARGETs of a command that looks come to, checked against what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nap_compose.cli.appname import app_name
from nap_compose.cli.targets import Aim, aim, settle

if TYPE_CHECKING:
    from nap_compose.cli.session import Session
    from nap_compose.control.border import Chosen, Control, Whereabouts


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
    return settle(aimed, known)


def chosen(aimed: Aim, *, stopped: bool = False) -> Chosen:
    """As the border wants it; of several replicas that were named the rest is left out by
    `holds`."""
    from nap_compose.control.border import Chosen

    return Chosen(aimed.target(), aimed.services, stopped)


def holds(aimed: Aim, of: Whereabouts) -> bool:
    """Whether a row is about a container that was named."""
    return aimed.holds(of.service, of.replica)


def services_in_file(session: Session) -> set[str]:
    """The services of the file that the options mean; none where there is no file."""
    from nap_compose.cli.files import load
    from nap_compose.errors import NapError

    try:
        app = load(session)
    except NapError:
        return set()
    return {*app.services, *app.profiled_out}
