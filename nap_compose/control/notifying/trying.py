"""`nap notify test`: each recipient is sent a notice that says it is a test."""

from __future__ import annotations

from functools import partial

from nap_compose.border import Listing, NotifyRow, NotifyTest
from nap_compose.clock import utc_now
from nap_compose.cluster.asking import ask_each
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.notify import Recipient
from nap_compose.control.notifying.senders import PATIENCE, send
from nap_compose.errors import NapError, WrongUse
from nap_compose.health.notices import Notice

ENDS = 2 * PATIENCE
"""Seconds after which a recipient counts as one that doesn't answer."""


def try_out(cluster: Cluster, request: NotifyTest) -> Listing:
    """Rows of `NotifyRow`. Raises WrongUse for a recipient that the cluster file doesn't have."""
    known = cluster.notify.to
    if not known:
        raise WrongUse(
            "the cluster file names nobody to tell",
            hint="`notify` in it does: see docs/notify.md",
        )
    for name in request.names:
        if name not in known:
            raise WrongUse(f"'{name}' isn't told anything", hint=f"known: {', '.join(known)}")
    at = utc_now()
    notice = Notice(
        f"test-{at}", at, "test", "notify", "done", "this is a test", owner="test", app="test"
    )
    asked_of = {
        name: partial(send, known[name], notice, cluster.name) for name in request.names or known
    }
    problems = {}
    for name, asked, ends in ask_each(asked_of, deadline=ENDS):
        try:
            asked.answer(ends)
            problems[name] = ""
        except TimeoutError:
            problems[name] = f"no answer within {ENDS:g} s"
        except NapError as error:
            problems[name] = error.message
    return Listing(tuple(NotifyRow(n, _way(known[n]), problems[n]) for n in asked_of))


def _way(recipient: Recipient) -> str:
    return "webhook" if recipient.webhook else "mail" if recipient.mail else "command"
