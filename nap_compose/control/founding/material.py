"""A new cluster's own files: the CA, certificates, the key, the cluster file, and a folder for each
host with what belongs there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from nap_compose.cluster.certificates import certificates_of
from nap_compose.cluster.engine_endpoint import TLS_PORT
from nap_compose.cluster.keyring import FILE_NAME, make_key_file
from nap_compose.cluster.pki import NEXT_CA_DAYS, Authority, Pair, belong_together
from nap_compose.cluster.private_files import make_private_dir, replace_file
from nap_compose.control.founding.overssh import SET_UP, Via, script
from nap_compose.plaindata import dataclass

END = b"-----END CERTIFICATE-----"

VIA = "via"
"""The file among what belongs on a host that says how ssh reached it."""

HEAD = """\
# Written by `nap cluster init`, and yours from now on: nap changes nothing in it but that
# `nap host add` and `nap host rm` enter and take out hosts.
# `nap cluster check --example` prints every key.
"""


@dataclass(frozen=True)
class Material:
    """Where a cluster's files stand."""

    folder: Path
    named: str = "cluster.yml"

    @property
    def file(self) -> Path:
        """The cluster file."""
        return self.folder / self.named

    @property
    def ca(self) -> Pair:
        """The authority."""
        return Pair(self.folder / "tls/ca.pem", self.folder / "tls/ca-key.pem")

    @property
    def client(self) -> Pair:
        """What nap shows to engines."""
        return Pair(self.folder / "tls/cert.pem", self.folder / "tls/key.pem")

    @property
    def next_client(self) -> Pair:
        """What nap will show to engines once all of them take it."""
        return Pair(self.folder / "tls/next-cert.pem", self.folder / "tls/next-key.pem")

    def show_next_client(self) -> None:
        """Have nap show it from now on."""
        replace_file(self.client.key, self.next_client.key.read_bytes(), 0o600)
        replace_file(self.client.cert, self.next_client.cert.read_bytes(), 0o644)
        self.next_client.cert.unlink()
        self.next_client.key.unlink()

    def of_host(self, name: str) -> Path:
        """What belongs on a host."""
        return self.folder / "hosts" / name

    @property
    def next_ca(self) -> Pair:
        """The authority that follows: engines trust it from their first day on, so that it opens
        them before any has been restarted."""
        return Pair(self.folder / "tls/next-ca.pem", self.folder / "tls/next-ca-key.pem")

    def pair_of(self, name: str) -> Pair:
        """A host's certificate and its key."""
        return Pair(self.of_host(name) / "cert.pem", self.of_host(name) / "key.pem")

    def make(self, name: str, hosts: Mapping[str, str]) -> Iterator[str]:
        """Make what is missing or ends soon; gives a sentence for each thing made."""
        make_private_dir(self.folder)
        existed = self.ca.cert.exists()
        authority = self.authority(name)
        if not existed:
            yield f"made a certificate authority: {self.ca.cert}"
        if authority.signed(self.client, "nap"):
            yield f"made nap's own certificate: {self.client.cert}"
        key = self.folder / FILE_NAME
        if not key.exists():
            make_key_file(key)
            yield f"made the cluster's key: {key}"
        yield from self.make_hosts(authority, hosts)
        if not self.file.exists():
            replace_file(self.file, cluster_file(name, hosts).encode(), 0o644)
            yield f"wrote the cluster file: {self.file}"

    def authority(self, name: str) -> Authority:
        """The CA of the cluster of that name; it and the one that follows are made where they are
        missing."""
        common = f"nap {name} CA"
        if self.ca.cert.exists() and self.next_ca.cert.exists():
            self._finish_following()
        authority = Authority.opened(self.ca, common)
        Authority.opened(self.next_ca, common, NEXT_CA_DAYS)
        return authority

    def _finish_following(self) -> None:
        if not belong_together(self.ca):
            self.follow()
        elif certificates_of(self.ca.cert)[:1] == certificates_of(self.next_ca.cert):
            self._forget_next()

    @property
    def former(self) -> bool:
        """Whether nap still trusts a CA that another has followed."""
        return len(certificates_of(self.ca.cert)) > 1

    def follow(self) -> None:
        """Let the CA that follows be the CA; both are trusted until `settle`. The former's key is
        gone with that. A call that was cut short is brought to its end by the next."""
        if belong_together(self.ca):
            replace_file(self.ca.key, self.next_ca.key.read_bytes(), 0o600)
        both = self.next_ca.cert.read_bytes() + self.ca.cert.read_bytes()
        replace_file(self.ca.cert, both, 0o644)
        self._forget_next()

    def _forget_next(self) -> None:
        self.next_ca.cert.unlink()
        self.next_ca.key.unlink()

    def settle(self) -> None:
        """Trust the CA alone, and none before it."""
        first = self.ca.cert.read_bytes().partition(END)
        replace_file(self.ca.cert, first[0] + first[1] + b"\n", 0o644)

    def make_hosts(self, authority: Authority, hosts: Mapping[str, str]) -> Iterator[str]:
        """The same for hosts alone (name → address)."""
        for host, address in hosts.items():
            if self._make_host(authority, host, address):
                yield f"made the certificate of {host}: {self.of_host(host)}"

    def _make_host(self, authority: Authority, host: str, address: str) -> bool:
        folder = self.of_host(host)
        make_private_dir(folder)
        pair = self.pair_of(host)
        made = authority.signed(pair, host, dict.fromkeys((address, host)))
        trusted = self.ca.cert.read_bytes() + self.next_ca.cert.read_bytes()
        replace_file(folder / "ca.pem", trusted, 0o644)
        replace_file(folder / SET_UP, script(SET_UP), 0o644)
        return made

    def via(self, name: str) -> Via | None:
        """How ssh reached the host when it was set up last."""
        try:
            return Via.read((self.of_host(name) / VIA).read_text().strip())
        except FileNotFoundError:
            return None

    def reached(self, name: str, via: Via) -> None:
        """Remember how ssh reaches the host."""
        replace_file(self.of_host(name) / VIA, f"{via}\n".encode(), 0o644)

    def forget_host(self, name: str) -> None:
        """Have nothing any more of what was made for the host."""
        shutil.rmtree(self.of_host(name), ignore_errors=True)

    def hand_over(self) -> None:
        """Whose the folder is, theirs is what root has written into it."""
        if os.geteuid() != 0:
            return
        owner = self.folder.stat()
        for where, folders, names in os.walk(self.folder):
            for each in (*folders, *names):
                path = Path(where, each)
                if path.lstat().st_uid != owner.st_uid and not path.is_symlink():
                    os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def cluster_file(name: str, hosts: Mapping[str, str]) -> str:
    """The least cluster file for these hosts (name → address)."""
    import yaml

    document = {
        "name": name,
        "hosts": {host: {"endpoint": endpoint(address)} for host, address in hosts.items()},
        "tls": {"ca": "tls/ca.pem", "cert": "tls/cert.pem", "key": "tls/key.pem"},
        "key_file": FILE_NAME,
    }
    return HEAD + yaml.safe_dump(document, sort_keys=False)


def endpoint(address: str) -> str:
    """Where the engine at an address will listen."""
    shown = f"[{address}]" if ":" in address else address
    return f"tcp://{shown}:{TLS_PORT}"
