"""Logins at registries, sealed in the records.

A copy, as sealed, lies in the state directory, so that failover has them with the database away.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

from nap_compose.border import Listing, RegistryLogin, RegistryRow, Who
from nap_compose.clock import utc_now
from nap_compose.cluster.engine import EngineError
from nap_compose.cluster.private_files import make_private_dir, replace_private
from nap_compose.compose.references import HUB, parse
from nap_compose.compose.shortforms import BadForm
from nap_compose.control.digests import first_that_answers
from nap_compose.control.parts import Parts
from nap_compose.db.people import CredentialRecord
from nap_compose.db.records import RecordsAway
from nap_compose.errors import NotAllowed, WrongUse

FILE_NAME = "registries.json"
HUB_ADDRESS = "https://index.docker.io/v1/"
"""What engines call Docker Hub where a login is meant."""

Login = Mapping[str, str]
"""As an engine takes it: username, password, serveraddress."""


def log_in(parts: Parts, who: Who, request: RegistryLogin) -> str:
    """Keep a login, once its registry has taken it; gives the registry's name. Raises NotAllowed
    where it doesn't, and WrongUse for what is no registry."""
    _refuse_alone(parts)
    registry = name_of(request.registry)
    login = _login(registry, request.name, request.password)
    engine = first_that_answers(parts.engines)
    try:
        engine.check_login(login)
    except EngineError as error:
        raise NotAllowed(
            f"{registry} doesn't take this login: {error.message}",
            hint="it was asked by the host's engine, which must reach it and trust its certificate",
            host=engine.host,
        ) from None
    sealed = parts.keyring.cipher.seal(request.password.encode(), place(who.owner, registry))
    parts.records.keep_credential(
        CredentialRecord(who.owner, registry, request.name, sealed, utc_now())
    )
    _keep_copy(parts)
    return registry


def log_out(parts: Parts, who: Who, registry: str) -> str:
    """Forget a login; gives the registry's name. Raises WrongUse where there is none."""
    _refuse_alone(parts)
    registry = name_of(registry)
    if not parts.records.drop_credential(who.owner, registry):
        raise WrongUse(
            f"you have no login at {registry}", hint="nap registry ls shows those that you have"
        )
    _keep_copy(parts)
    return registry


def list_logins(parts: Parts, who: Who) -> Listing:
    """Everybody's for an admin, for others their own; no password is among it."""
    _refuse_alone(parts)
    found = parts.records.credentials(None if who.role == "admin" else who.owner)
    return Listing(
        tuple(RegistryRow(each.owner, each.registry, each.name, each.changed) for each in found)
    )


def logins_of(parts: Parts, owner: str) -> dict[str, Login]:
    """An owner's logins, by registry. With the database away those that were there lately."""
    cipher = parts.keyring.cipher
    return {
        each.registry: _login(
            each.registry,
            each.name,
            cipher.open(each.sealed, place(owner, each.registry)).decode(),
        )
        for each in _credentials(parts)
        if each.owner == owner
    }


def place(owner: str, registry: str) -> str:
    """What a sealed password is bound to."""
    return f"credential/{owner}/{registry}"


def name_of(text: str) -> str:
    """The registry that people mean. Raises WrongUse for what names none.

    >>> name_of("https://registry.example:5000/v2/"), name_of("index.docker.io")
    ('registry.example:5000', 'docker.io')
    """
    host = text.partition("://")[2] or text
    host = host.partition("/")[0].lower()
    if host in (HUB, f"index.{HUB}", f"registry-1.{HUB}", f"www.{HUB}"):
        return HUB
    try:
        found = parse(f"{host}/image").registry
    except BadForm:
        found = ""
    if not host or found != host:
        raise WrongUse(
            f"'{text}' is no registry", hint="write it like registry.example:5000, or docker.io"
        )
    return host


def _login(registry: str, name: str, password: str) -> Login:
    address = HUB_ADDRESS if registry == HUB else registry
    return {"username": name, "password": password, "serveraddress": address}


def _credentials(parts: Parts) -> list[CredentialRecord]:
    try:
        return _keep_copy(parts)
    except RecordsAway:
        with contextlib.suppress(OSError, ValueError, TypeError):
            told = json.loads(_copy(parts).read_text(encoding="utf-8"))
            return [CredentialRecord(*each) for each in told]
        return []


def _keep_copy(parts: Parts) -> list[CredentialRecord]:
    """Read them, and write the copy where it is behind."""
    found = list(parts.records.credentials())
    told = json.dumps(
        [[each.owner, each.registry, each.name, each.sealed, each.changed] for each in found]
    )
    path = _copy(parts)
    with contextlib.suppress(OSError):
        if path.exists() and path.read_text(encoding="utf-8") == told:
            return found
        make_private_dir(path.parent)
        replace_private(path, told)
    return found


def _copy(parts: Parts) -> Path:
    return parts.cluster.state_dir / FILE_NAME


def _refuse_alone(parts: Parts) -> None:
    if parts.cluster.embedded:
        raise WrongUse(
            "on the local engine nap uses what `docker login` keeps",
            hint="a cluster keeps logins of its own, for each owner",
        )
