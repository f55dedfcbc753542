"""`deploy.placement.constraints`: expressions such as `node.labels.zone == a`. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nap_compose.cluster.view import HostView
from nap_compose.errors import BadFile

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


@dataclass(frozen=True)
class Constraint:
    """`key` must (or, with `equal` false, must not) have `value` on the host."""

    key: str
    value: str
    equal: bool
    text: str

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
        if key not in _PLAIN and not key.startswith((_LABELS, _ENGINE_LABELS)):
            known = ", ".join([*_PLAIN, _LABELS + "NAME", _ENGINE_LABELS + "NAME"])
            raise BadFile(f"the constraint '{text}' asks for '{key}'", hint=f"known are {known}")
        return cls(key, match["value"], match["sign"] == "==", text)

    def actual(self, host: HostView) -> str:
        """What the host has for `key`; empty where it has nothing."""
        if self.key.startswith(_LABELS):
            return host.labels.get(self.key[len(_LABELS) :], "")
        if self.key.startswith(_ENGINE_LABELS):
            return host.engine_labels.get(self.key[len(_ENGINE_LABELS) :], "")
        return _PLAIN[self.key](host)

    def objection(self, host: HostView) -> str:
        """Why `host` doesn't fit; empty where it does."""
        actual = self.actual(host)
        if (actual.lower() == self.value.lower()) == self.equal:
            return ""
        return f"{self.text} asked, it has '{actual}'" if actual else f"{self.text} asked"
