"""`deploy.placement`: constraints such as `node.labels.zone == a`, and keys to spread over."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from nap_compose.cluster.view import HostView
from nap_compose.errors import BadFile
from nap_compose.plaindata import dataclass

_EXPRESSION = re.compile(r"\s*(?P<key>[\w.\-/]+)\s*(?P<sign>==|!=)\s*(?P<value>.*?)\s*")

_PLAIN: Mapping[str, Callable[[HostView], str]] = {
    "node.id": lambda host: host.swarm.node,
    "node.hostname": lambda host: host.name,
    "node.role": lambda host: "manager" if host.swarm.control else "worker",
    "node.platform.os": lambda host: host.os,
    "node.platform.arch": lambda host: host.arch,
}
_LABELS = "node.labels."
_ENGINE_LABELS = "engine.labels."
KNOWN = ", ".join([*_PLAIN, _LABELS + "NAME", _ENGINE_LABELS + "NAME"])
"""All that can be asked of a host, for messages."""


def known(key: str) -> bool:
    """Whether `key` is something that a host can be asked for."""
    return key in _PLAIN or key.startswith((_LABELS, _ENGINE_LABELS))


def trait(host: HostView, key: str) -> str:
    """What the host has for `key`; empty where it has nothing."""
    if key.startswith(_LABELS):
        return host.labels.get(key[len(_LABELS) :], "")
    if key.startswith(_ENGINE_LABELS):
        return host.engine_labels.get(key[len(_ENGINE_LABELS) :], "")
    return _PLAIN[key](host)


def called(key: str) -> str:
    """What people call `key`: `label zone`, `role`, `platform arch`."""
    for prefix, word in ((_LABELS, "label "), (_ENGINE_LABELS, "engine label ")):
        if key.startswith(prefix):
            return word + key[len(prefix) :]
    return key.removeprefix("node.").replace(".", " ")


@dataclass(frozen=True)
class Constraint:
    """`key` must (or, with `equal` false, must not) have `value` on the host."""

    key: str
    value: str
    equal: bool

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read one expression; raises BadFile where it is none that a host can answer."""
        match = _EXPRESSION.fullmatch(text)
        if not match:
            raise BadFile(
                f"the constraint '{text}' can't be read",
                hint="write KEY == VALUE or KEY != VALUE",
            )
        key = match["key"]
        if not known(key):
            raise BadFile(f"the constraint '{text}' asks for '{key}'", hint=f"known are {KNOWN}")
        return cls(key, match["value"], match["sign"] == "==")

    def objection(self, host: HostView) -> str:
        """Why `host` doesn't fit; empty where it does."""
        actual = trait(host, self.key)
        if (actual.lower() == self.value.lower()) == self.equal:
            return ""
        if not self.equal:
            return f"{called(self.key)} is {actual or 'not set'}, constraint excludes it"
        return f"{called(self.key)} is {actual or 'not set'}, constraint asks {self.value}"


def spread_key(text: str) -> str:
    """The key of a preference's `spread`; raises BadFile where no host can answer it."""
    key = text.strip()
    if not known(key):
        raise BadFile(
            f"the preference 'spread: {text}' asks for '{key}'", hint=f"known are {KNOWN}"
        )
    return key
