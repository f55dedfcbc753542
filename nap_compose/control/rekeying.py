"""Sealing all that rests sealed anew, with the newest key of the cluster's key file."""

from __future__ import annotations

import uuid

from nap_compose.border import Rekeyed, Who
from nap_compose.cluster import app_lock, contents, revisions, state_keys
from nap_compose.control.parts import Parts
from nap_compose.control.registries.keeping import place
from nap_compose.db.people import CredentialRecord
from nap_compose.errors import Locked
from nap_compose.text import app_called

WAIT = 5.0
"""Seconds to wait for a deployment of an app that is under way."""


def rekey(parts: Parts, who: Who) -> Rekeyed:
    """Seal anew what an older key sealed, in the state store and in the records. Being killed
    does no harm: run it again. Raises BadCipherText for what no key of the file opens."""
    store, cipher = parts.store, parts.keyring.cipher
    revised = files = 0
    busy = []
    for owner, app in revisions.apps(store):
        try:
            with app_lock.take(
                store, owner, app, who=who.name, deployment=uuid.uuid4().hex, wait=WAIT
            ):
                revised += revisions.reseal(store, cipher, owner, app)
                files += contents.reseal(store, cipher, owner, app)
        except Locked:
            busy.append(app_called(owner, app))

    def resealed(owner: str, app: str, number: int, sealed: str) -> str | None:
        return cipher.resealed(sealed, state_keys.revision(owner, app, number))

    def credential(each: CredentialRecord) -> str | None:
        return cipher.resealed(each.sealed, place(each.owner, each.registry))

    records = parts.records.reseal(resealed) + parts.records.reseal_credentials(credential)
    return Rekeyed(revised, files, records, tuple(busy))
