"""Whether a step is done already, is still to be done, or is in somebody's way. Pure.

A plan can lie for a while before it is run, and a run can be cut off. What each step would find
now is told from a fresh view, without asking an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from nap_compose.cluster.images import familiar
from nap_compose.cluster.view import ContainerView, HostView, NetworkView, View, VolumeView
from nap_compose.compose.model import Condition
from nap_compose.health.verdict import Word, judge
from nap_compose.orchestration.plan import Kind, Plan, Step


class State(str, Enum):
    """What a step would find."""

    DONE = "done"
    TODO = "todo"
    CONFLICT = "conflict"
    """Something in the way that isn't the app's, or a host that isn't seen."""


def check(step: Step, plan: Plan, view: View) -> State:
    """What `step` of `plan` would find in `view`."""
    if step.kind is Kind.CHECK:
        waits = [other for other in plan.steps if other.kind is Kind.WAIT]
        return _worst([check(other, plan, view) for other in waits])
    if step.kind is Kind.GATHER:
        return State.DONE
    if step.kind in (Kind.PAUSE, Kind.RESTART, Kind.KILL):
        return State.TODO  # time that passed, or a signal, leaves no trace
    if step.kind in (Kind.ENSURE_FOLDER, Kind.REMOVE_FOLDER):
        return State.TODO  # a view doesn't look into the cluster storage; these look for themselves
    host = view.hosts.get(step.host)
    if host is None:
        return State.CONFLICT
    if step.kind is Kind.JOIN:
        return _joined(step, plan, view)
    return _CHECKS[step.kind](step, plan, host)


def _worst(states: list[State]) -> State:
    for state in (State.CONFLICT, State.TODO):
        if state in states:
            return state
    return State.DONE


def _image(step: Step, _plan: Plan, host: HostView) -> State:
    found = host.has_image(familiar(step.target)) or host.has_image(step.target)
    wanted = step.args.get("id")
    return _done(found is not None and (not wanted or found.id == wanted))


def _network(step: Step, plan: Plan, host: HostView) -> State:
    return _resource([there for there in host.networks if there.name == step.target], plan)


def _volume(step: Step, plan: Plan, host: HostView) -> State:
    return _resource([there for there in host.volumes if there.name == step.target], plan)


def _resource(same: Sequence[NetworkView | VolumeView], plan: Plan) -> State:
    """What of the wanted name is there: the app's own, somebody else's, or nothing."""
    ours = [x for x in same if x.identity and _of(x.identity.owner, x.identity.app, plan)]
    return State.DONE if ours else State.CONFLICT if same else State.TODO


def _renewed(step: Step, plan: Plan, host: HostView) -> State:
    """What this deployment made in place of what was there."""
    name = step.args.get("name", step.target)
    things: list[NetworkView | VolumeView] = [*host.networks, *host.volumes]
    made = [thing.identity for thing in things if thing.name == name]
    return _done(any(identity and identity.deployment == plan.deployment for identity in made))


def _unseen_by_view(_step: Step, _plan: Plan, _host: HostView) -> State:
    """A view doesn't look into file systems; these steps look for themselves."""
    return State.TODO


def _network_gone(step: Step, _plan: Plan, host: HostView) -> State:
    return _done(all(network.id != step.target for network in host.networks))


def _volume_gone(step: Step, _plan: Plan, host: HostView) -> State:
    return _done(all(volume.name != step.target for volume in host.volumes))


def _create(step: Step, plan: Plan, host: HostView) -> State:
    return _done(_made(step, plan, host) is not None)


def _take_name(step: Step, plan: Plan, host: HostView) -> State:
    mine, name = _subject(step, plan, host), step.args["name"]
    if mine is not None and mine.name == name:
        return State.DONE
    holder = next((c for c in host.containers if c.name == name), None)
    ours = holder is None or (
        holder.identity is not None and _of(holder.identity.owner, holder.identity.app, plan)
    )
    return State.TODO if ours else State.CONFLICT


def _start(step: Step, plan: Plan, host: HostView) -> State:
    mine = _subject(step, plan, host)
    ended_well = mine is not None and mine.state == "exited" and mine.exit_code == 0
    return _done(mine is not None and (mine.state == "running" or ended_well))


def _wait(step: Step, plan: Plan, host: HostView) -> State:
    mine = _subject(step, plan, host)
    if mine is None or mine.state == "created":
        return State.TODO
    word = judge(mine, Condition(step.args["condition"])).word
    return {Word.MET: State.DONE, Word.PENDING: State.TODO}.get(word, State.CONFLICT)


def _joined(step: Step, plan: Plan, view: View) -> State:
    """Lists don't show the names of endpoints; whoever made way for it is gone once it has them."""
    before = [
        each for each in plan.steps if (each.kind, each.subject) == (Kind.SET_ASIDE, step.subject)
    ]
    return _worst([check(each, plan, view) for each in before])


def _stopped(step: Step, _plan: Plan, host: HostView) -> State:
    there = _by_id(host, step.target)
    return _done(there is None or there.state in ("created", "exited", "dead"))


def _frozen(step: Step, _plan: Plan, host: HostView) -> State:
    there = _by_id(host, step.target)
    return _done(there is not None and there.state == "paused")


def _gone(step: Step, _plan: Plan, host: HostView) -> State:
    return _done(_by_id(host, step.target) is None)


_CHECKS: Mapping[Kind, Callable[[Step, Plan, HostView], State]] = {
    Kind.BRING_IMAGE: _image,
    Kind.SHIP_FILES: _unseen_by_view,
    Kind.SEED_VOLUME: _unseen_by_view,
    Kind.CLEAR_FILES: _unseen_by_view,
    Kind.ENSURE_NETWORK: _network,
    Kind.ENSURE_VOLUME: _volume,
    Kind.RENEW_NETWORK: _renewed,
    Kind.RENEW_VOLUME: _renewed,
    Kind.REMOVE_NETWORK: _network_gone,
    Kind.REMOVE_VOLUME: _volume_gone,
    Kind.CREATE: _create,
    Kind.TAKE_NAME: _take_name,
    Kind.START: _start,
    Kind.WAIT: _wait,
    Kind.LEAVE: _stopped,
    Kind.SET_ASIDE: _stopped,
    Kind.STOP: _stopped,
    Kind.FREEZE: _frozen,
    Kind.REMOVE: _gone,
}


def _done(yes: bool) -> State:
    return State.DONE if yes else State.TODO


def _of(owner: str, app: str, plan: Plan) -> bool:
    return (owner, app) == (plan.owner, plan.app)


def _by_id(host: HostView, container: str) -> ContainerView | None:
    return next((found for found in host.containers if found.id == container), None)


def _subject(step: Step, plan: Plan, host: HostView) -> ContainerView | None:
    """The container that a step on a slot is about: the one it names, else the one made for it."""
    named = str(step.args.get("container") or "")
    return _by_id(host, named) if named else _made(step, plan, host)


def _made(step: Step, plan: Plan, host: HostView) -> ContainerView | None:
    """The container that this plan's deployment made for the slot."""
    for container in host.containers:
        identity = container.identity
        if (
            identity is not None
            and _of(identity.owner, identity.app, plan)
            and identity.slot == step.target
            and identity.deployment == plan.deployment
        ):
            return container
    return None
