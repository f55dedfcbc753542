"""`nap host upgrade`: a host is drained, an admin's command changes it, and it is used again."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import click

from nap_compose.cli.deploy import tell_what_went_wrong, watched
from nap_compose.cli.host_drain import WAIT
from nap_compose.cli.options import with_shared
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.errors import Interrupted, NapError, WrongUse
from nap_compose.exits import Exit
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Control, HostDetail

BEGUN, RAN = "begun", "ran"
PAUSE = 1.0
"""Seconds between two looks at a host that is to come back."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", metavar="HOST")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND…")
@click.option("--anyway", is_flag=True, help="Go on though something has to stay on the host")
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@with_shared()
def upgrade(
    session: Session,
    *,
    name: str,
    command: tuple[str, ...],
    anyway: bool,
    wait_timeout: float | None,
) -> int:
    """Drain a host, run COMMAND on this machine, and use the host again once it is well.

    COMMAND is what changes the host, such as `ssh root@h1 apt-get install --yes docker.io`; it
    finds the host's name in NAP_HOST. Where something fails the host stays drained, and the same
    call goes on where it stopped: a command that came to a good end isn't run again.
    """
    if not command:
        raise WrongUse(
            "which command changes the host?",
            hint=f"nap host upgrade {name} -- ssh root@{name} apt-get upgrade --yes",
        )
    patience = WAIT if wait_timeout is None else wait_timeout
    with session.control() as control:
        walk = _Walk(session, control, name, patience)
        before = control.host(name)
        if before.upgrade != RAN:
            code = walk.drain(anyway=anyway)
            if code:
                return code
            walk.run(command)
        else:
            session.terminal.tell(f"{plain(name)}: its command ran already")
        walk.use_again()
    return Exit.DONE


class _Walk:
    def __init__(self, session: Session, control: Control, name: str, patience: float) -> None:
        self._terminal = session.terminal
        self._session = session
        self._control = control
        self._name = name
        self._patience = patience

    def drain(self, *, anyway: bool) -> int:
        """Move what can be moved; gives the exit code where that ends it."""
        from nap_compose.border import DrainRequest, HostChange

        self._control.change_host(HostChange(self._name, upgrade=BEGUN))
        request = DrainRequest(self._name, self._patience)
        mode = self._session.options.progress_mode(self._session.env)
        drained, _ = watched(
            self._session,
            self._name,
            mode,
            lambda event, cancel: self._control.drain(request, event, cancel),
        )
        for outcome in drained.outcomes:
            tell_what_went_wrong(outcome, self._terminal)
        for app, why in drained.failed.items():
            self._terminal.warn(f"{app}: {why}")
        codes = [int(each.exit_code) for each in drained.outcomes if each.exit_code]
        if codes or drained.failed:
            self._stopped_at("it couldn't be drained")
            return max(codes, default=Exit.FAILED)
        if drained.stays:
            self._terminal.warn(f"{self._name} still has {', '.join(drained.stays)}")
            if not anyway:
                self._stopped_at("what stays would stop with it; --anyway goes on all the same")
                return Exit.NO_ROOM
        self._terminal.tell(f"{plain(self._name)} is drained")
        return 0

    def run(self, command: tuple[str, ...]) -> None:
        """Run the admin's command here, with this terminal; raises NapError where it fails."""
        from nap_compose.border import HostChange

        self._terminal.flush()
        env = {**os.environ, "NAP_HOST": self._name}
        try:
            code = subprocess.run(command, env=env, check=False).returncode
        except OSError as error:
            raise NapError(
                f"{command[0]} can't be run: {error.strerror}", hint=self._again()
            ) from None
        except KeyboardInterrupt:
            raise Interrupted(f"{self._name} stays drained", hint=self._again()) from None
        if code:
            raise NapError(
                f"the command ended with code {code}; {self._name} stays drained",
                hint=self._again(),
            )
        self._control.change_host(HostChange(self._name, upgrade=RAN))

    def use_again(self) -> None:
        """Wait until the host is well, and use it."""
        from nap_compose.border import HostChange

        until = time.monotonic() + self._patience
        while why := _unwell(found := self._control.host(self._name)):
            if time.monotonic() > until:
                raise NapError(
                    f"it isn't well, so it stays drained: {why}",
                    host=self._name,
                    hint=self._again(),
                )
            time.sleep(PAUSE)
        self._control.change_host(HostChange(self._name, "active", upgrade=""))
        self._terminal.say(f"{plain(self._name)} is active, with engine {plain(found.row.engine)}")

    def _stopped_at(self, why: str) -> None:
        self._terminal.tell(f"{plain(self._name)} stays drained: {plain(why)}; {self._again()}")

    def _again(self) -> str:
        return (
            f"the same command goes on from here; nap host activate {self._name} uses the host "
            "as it is"
        )


def _unwell(found: HostDetail) -> str:
    """Why the host can't be used yet; empty where it can. What stayed on it must run again."""
    if not found.row.engine:
        return found.row.problem or "it doesn't answer"
    down = [
        f"{row.app}/{row.service}.{row.replica}"
        for row in found.containers
        if row.state in ("restarting",) or row.health in ("starting", "unhealthy")
    ]
    return f"{', '.join(down)} on it isn't well" if down else ""
