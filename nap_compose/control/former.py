"""The hooks of containers that are there, where no file says them: from their revision."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nap_compose.cluster.labels import HOOKS
from nap_compose.cluster.view import ContainerView
from nap_compose.compose.model import App
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError
from nap_compose.orchestration.steps.hooks import PRE_STOP


def former_app(
    parts: Parts,
    owner: str,
    app: str,
    containers: Iterable[ContainerView],
    warn: Callable[[str], None],
    *,
    moments: tuple[str, ...] = (PRE_STOP,),
) -> App | None:
    """The app as it was last deployed, where any of its containers has a hook of these
    `moments`; None where none has, so that nothing is read for nothing.

    Where the revision can't be had, `warn` is told and the containers go on without it: an
    app must always be able to go.
    """
    numbers = [
        container.identity.revision
        for container in containers
        if container.identity is not None
        and set(container.labels.get(HOOKS, "").split(",")) & set(moments)
    ]
    if not numbers:
        return None
    from nap_compose.cluster import revisions

    try:
        return revisions.load(parts.store, parts.keyring.cipher, owner, app, max(numbers))
    except NapError as problem:
        hooks = " and ".join(moments)
        warn(f"the {hooks} hooks of {app} aren't run, since they aren't known: {problem}")
        return None
