"""The keys of the state store, each in one place. `docs/state.md` says what stands under them."""

from __future__ import annotations

NO_OWNER = "-"
"""Stands for the owner where there are no users; no owner's name is ever just that."""

APP_LOCKS = "lock/app/"
CLAIMS = "claim/"
HOST_CLAIMS = "claim/host/"
OWNER_CLAIMS = "claim/owner/"
HOSTS = "host/"
PLACEMENTS = "placement/"


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
    return f"revision/{app_path(owner, app)}/"


def revision_pieces(owner: str, app: str, number: int) -> str:
    """What the keys of a revision's pieces begin with; what follows is the writer and a number.

    They stand apart from the revisions, so that listing those doesn't read every model.
    """
    return f"revision-piece/{app_path(owner, app)}/{number}/"


def placement(owner: str, app: str) -> str:
    return PLACEMENTS + app_path(owner, app)


def host(name: str) -> str:
    return HOSTS + name
