"""`nap host add`: a host is looked at, set up, joined in the swarm and entered in the cluster file.
Each part can be repeated, so that a second call goes on."""

from __future__ import annotations

import shlex
import socket
import time
from collections.abc import Callable, Iterator, Mapping

from nap_compose.border import Added, AddRequest, Finding, Grade, Survey
from nap_compose.cluster.engine_endpoint import TLS_PORT, endpoint_of
from nap_compose.cluster.observe import Part
from nap_compose.cluster.view import View
from nap_compose.control.founding import clusterfile, joining, newcomer, overssh
from nap_compose.control.founding.overssh import Via
from nap_compose.control.founding.site import Site, enter, ip_of, opened, to_be_told
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError, WrongUse

INFO = frozenset({Part.INFO})

KNOCK = 3.0
"""Seconds that a packet may take to the host's port and back."""

APPEARS = 60.0
"""Seconds within which an engine that was restarted listens."""


class Adding:
    """One host that is to join; see `border.Founding`."""

    def __init__(self, request: AddRequest, env: Mapping[str, str]) -> None:
        self._env = env
        self._request = request
        self._site = Site.of(request.file)
        self._via = Via.read(request.via) if request.via else None
        self._host = self._site.host(request.name, self._address())

    def survey(self) -> Survey:
        """Look at the host; nothing is changed."""
        if self._site.listens(self._host):
            text = "its engine listens, with the certificate that nap made for it"
            return Survey((Finding(self._host.name, Grade.OK, text),))
        if self._via is None:
            return Survey()
        view = self._view()
        sent = time.time()
        printed = overssh.look(self._host.name, self._via, self._questions(view), self._env)
        seen = newcomer.read(self._host.name, printed, sent=sent, received=time.time())
        joined = self._is_in_swarm(view)
        found = newcomer.findings(seen, cluster_mtu=self._site.cluster.network.mtu, in_swarm=joined)
        return Survey(
            (*found, *self._knocked()),
            tuple(newcomer.changes(seen, in_swarm=joined)),
            seen.stops,
            () if seen.stops else seen.containers,
        )

    def add(self, tell: Callable[[str], None]) -> Added:
        """Set it up, join it, enter it."""
        self._certify(tell)
        if not self._site.listens(self._host):
            if self._via is None:
                return Added(complete=False, commands=self._commands())
            self._set_up(self._via, tell)
        if self._via:
            self._site.material.reached(self._host.name, self._via)
        with opened(self._site.with_host(self._host)) as parts:
            self._join(parts, tell)
            file, host = self._site.material.file, self._host
            if clusterfile.add_host(file, host.name, host.endpoint, self._request.labels):
                tell(f"{host.name} stands in {file}")
            enter(parts, self._env, "host add", host.name)
        self._site.material.hand_over()
        return Added(complete=True, remains=tuple(to_be_told()))

    def by_hand(self, tell: Callable[[str], None]) -> tuple[str, ...]:
        """The commands that set it up; its certificate is made for them."""
        self._certify(tell)
        self._site.material.hand_over()
        return self._commands()

    def _address(self) -> str:
        request, known = self._request, self._site.cluster.hosts.get(self._request.name)
        there = endpoint_of(known).name if known else ""
        address = request.address or there or (self._via.address if self._via else "")
        if not address:
            raise WrongUse(
                f"nap can't tell where {request.name} is reached",
                hint=f"nap host add {request.name} --via ssh://admin@10.0.0.14, or --address",
            )
        if there and address != there:
            raise WrongUse(
                f"{request.name} stands in the cluster file with the address {there}",
                hint=f"nap host rm {request.name} takes it out, or change the file",
            )
        return address

    def _certify(self, tell: Callable[[str], None]) -> None:
        material = self._site.material
        authority = material.authority(self._site.cluster.name)
        address = endpoint_of(self._host).name
        for sentence in material.make_hosts(authority, {self._host.name: address}):
            tell(sentence)

    def _set_up(self, via: Via, tell: Callable[[str], None]) -> None:
        folder, stop = self._site.material.of_host(self._host.name), self._request.stop
        name = self._host.name
        said = overssh.set_up(name, via, folder, self._env, restart=True, stop=stop)
        tell(f"{name}: {said}")
        until = time.monotonic() + APPEARS
        while not self._site.listens(self._host):
            if time.monotonic() > until:
                raise NapError(
                    f"it is set up, but doesn't answer on TCP {TLS_PORT}",
                    host=name,
                    hint="is that port of the host open to this machine?",
                )
            time.sleep(0.3)

    def _join(self, parts: Parts, tell: Callable[[str], None]) -> None:
        if parts.cluster.network.driver == "bridge":
            return
        view = parts.look(only=INFO)
        planned = joining.joins(view)
        taking_part = {host for join in planned for host in (join.host, join.through) if host}
        addresses = {
            host: ip_of(endpoint_of(parts.cluster.hosts[host]).name, host) for host in taking_part
        }
        for sentence in joining.carry_out(planned, parts.engines, addresses):
            tell(sentence)
        for sentence in joining.balanced(parts):
            tell(sentence)

    def _view(self) -> View | None:
        """The cluster as it is, with the host where it listens already."""
        if not self._site.cluster.hosts:
            return None
        with opened(self._site.cluster) as parts:
            return parts.look(only=INFO)

    def _is_in_swarm(self, view: View | None) -> bool:
        there = view.hosts.get(self._host.name) if view else None
        return bool(there and there.swarm.cluster)

    def _questions(self, view: View | None) -> list[str]:
        """What the host's own look is to try: its address, and the others' ports of the swarm."""
        own = ip_of(endpoint_of(self._host).name, self._host.name)
        words = [own]
        for name, host in (view.hosts if view else {}).items():
            if name == self._host.name or not host.swarm.cluster:
                continue
            ip = ip_of(self._site.address(name), name)
            words.append(f"{ip}:{newcomer.GOSSIP_PORT}")
            if host.swarm.control:
                words.append(f"{ip}:{newcomer.SWARM_PORT}")
        return words

    def _knocked(self) -> Iterator[Finding]:
        """Whether this machine's packets come to the engine's port: who isn't listened to yet is
        refused at once."""
        endpoint = endpoint_of(self._host)
        try:
            with socket.create_connection((endpoint.name, endpoint.port), timeout=KNOCK):
                pass
        except ConnectionRefusedError:
            pass
        except OSError as error:
            why = error.strerror or str(error)
            yield Finding(
                self._host.name,
                Grade.FAULT,
                f"this machine doesn't come through to {endpoint}: {why}",
                f"open TCP {TLS_PORT} of the host to this machine",
            )
            return
        text = f"this machine comes through to TCP {endpoint.port}"
        yield Finding(self._host.name, Grade.OK, text)

    def _commands(self) -> tuple[str, ...]:
        via = self._via or Via(f"root@{endpoint_of(self._host).name}")
        again = ["nap", "host", "add", self._host.name]
        again += ["--address", endpoint_of(self._host).name]
        folder = self._site.material.of_host(self._host.name)
        return (*by_hand(folder, via), shlex.join(again))


def by_hand(folder: object, via: Via, *, stop: bool = False) -> tuple[str, ...]:
    """What brings the folder of a host there and puts it in place."""
    there = "nap-set-up"
    port = ("-P", str(via.port)) if via.port else ()
    words = "restart stop" if stop else "restart"
    user = via.destination.rpartition("@")[0]
    root = "" if user in ("", "root") else "sudo "
    scp = ["scp", *port, "-r", str(folder), f"{via.destination}:{there}"]
    ssh = ["ssh", *(("-p", str(via.port)) if via.port else ()), via.destination]
    run = f"{root}sh {there}/{overssh.SET_UP} {words} && rm -r {there}"
    return shlex.join(scp), shlex.join([*ssh, run])
