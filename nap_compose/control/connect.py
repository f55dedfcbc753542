"""Opening the border: finds the cluster file, or the local engine, and whoever acts on it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from nap_compose.cluster import chosen
from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.border import BackingUp, ClusterFile, Control, Founding, SettingUp


_THROUGH_SUDO = ("sudo", "-n", "-u", chosen.SERVICE, chosen.BROKER)
_THROUGH_SSH = ("ssh", "-T", "-o", "ServerAliveInterval=15")
"""A machine that has gone without a word is noticed within a minute."""
_MACHINE = re.compile(
    r"ssh://((?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9_][\w.-]*)(?::(\d+))?/?", re.ASCII
)


def connect(cluster_option: str | None, env: Mapping[str, str]) -> Control:
    """A Control for the cluster that `--cluster`, `NAP_CLUSTER` or the usual file names.

    Who can't read the usual file goes through the broker, started over sudo; `ssh://MACHINE` means
    that of another machine. Without any it is the local engine's. Nothing is asked of a host yet.
    Raises WrongUse, BadFile or BadFiles.
    """
    from nap_compose.control.tokens import token_of

    argv, address = _way(cluster_option, env)
    if argv:
        from nap_compose.control.stream.remote import open_remote

        return open_remote(argv, token_of(env, address))
    from nap_compose.control.local import open_control

    if not address:
        return open_control(chosen.embedded(env), env)
    from nap_compose.cluster import config

    return open_control(config.read(Path(address)), env, token_of(env, address))


def remember(cluster_option: str | None, env: Mapping[str, str], token: str) -> None:
    """Keep the session's token for the cluster that is meant; an empty one is forgotten."""
    from nap_compose.control import tokens

    _, address = _way(cluster_option, env)
    if address:
        tokens.remember(env, address, token)


def _way(cluster_option: str | None, env: Mapping[str, str]) -> tuple[tuple[str, ...], str]:
    """How the cluster is reached: what starts the broker (empty: this process reads its file), and
    what stands for it among the tokens (empty: no cluster, but the local engine)."""
    named = cluster_option or env.get("NAP_CLUSTER") or ""
    if named.startswith("ssh:"):
        machine = _MACHINE.fullmatch(named)
        if machine is None:
            raise WrongUse(f"'{named}' is no machine", hint="write it like ssh://USER@HOST")
        to_port = ("-p", machine[2]) if machine[2] else ()
        return (*_THROUGH_SSH, *to_port, "--", machine[1], *_THROUGH_SUDO), named
    if not named and _only_through_the_broker():
        return _THROUGH_SUDO, "sudo:"
    path = chosen.find(cluster_option, env)
    return (), str(path) if path else ""


def own_file(cluster_option: str | None, env: Mapping[str, str]) -> str:
    """The cluster file of this machine, for what only whoever holds the cluster's keys does.

    Raises WrongUse where there is none, or another machine's is named.
    """
    named = cluster_option or env.get("NAP_CLUSTER") or ""
    if named.startswith("ssh:"):
        raise WrongUse(
            "that is done on the control machine itself, by root",
            hint=f"ssh {named.removeprefix('ssh://')}",
        )
    found = chosen.find(cluster_option, env)
    if found is None:
        raise WrongUse(
            f"there is no cluster file: neither {chosen.USUAL} nor another that is named",
            hint="nap cluster init --name lab makes one",
        )
    return str(found)


def check_file(file: str) -> ClusterFile:
    """What a cluster file comes to; no host is asked. Raises BadFile or BadFiles."""
    from nap_compose.border import ClusterFile
    from nap_compose.cluster import config

    cluster = config.read(Path(file))
    return ClusterFile(file, cluster.name, tuple(cluster.hosts))


def example_file() -> str:
    """A cluster file with every key, and what each means."""
    from nap_compose.cluster import config

    return Path(config.__file__).with_name("example.yml").read_text(encoding="utf-8")


def _only_through_the_broker() -> bool:
    """Whether the usual cluster is there, and not for this process to read."""
    return not os.access(chosen.USUAL, os.R_OK) and os.access(chosen.BROKER, os.X_OK)


def founder(env: Mapping[str, str]) -> Founding:
    """Who founds a cluster: whoever runs this process, since there is nobody to ask yet."""
    from nap_compose.control.founding.founder import Founder

    return Founder(env)


def control_machine() -> SettingUp:
    """Who sets the control machine up: whoever runs this process there."""
    from nap_compose.control.founding.control_machine import Machine

    return Machine()


def backups(cluster_option: str | None, env: Mapping[str, str]) -> BackingUp:
    """Who makes backups and brings them back: whoever runs this process, where the cluster's keys
    are. Raises WrongUse for who would reach the cluster through a broker."""
    named = cluster_option or env.get("NAP_CLUSTER") or ""
    if named.startswith("ssh:") or (not named and _only_through_the_broker()):
        raise WrongUse(
            "a backup holds the cluster's keys, so it is made by who has them",
            hint=f"on the control machine, as root: sudo -u {chosen.SERVICE} nap backup …",
        )
    from nap_compose.control.backup.backups import Backups

    return Backups(named, env)
