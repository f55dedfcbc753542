"""`nap cluster certs renew`: new certificates while the cluster works.

Engines read theirs when they start, and stop their containers by that. So a new one lies ready on
its host, and is shown from the engine's next start on, whenever that is. Two CAs are trusted in the
meantime: engines trust the one that follows from their first day on, nap the former one until no
engine shows its certificates any more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from nap_compose.border import Renewed, RenewRequest
from nap_compose.cluster.certificates import opens
from nap_compose.cluster.cluster import Host, Tls
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.cluster.observe import Part
from nap_compose.cluster.pki import RENEWED, Authority
from nap_compose.control.founding import overssh
from nap_compose.control.founding.adding import APPEARS, by_hand
from nap_compose.control.founding.overssh import Via
from nap_compose.control.founding.site import Site, enter, opened
from nap_compose.errors import NapError, WrongUse

RUNNING = ("running", "restarting", "paused")


class Renewing:
    """The certificates of one cluster; see `border.Founding`."""

    def __init__(self, request: RenewRequest, env: Mapping[str, str]) -> None:
        self._env = env
        self._request = request
        self._site = Site.of(request.file)
        self._hosts = self._own_hosts()
        for name in request.hosts:
            if name not in self._hosts:
                raise WrongUse(
                    f"nap makes no certificate for a host '{name}'",
                    hint=f"it makes those of {', '.join(self._hosts) or 'no host'}",
                )

    def to_restart(self) -> Mapping[str, tuple[str, ...]]:
        """The hosts that would be restarted, and what stops there, as far as it can be seen."""
        authority = self._site.material.authority(self._site.cluster.name)
        stale = [
            name
            for name, host in self._hosts.items()
            if self._follows(authority)
            or name in self._request.hosts
            or not self._is_good(authority, host)
            or not self._site.listens(host)
        ]
        running: dict[str, tuple[str, ...]] = {}
        with suppress(NapError), opened(self._site.cluster) as parts:
            view = parts.look(only=frozenset({Part.INFO, Part.CONTAINERS}))
            for name, there in view.hosts.items():
                running[name] = tuple(
                    each.name for each in there.containers if each.state in RUNNING
                )
        return {name: running.get(name, ()) for name in stale}

    def renew(self, tell: Callable[[str], None]) -> Renewed:
        """Make what is to be made, bring it to the hosts, and go on as far as the engines do."""
        material, name = self._site.material, self._site.cluster.name
        authority = material.authority(name)
        if self._follows(authority):
            material.follow()
            authority = material.authority(name)
            tell(f"the CA that was to follow is the CA now: {material.ca.cert}")
        for each in self._request.hosts:
            (material.of_host(each) / "cert.pem").unlink(missing_ok=True)
        addresses = {each: endpoint_of(host).name for each, host in self._hosts.items()}
        for sentence in material.make_hosts(authority, addresses):
            tell(sentence)
        commands = self._bring(tell)
        shown = self._show_own(authority, tell)
        waiting = self._waiting()
        if shown and not waiting and material.former:
            material.settle()
            list(material.make_hosts(authority, addresses))
            tell("nap trusts the former CA no longer")
            commands = self._place(self._hosts, tell, "the former CA goes")
        material.hand_over()
        with suppress(NapError), opened(self._site.cluster) as parts:
            enter(parts, self._env, "cluster certs renew", ",".join(self._hosts))
        return Renewed(waiting, commands, complete=shown and not material.former)

    def _own_hosts(self) -> Mapping[str, Host]:
        """Those that are reached with the certificates that nap makes."""
        ca = self._site.material.ca.cert
        hosts = self._site.cluster.hosts.items()
        return {name: host for name, host in hosts if host.tls and host.tls.ca == ca}

    def _follows(self, authority: Authority) -> bool:
        """Whether another CA has to follow now; one at a time."""
        wanted = self._request.ca or authority.days_left < RENEWED
        return wanted and not self._site.material.former

    def _is_good(self, authority: Authority, host: Host) -> bool:
        return authority.is_good(
            self._site.material.pair_of(host.name), (endpoint_of(host).name, host.name)
        )

    def _waiting(self) -> tuple[str, ...]:
        """The hosts whose engines don't show what was made for them last."""
        return tuple(name for name, host in self._hosts.items() if not self._site.listens(host))

    def _bring(self, tell: Callable[[str], None]) -> dict[str, tuple[str, ...]]:
        """Have on the hosts what was made for them, and their engines restarted one after another
        where that is asked for; gives what is to be done by hand."""
        stale = {name: self._hosts[name] for name in self._waiting()}
        if not self._request.restart:
            return self._place(stale, tell)
        left: dict[str, tuple[str, ...]] = {}
        for name, host in stale.items():
            via = self._site.material.via(name)
            folder = self._site.material.of_host(name)
            if via is None:
                left[name] = by_hand(folder, Via(f"root@{endpoint_of(host).name}"), stop=True)
                continue
            said = overssh.set_up(name, via, folder, self._env, restart=True, stop=True)
            tell(f"{name}: {said}")
            self._until_it_listens(host)
        return left

    def _until_it_listens(self, host: Host) -> None:
        until = time.monotonic() + APPEARS
        while not self._site.listens(host):
            if time.monotonic() > until:
                raise NapError(
                    "its engine was restarted, but doesn't show its new certificate",
                    host=host.name,
                    hint="nothing was done on the hosts after it; look at its engine's log there",
                )
            time.sleep(0.3)

    def _place(
        self,
        hosts: Mapping[str, Host],
        tell: Callable[[str], None],
        done: str = "its certificate lies ready",
    ) -> dict[str, tuple[str, ...]]:
        """Have it lie ready there for the engine's next start; gives what is to be done by hand."""
        left: dict[str, tuple[str, ...]] = {}
        for name, host in hosts.items():
            via, folder = self._site.material.via(name), self._site.material.of_host(name)
            if via is None:
                left[name] = by_hand(folder, Via(f"root@{endpoint_of(host).name}"), stop=True)
                continue
            try:
                overssh.set_up(name, via, folder, self._env, restart=False)
            except NapError as error:
                tell(f"{name}: {error.message}")
                left[name] = by_hand(folder, via, stop=True)
            else:
                tell(f"{name}: {done}, with its engine's next start")
        return left

    def _show_own(self, authority: Authority, tell: Callable[[str], None]) -> bool:
        """Have nap show a certificate that is good, once every engine takes it, or none takes the
        old one; says whether it does."""
        material = self._site.material
        if authority.is_good(material.client):
            return True
        authority.signed(material.next_client, "nap")
        pair = material.next_client
        new = Tls(material.ca.cert, pair.cert, pair.key)
        refusing = [name for name, host in self._hosts.items() if not opens(replace(host, tls=new))]
        if refusing and any(opens(host) for host in self._hosts.values()):
            tell(f"nap shows its old certificate until {', '.join(refusing)} would take a new one")
            return False
        material.show_next_client()
        tell(f"nap shows its new certificate: {material.client.cert}")
        return True
