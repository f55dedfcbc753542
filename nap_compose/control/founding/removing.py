"""`nap host rm`: a host that runs nothing of nap's any more leaves the swarm, the cluster file, the
state store and the catalog. Each part can be repeated, so that a second call goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from nap_compose.border import RemoveRequest
from nap_compose.cluster import state_keys
from nap_compose.cluster.engine import Engine
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import View
from nap_compose.control.founding import clusterfile, joining, overssh
from nap_compose.control.founding.site import Site, enter, ip_of, opened, to_be_told
from nap_compose.control.parts import Parts
from nap_compose.errors import Away, NapError, WrongUse
from nap_compose.text import nearest

WHAT_RUNS = frozenset({Part.INFO, Part.CONTAINERS})

_ABOUT_A_HOST = (
    *(state_keys.HOSTS, state_keys.HOST_CLAIMS, state_keys.HEALTH_HOSTS),
    *(state_keys.LOST, state_keys.FAILURES, state_keys.LOGS_OF_HOSTS),
)
"""What the keys begin with that end with a host's name."""

UNDO = (
    "rm -r /etc/systemd/system/docker.service.d/nap.conf /etc/docker/nap",
    "systemctl daemon-reload",
    "systemctl restart docker",
)
"""What takes nap's settings off a host where ssh doesn't reach it."""


class Removing:
    """One host that is to go; see `border.Founding`."""

    def __init__(self, request: RemoveRequest, env: Mapping[str, str]) -> None:
        self._env = env
        self._request = request
        self._site = Site.of(request.file, signs=False)

    def remove(self, tell: Callable[[str], None]) -> tuple[str, ...]:
        """Take it out; gives what remains to be done by hand."""
        name, site = self._request.name, self._site
        if name in site.cluster.hosts:
            with opened(site.cluster) as parts:
                view = parts.look(only=WHAT_RUNS)
                self._check(view)
                self._leave_the_swarm(parts, view, tell)
                if clusterfile.remove_host(site.material.file, name):
                    tell(f"{name} no longer stands in {site.material.file}")
                self._forget(parts)
                enter(parts, self._env, "host rm", name)
            tell(f"nothing of {name} stands in state and catalog any more")
        elif not site.material.of_host(name).exists():
            near = nearest(name, site.cluster.hosts)
            raise WrongUse(
                f"the cluster has no host '{name}'",
                hint=f"did you mean '{near}'?" if near else None,
            )
        remains = tuple(self._close_its_engine(tell))
        site.material.forget_host(name)
        return remains

    def _check(self, view: View) -> None:
        name = self._request.name
        if list(self._site.cluster.hosts) == [name]:
            raise NapError("it is the cluster's last host", host=name)
        there = view.hosts.get(name)
        if there is None and not self._request.lost:
            why = next((each.text for each in view.unseen if each.name == name), "it is away")
            raise Away(
                f"it can't be asked to leave: {why}",
                host=name,
                hint=f"when it is gone for good: nap host rm {name} --lost",
            )
        if there is not None and self._request.lost:
            raise NapError(
                "it answers, so it isn't lost", host=name, hint=f"nap host rm {name} moves its apps"
            )
        if there and (mine := sorted(each.name for each in there.containers if each.identity)):
            raise NapError(
                f"it still has {', '.join(mine)}",
                host=name,
                hint=f"nap host drain {name} moves what can be moved",
            )

    def _leave_the_swarm(self, parts: Parts, view: View, tell: Callable[[str], None]) -> None:
        name = self._request.name
        there = view.hosts.get(name)
        staying = {host: each for host, each in view.hosts.items() if host != name}
        managers = [host for host, each in staying.items() if each.swarm.control]
        if there and not there.swarm.cluster:
            return
        if there is None:
            if managers:
                self._forget_node_of_the_lost(parts.engines.on(managers[0]), tell)
                for sentence in joining.balanced(parts, without=name):
                    tell(sentence)
            return
        for sentence in joining.balanced(parts, without=name):
            tell(sentence)
        parts.engines.on(name).leave_swarm()
        tell(f"{name} left the swarm")
        managers = [
            host
            for host, each in parts.look(only=frozenset({Part.INFO})).hosts.items()
            if each.swarm.control and host != name
        ]
        if managers:
            _until_it_is_down(parts.engines.on(managers[0]), there.swarm.node)
            joining.forget(parts.engines.on(managers[0]), there.swarm.node)

    def _forget_node_of_the_lost(self, manager: Engine, tell: Callable[[str], None]) -> None:
        own = ip_of(self._site.address(self._request.name), self._request.name)
        for node in manager.nodes():
            led = (node.get("ManagerStatus") or {}).get("Addr", "")
            if own in ((node.get("Status") or {}).get("Addr"), led.rpartition(":")[0]):
                joining.forget(manager, node["ID"])
                tell(f"the swarm has forgotten {self._request.name}")

    def _forget(self, parts: Parts) -> None:
        name = self._request.name
        for prefix in _ABOUT_A_HOST:
            parts.store.delete(prefix + name)
        for entry in parts.store.list(state_keys.HEALTH):
            if isinstance(entry.value, Mapping) and entry.value.get("host") == name:
                parts.store.delete(entry.key)
        for listed in parts.catalog.of(name):
            parts.catalog.withdraw(name, listed)

    def _close_its_engine(self, tell: Callable[[str], None]) -> Iterator[str]:
        """Have its engine open to nap no longer; gives what remains to be done by hand."""
        name, via = self._request.name, self._site.material.via(self._request.name)
        if via and not self._request.lost:
            try:
                tell(f"{name}: {overssh.undo(name, via, self._env)}")
            except NapError as error:
                tell(f"{name} can't be told to close its engine: {error.message}")
                via = None
        if via is None and not self._request.lost:
            yield f"on {name}, or its engine stays open to this cluster: {'; '.join(UNDO)}"
        yield from to_be_told()


def _until_it_is_down(manager: Engine, node: str) -> None:
    """Wait until the swarm has seen that the node left; one that is up isn't forgotten."""
    until = time.monotonic() + joining.PATIENCE
    while time.monotonic() < until:
        found = next((each for each in manager.nodes() if each["ID"] == node), None)
        if found is None or (found.get("Status") or {}).get("State") == "down":
            return
        time.sleep(0.3)
