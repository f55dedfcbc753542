"""Networks and volumes whose definition changed: taken away and made anew. Pure."""

from __future__ import annotations

from nap_compose.cluster.view import ContainerView, NetworkView
from nap_compose.orchestration import common
from nap_compose.orchestration.decide import Changed
from nap_compose.orchestration.plan import Change, Kind, Line, Step
from nap_compose.orchestration.planning.draft import Draft
from nap_compose.orchestration.wanted import Slot


def renew(draft: Draft, changed: Changed) -> None:
    """Add the steps that make them anew, before any container is made.

    A network is taken from under its containers, which are stopped for it and keep their ids. A
    volume goes with everything in it, once the containers that use it are gone.
    """
    for key, network in changed.networks.items():
        _network(draft, key, network)
    for key, volumes in changed.volumes.items():
        for volume in volumes:
            kept = key in draft.wish.pooled
            why = f"its definition changed; what is in it {'stays' if kept else 'is lost'}"
            draft.summary.append(Line(Change.REPLACE, f"volume {key}", volume.host, why))
            draft.add(
                Step(
                    id=f"renew-volume:{key}@{volume.host}",
                    kind=Kind.RENEW_VOLUME,
                    host=volume.host,
                    target=volume.name,
                    subject=f"volume {key}",
                    needs=draft.after(Kind.BRING_IMAGE, Kind.ENSURE_FOLDER),
                    args={"key": key},
                )
            )


def _network(draft: Draft, key: str, network: NetworkView) -> None:
    wish = draft.wish
    members = [
        container
        for container in wish.view.of_app(wish.owner, wish.app.name)
        if network.name in container.networks
        and (network.scope != "local" or container.host == network.host)
    ]
    decided = {d.container.id: d for d in draft.decisions if d.container is not None}
    leaving = {d.container.id for d in draft.making if d.container is not None}
    draft.summary.append(
        Line(Change.REPLACE, f"network {key}", network.host, "its definition changed")
    )
    renewal = draft.add(
        Step(
            id=f"renew-network:{key}@{network.host}",
            kind=Kind.RENEW_NETWORK,
            host=network.host,
            target=network.id,
            subject=f"network {key}",
            needs=draft.after(Kind.BRING_IMAGE),
            undo="put back",
            args={
                "key": key,
                "name": network.name,
                "overlay": wish.overlay != "bridge",
                "members": [
                    {"host": c.host, "id": c.id, "stays": c.id not in leaving} for c in members
                ],
                "known_on": [
                    name
                    for name, host in wish.view.hosts.items()
                    if any(each.id == network.id for each in host.networks)
                ],
            },
        )
    )
    for container in members:
        if container.id not in decided and container.state == "running":
            _stop_meanwhile(draft, container, renewal)


def _stop_meanwhile(draft: Draft, container: ContainerView, renewal: str) -> None:
    """Stop and start again a container of a service that isn't otherwise deployed now."""
    identity = container.identity
    if identity is None:
        return
    subject = common.subject_of(container)
    stop = common.stopping(container, subject, draft.wish.grace, undo="start")
    draft.add_need(renewal, draft.add(stop))
    slot = Slot(identity.service, identity.replica)
    draft.add(
        Step(
            id=f"start:{slot}" + (f":{container.id[:8]}" if identity.oneoff else ""),
            kind=Kind.START,
            host=container.host,
            target=str(slot),
            subject=subject,
            needs=(renewal,),
            undo="stop",
            args={"container": container.id, "paused": False},
        )
    )
