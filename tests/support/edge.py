"""examples/edge on the first two hosts of a bed: HAProxy on both, and an address that one has."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bed import consul, hosts, proc
from bed.layout import Bed
from tests.support.apps import EXAMPLES


@dataclass(frozen=True)
class Edge:
    """Before the service that the catalog calls `name`. h2 is to have the address."""

    bed: Bed
    name: str

    @property
    def address(self) -> str:
        """One of the bed's network that no host has."""
        return f"{self.bed.control_ip.rpartition('.')[0]}.200"

    @contextmanager
    def running(self) -> Iterator[None]:
        """For as long as the block lasts."""
        try:
            for name in ("h1", "h2"):
                self.start(name)
            yield
        finally:
            for name in ("h1", "h2"):
                proc.stop(self.bed, f"{name}.keepalived")
                self.stop_proxy(name)

    def start(self, name: str) -> None:
        """Both programs on one host, with the examples' files as they'd be there."""
        host, folder = self.bed.host(name), self.bed.host(name).directory
        (folder / "haproxy.cfg").write_text(self._proxy())
        (folder / "keepalived.conf").write_text(self._keeper(name))
        hosts.start_in(self.bed, host, "haproxy", "haproxy", "-db", "-f", folder / "haproxy.cfg")
        words = ("--dont-fork", "--vrrp", "--log-console", "--use-file")
        hosts.start_in(
            self.bed, host, "keepalived", "keepalived", *words, folder / "keepalived.conf"
        )

    def stop_proxy(self, name: str) -> None:
        """HAProxy alone."""
        proc.stop(self.bed, f"{name}.haproxy")

    def holder(self) -> str:
        """Which of them has the address; empty for none."""
        words = ("ip", "-4", "-o", "address", "show")
        for name in ("h1", "h2"):
            if hosts.state(self.bed, self.bed.host(name)) == "down":
                continue
            told = hosts.run_in(self.bed, self.bed.host(name), *words, capture_output=True)
            if f" {self.address}/" in told.stdout:
                return name
        return ""

    def get(self) -> str:
        """Who answers there; empty where nobody does."""
        request = urllib.request.Request(
            f"http://{self.address}/", headers={"Host": "shop.example"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return str(answer.read().decode()).strip()
        except (urllib.error.URLError, OSError):
            return ""

    def _proxy(self) -> str:
        text = (EXAMPLES / "edge" / "haproxy.cfg").read_text()
        first, second = self.bed.hosts[:2]
        return _replaced(
            text,
            ("10.0.0.11:8600", f"{first.ip}:{consul.DNS_PORT}"),
            ("10.0.0.12:8600", f"{second.ip}:{consul.DNS_PORT}"),
            ("nap-ada-shop-web", self.name),
        )

    def _keeper(self, name: str) -> str:
        text = (EXAMPLES / "edge" / "keepalived.conf").read_text()
        other = self.bed.host("h1" if name == "h2" else "h2")
        return _replaced(
            text,
            ("router_id h1", f"router_id {name}"),
            ("priority 150", f"priority {150 if name == 'h2' else 100}"),
            ("unicast_src_ip 10.0.0.11", f"unicast_src_ip {self.bed.host(name).ip}"),
            ("    10.0.0.12\n", f"    {other.ip}\n"),
            ("10.0.0.10/24", f"{self.address}/24"),
        )


def _replaced(text: str, *pairs: tuple[str, str]) -> str:
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return text
