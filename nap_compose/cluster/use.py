"""What of a cluster's means is used, as quotas count it. Pure.

CPUs and memory count as what containers may use, which is their limit: what is merely kept free
for them may be far less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields

from nap_compose.cluster.holding import NANO
from nap_compose.plaindata import dataclass
from nap_compose.units import parse_size, show_size


@dataclass(frozen=True)
class Use:
    """How much: `containers` in any state, `cpus` in billionths, `memory` and `storage` in bytes
    (storage is what volumes in the cluster's pool may hold), published `ports`, named `volumes`."""

    containers: int = 0
    cpus: int = 0
    memory: int = 0
    ports: int = 0
    volumes: int = 0
    storage: int = 0

    def as_dict(self) -> dict[str, int]:
        """By resource, what is nothing left out."""
        return {name: value for name in RESOURCES if (value := getattr(self, name))}

    @classmethod
    def of(cls, told: Mapping[str, int]) -> Use:
        """What `as_dict` gave."""
        return cls(**{name: int(told.get(name, 0)) for name in RESOURCES})


NO_USE = Use()

RESOURCES = tuple(each.name for each in fields(Use))
"""What a quota can limit."""

UNLIMITED = -1
"""Stands for no limit where another one would count."""


def together(uses: Iterable[Use]) -> Use:
    """What several come to."""
    found = tuple(uses)
    return Use(**{name: sum(getattr(each, name) for each in found) for name in RESOURCES})


def larger(one: Use, other: Use) -> Use:
    """Of each resource the larger."""
    return Use(**{name: max(getattr(one, name), getattr(other, name)) for name in RESOURCES})


def show(resource: str, amount: int) -> str:
    """An amount for people: `1.5`, `512MiB`, `20`."""
    if amount == UNLIMITED:
        return "unlimited"
    if resource == "cpus":
        return f"{amount / NANO:g}"
    return show_size(amount) if resource in ("memory", "storage") else str(amount)


def read_amount(resource: str, text: str) -> int:
    """The amount that somebody wrote. Raises ValueError with a sentence."""
    if resource not in RESOURCES:
        raise ValueError(f"'{resource}' is none of {', '.join(RESOURCES)}")
    if text == "unlimited":
        return UNLIMITED
    if resource in ("memory", "storage"):
        return parse_size(text)
    try:
        number = round(float(text) * NANO) if resource == "cpus" else int(text)
    except (ValueError, OverflowError):
        raise ValueError(f"'{text}' is no number of {resource}") from None
    if not 0 <= number < 1 << 62:
        raise ValueError(f"'{text}' is no number of {resource}")
    return number
