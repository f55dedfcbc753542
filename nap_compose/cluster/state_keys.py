"""The keys of the state store, each in one place. `docs/state.md` says what stands under them."""

from __future__ import annotations

NO_OWNER = "-"
"""Stands for the owner where there are no users; no owner's name is ever just that."""

APP_LOCKS = "lock/app/"
CLAIMS = "claim/"
REVISION_PIECES = "revision-piece/"
SEEDING = "seeding/"
LOCKS = "lock/"
TURNS = "turn/"
HOST_CLAIMS = "claim/host/"
OWNER_CLAIMS = "claim/owner/"
HOSTS = "host/"
PLACEMENTS = "placement/"
REVISIONS = "revision/"
PINS = "images/"
PRIVATE_IMAGES = "image-private/"
SHOWN_IMAGES = "image-shown/"
CONTENTS = "content/"
CONTENT_PIECES = "content-piece/"
TAKEN_OVER = "taken-over/"
COLLECTORS = "lock/collector/"
COLLECTED = "lock/leader/logs/"
LOGS = "logs/"
LOGS_OF_HOSTS = "logs-host/"
LOST = "lost/"
STORAGE = "storage"
MOVING = "moving/"
ADOPTED = "adopted/"
FAILURES = "failures/"
WANTED = "wanted/"
SUBNETS = "subnets"
HEALTH = "health/"
HEALTH_HOSTS = "health-host/"
HEALTH_EVENTS = "health-event/"
HEARTBEATS = "heartbeat/"
FORMAT = "format"
BACKUP = "backup"
NOTIFIED = "notified"
PRUNED = "pruned"


def app_path(owner: str, app: str) -> str:
    """The app's part of a key: `ada/shop`, or `-/shop` when embedded."""
    return f"{owner or NO_OWNER}/{app}"


def app_lock(owner: str, app: str) -> str:
    return APP_LOCKS + app_path(owner, app)


def host_claim(host: str) -> str:
    return HOST_CLAIMS + host


def owner_claim(owner: str) -> str:
    return OWNER_CLAIMS + (owner or NO_OWNER)


def revision(owner: str, app: str, number: int) -> str:
    return f"{revisions(owner, app)}{number}"


def revisions(owner: str, app: str) -> str:
    """What the keys of an app's revisions begin with; what follows is the number."""
    return f"{REVISIONS}{app_path(owner, app)}/"


def revision_pieces(owner: str, app: str, number: int) -> str:
    """What the keys of a revision's pieces begin with; what follows is the writer and a number.

    They stand apart from the revisions, so that listing those doesn't read every model.
    """
    return f"{REVISION_PIECES}{app_path(owner, app)}/{number}/"


def pins(owner: str, app: str, number: int) -> str:
    return f"{pins_of(owner, app)}{number}"


def pins_of(owner: str, app: str) -> str:
    """What the keys of an app's images begin with; what follows is the revision's number."""
    return f"{PINS}{app_path(owner, app)}/"


def private_image(what: str) -> str:
    """`what` is an image's id, or a repository as it is written out in full."""
    return PRIVATE_IMAGES + what


def shown_images(owner: str, app: str) -> str:
    """What the keys of the private images that an app may have begin with; their ids follow."""
    return f"{SHOWN_IMAGES}{app_path(owner, app)}/"


def placement(owner: str, app: str) -> str:
    return PLACEMENTS + app_path(owner, app)


def taken_over(owner: str, app: str) -> str:
    return TAKEN_OVER + app_path(owner, app)


def host(name: str) -> str:
    return HOSTS + name


def failures(host: str) -> str:
    return FAILURES + host


def health(owner: str, app: str, service: str, replica: int) -> str:
    return f"{HEALTH}{app_path(owner, app)}/{service}/{replica}"


def health_host(host: str) -> str:
    return HEALTH_HOSTS + host


def health_events(page: int) -> str:
    """A page of events; the numbers sort as text."""
    return f"{HEALTH_EVENTS}{page:010d}"


def heartbeat(watcher: str) -> str:
    return HEARTBEATS + watcher


def leader(what: str) -> str:
    return f"lock/leader/{what}"


def wanted(owner: str, app: str) -> str:
    return WANTED + app_path(owner, app)


def moving(owner: str, app: str) -> str:
    return MOVING + app_path(owner, app)


def adopted(owner: str, app: str) -> str:
    return ADOPTED + app_path(owner, app)


def lost(host: str) -> str:
    return LOST + host


def turn(host: str) -> str:
    return f"{TURNS}host/{host}"


def collector(name: str) -> str:
    return COLLECTORS + name


def collected(host: str) -> str:
    """The lease of whoever collects what the host's containers print."""
    return COLLECTED + host


def logs(owner: str, app: str, service: str, replica: int) -> str:
    return f"{LOGS}{app_path(owner, app)}/{service}/{replica}"


def logs_of_host(host: str) -> str:
    return LOGS_OF_HOSTS + host


def contents(owner: str, app: str) -> str:
    """What the keys of an app's shipped files begin with; what follows says nothing of them."""
    return f"{CONTENTS}{app_path(owner, app)}/"


def seeding(owner: str, app: str) -> str:
    return SEEDING + app_path(owner, app)
