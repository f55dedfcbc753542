"""People who log in: each with a nap of their own, at the bed's directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ldap3
import yaml

from bed import ldap, ldap_entries
from bed.layout import Bed
from tests.support.nap import Ended, Nap


@dataclass
class People:
    """Somebody's nap, each with a home of their own, and the directory that they stand in."""

    bed: Bed
    folder: Path

    def __call__(self, name: str, cluster: Path | None = None) -> Nap:
        home = self.folder / name
        home.mkdir(parents=True, exist_ok=True)
        return Nap(home, cluster or self.cluster(name="quick", recheck="500ms"))

    def cluster(
        self,
        name: str,
        drop: tuple[str, ...] = (),
        insecure: tuple[str, ...] = (),
        **ldap_keys: Any,
    ) -> Path:
        """A cluster file beside the bed's own, with other settings of the directory."""
        content = yaml.safe_load(self.bed.cluster_file.read_text())
        content["ldap"] = {
            key: value for key, value in {**content["ldap"], **ldap_keys}.items() if key not in drop
        }
        content["insecure"] = list(insecure)
        path = self.bed.directory / f"{name}.yml"
        path.write_text(yaml.safe_dump(content))
        return path

    def logs_in(self, nap: Nap, name: str, password: str | None = None, code: int = 0) -> Ended:
        file = self.folder / f"{name[:8].replace('/', '')}.password"
        file.write_text(ldap.password_of(self.bed, name) if password is None else password)
        file.chmod(0o600)
        env = {"NAP_USER": name, "NAP_PASSWORD_FILE": str(file)}
        return nap("login", code=code, env=env)

    def in_session(self, name: str, cluster: Path | None = None) -> Nap:
        nap = self(name, cluster)
        self.logs_in(nap, name)
        return nap


@contextmanager
def in_group(bed: Bed, group: str, uid: str, how: str) -> Iterator[None]:
    """A block in which somebody is in a group (`how` is ldap3.MODIFY_ADD), or isn't."""
    dn, member = f"cn={group},ou=groups,{ldap_entries.BASE}", [ldap_entries.person(uid)]
    back = ldap3.MODIFY_DELETE if how == ldap3.MODIFY_ADD else ldap3.MODIFY_ADD
    with ldap.as_root(bed) as root:
        assert root.modify(dn, {"member": [(how, member)]})
        try:
            yield
        finally:
            assert root.modify(dn, {"member": [(back, member)]})
