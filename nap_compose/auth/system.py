"""The system's user: who asks where no directory says it."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from nap_compose.border import Who
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.names import owner_of


def system_user(cluster: Cluster, env: Mapping[str, str]) -> Who:
    """Who runs this process. Embedded there are no owners; on a cluster the user's name is one."""
    name = user_name(env)
    return Who(name=name, owner="" if cluster.embedded else owner_of(name))


def user_name(env: Mapping[str, str]) -> str:
    """The user's name as the system knows it, never as a variable like USER claims it.

    Under sudo it is the person who asked, not root: only root is believed about SUDO_USER, since
    anybody else could have set it.
    """
    asked = env.get("SUDO_USER", "") if os.geteuid() == 0 else ""
    if asked and _exists(asked):
        return asked
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user id without a name, as in some containers
        return str(os.getuid())


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
