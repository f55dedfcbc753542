"""Consul's ACLs: three policies, a token for each, and the one token that may make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from bed import consul_api, secret
from bed.errors import BedError
from bed.layout import Bed, Host

_POLICIES = Path(__file__).parent / "policies"

#: each has a policy of that name beside this file, and a token that may do just that
NAP, ENGINES, AGENTS = HOLDERS = ("nap", "engines", "agents")
MANAGEMENT = "management"


def token_file(bed: Bed, holder: str) -> Path:
    return bed.directory / "consul" / f"{holder}.token"


def token(bed: Bed, holder: str) -> str:
    """The secret is chosen here and told to Consul, so that it is known before Consul runs."""
    return secret.kept(token_file(bed, holder), lambda: str(uuid4()))


def set_up(bed: Bed, through: Host) -> None:
    """Make policies and tokens as they stand here; those that are there are brought up to date."""
    policies = {each["Name"]: each["ID"] for each in _ask(bed, through, "GET", "policies")}
    for holder in HOLDERS:
        policy = {
            "Name": holder,
            "Rules": (_POLICIES / f"{holder}.hcl").read_text(),
            "ID": policies.get(holder, ""),
        }
        _ask(bed, through, "PUT", f"policy/{policy['ID']}".rstrip("/"), policy)
        if not _knows_token(bed, through, holder):
            wanted = {"Description": holder, "Policies": [{"Name": holder}]}
            _ask(bed, through, "PUT", "token", {**wanted, "SecretID": token(bed, holder)})


def hand_over(bed: Bed, host: Host) -> bool:
    """Give the agent on that host its own token. It enters itself into the catalog at once then;
    with a token from its settings it would have tried too early, and again after 15 s.
    """
    own, management = token(bed, AGENTS), token(bed, MANAGEMENT)
    body = {"Token": own}
    try:
        consul_api.call(bed, host, "PUT", "/v1/agent/token/agent", body, token=management)
    except BedError:  # it doesn't know yet who may say so
        return False
    return True


def are_on(bed: Bed, through: Host) -> bool:
    """Whether the leader has ACLs working: a moment after it was chosen."""
    try:
        consul_api.call(bed, through, "GET", "/v1/acl/token/self", token=token(bed, MANAGEMENT))
    except BedError:
        return False
    return True


def _knows_token(bed: Bed, through: Host, holder: str) -> bool:
    try:
        consul_api.call(bed, through, "GET", "/v1/acl/token/self", token=token(bed, holder))
    except consul_api.Refused as error:
        if error.for_want_of_rights:
            return False
        raise
    return True


def _ask(bed: Bed, through: Host, method: str, path: str, body: Any = None) -> Any:
    secret_id = token(bed, MANAGEMENT)
    return consul_api.call(bed, through, method, f"/v1/acl/{path}", body, token=secret_id)
