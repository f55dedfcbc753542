"""Quotas: how much a user, or a group all together, may use. What is decided here is pure.

A quota that was set by command wins over the cluster file's, resource by resource; a user's own
over that of everybody. Groups' limits hold besides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nap_compose.cluster.use import RESOURCES, UNLIMITED, Use, show, together
from nap_compose.errors import NapError
from nap_compose.exits import Exit
from nap_compose.plaindata import dataclass

EVERYBODY = "*"

Limits = Mapping[str, int]
"""Resource → the most of it."""


class OverQuota(NapError):
    """What is asked would be more than the quota allows."""

    exit_code = Exit.NO_ROOM


@dataclass(frozen=True)
class Quota:
    """What `subject` (an owner, or `@GROUP`) may use at most, and what `others` use of it already:
    the app, as people write it, → what it uses. The app that is deployed isn't among them."""

    subject: str
    limits: Limits
    others: Mapping[str, Use]

    @property
    def used(self) -> Use:
        """What the others use together."""
        return together(self.others.values())


def limits_of(subject: str, said: Mapping[str, Limits]) -> Limits:
    """The limits of one subject: an owner's are everybody's where they have none of their own.

    `said` are all limits by subject: an owner, `@GROUP` or EVERYBODY.
    """
    common = {} if subject.startswith("@") else said.get(EVERYBODY, {})
    limits = {**common, **said.get(subject, {})}
    return {name: most for name, most in limits.items() if most != UNLIMITED}


def check(
    app: str, before: Use, after: Use, quotas: Sequence[Quota], *, asks: str = "asks for"
) -> None:
    """Raise OverQuota where `app`, which uses `before` now and would use `after`, would lead over a
    quota. What asks for no more than it has is never refused. `asks` is the verb of the sentence.
    """
    over = [
        _sentence(app, resource, quota, before, after, asks)
        for quota in quotas
        for resource in RESOURCES
        if resource in quota.limits
        and getattr(after, resource) > getattr(before, resource)
        and getattr(quota.used, resource) + getattr(after, resource) > quota.limits[resource]
    ]
    if over:
        raise OverQuota(
            "\n".join(over),
            hint="nap quota show tells what is used; nap down and fewer replicas give back, "
            "an admin can raise it: nap quota set",
        )


def _sentence(app: str, resource: str, quota: Quota, before: Use, after: Use, asks: str) -> str:
    most, asked = quota.limits[resource], getattr(after, resource)
    used = {name: getattr(use, resource) for name, use in quota.others.items()}
    shares = sorted(((amount, name) for name, amount in used.items() if amount), reverse=True)
    listed = ", ".join(f"{name} {show(resource, amount)}" for amount, name in shares[:5])
    rest = f" and {len(shares) - 5} more" if len(shares) > 5 else ""
    others = sum(used.values())
    told = f"others use {show(resource, others)} ({listed}{rest})" if others else "others use none"
    had = getattr(before, resource)
    now = f", it has {show(resource, had)} now" if had else ""
    return (
        f"over the quota of {quota.subject} for {resource}: {show(resource, most)} is the most, "
        f"{told}, and {app} {asks} {show(resource, asked)}{now}"
    )
