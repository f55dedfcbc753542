"""The section `notify` of the cluster file: what may stand in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nap_compose.cluster import fields as f
from nap_compose.cluster.names import owner_of
from nap_compose.cluster.notify import KINDS, Mail, Notify, Recipient, Webhook
from nap_compose.units import parse_duration


def _every(text: str) -> float:
    seconds = parse_duration(text)
    if seconds < 1:
        raise ValueError(f"'{text}' is less than a second")
    return seconds


def _server(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not re.fullmatch(r"\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+", host) or not port.isdecimal():
        raise ValueError(f"'{text}' is no server such as smtp.example:587")
    if not 1 <= int(port) <= 65535:
        raise ValueError(f"{port} is no port")
    return text


_URL = f.matching(r"https?://[^\s@]+", "an address such as https://chat.example/hook")
_ADDRESS = f.matching(r"[^\s@,<>]+@[^\s@,<>]+", "an address such as nap@example.org")
_ONE = ("webhook", "mail", "command")


def _mail(**found: Any) -> Mail:
    return Mail(sender=found.pop("from"), **found)


_FIELDS = {
    "webhook": f.record(Webhook, {"url": _URL, "url_file": f.path_to, "token_file": f.path_to}),
    "mail": f.record(
        _mail,
        {
            "smtp": f.parsed(_server),
            "from": _ADDRESS,
            "to": f.list_of(_ADDRESS),
            "tls": f.one_of("starttls", "tls", "none"),
            "ca": f.path_to,
            "user": f.text,
            "password_file": f.path_to,
        },
        required=("smtp", "from", "to"),
    ),
    "command": f.list_of(f.text),
    "kinds": f.list_of(f.one_of(*KINDS)),
    "owners": f.list_of(f.text),
}


def _recipient(name: str) -> f.Field:
    read = f.record(dict, _FIELDS)

    def checked(node: f.Node, path: str, reading: f.Reading) -> Any:
        found = read(node, path, reading)
        if found is f.BAD:
            return f.BAD
        fault = _fault(found)
        if fault:
            return reading.fault(node, path, fault)
        if "owners" in found:
            found["owners"] = tuple(
                each if each == "*" else owner_of(each) for each in found["owners"]
            )
        return Recipient(name=name, **found)

    return checked


def _fault(found: Mapping[str, Any]) -> str:
    """What no key has wrong on its own; empty where all is well."""
    if len([way for way in _ONE if found.get(way)]) != 1:
        return f"one of {', '.join(_ONE)} says how to reach them"
    webhook: Webhook | None = found.get("webhook")
    if webhook is not None and bool(webhook.url) is bool(webhook.url_file):
        return "a webhook needs `url`, or `url_file` where the address is a secret"
    mail: Mail | None = found.get("mail")
    if mail is None:
        return ""
    if not mail.to:
        return "`to` names nobody"
    if bool(mail.user) is not isinstance(mail.password_file, Path):
        return "`user` and `password_file` need each other"
    if mail.user and mail.tls == "none":
        return "the password would go to the server in clear text: `tls: starttls` or `tls`"
    return ""


_NAME = f.matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", "a name of letters, digits, '.', '_', '-'")
NOTIFY = f.record(Notify, {"to": f.map_of(_NAME, _recipient), "every": f.parsed(_every)})
