"""Whether `up` stays with the app once it has started it, and what it shows meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING

from nap_compose.errors import WrongUse
from nap_compose.plaindata import dataclass

if TYPE_CHECKING:
    from nap_compose.compose.model import App
    from nap_compose.compose.rows import Site

EVERY = "*"
"""What `--attach` without a service stands for."""


class Stance(Enum):
    """What `up` does once all is started."""

    RETURN = "it returns"
    FOLLOW = "it shows what is printed, and leaves the app alone when it ends"
    FOREGROUND = "it shows what is printed, and stops the app when it ends"


@dataclass(frozen=True)
class Staying:
    """What was asked for on the command line."""

    detach: bool = False
    wait: bool = False
    foreground: bool = False
    attach: tuple[str, ...] = ()
    no_attach: tuple[str, ...] = ()
    dependencies: bool = False
    abort_on_exit: bool = False
    abort_on_failure: bool = False
    code_from: str = ""
    timestamps: bool = False
    prefix: bool = True
    watch: bool = False

    @property
    def aborts(self) -> bool:
        """Whether the end of one container may be the end of the app."""
        return self.abort_on_exit or self.abort_on_failure or bool(self.code_from)

    def refuse_contradictions(self) -> None:
        """Raise WrongUse for options that Docker Compose refuses beside each other, too."""
        if self.abort_on_exit and self.abort_on_failure:
            raise WrongUse(
                "--abort-on-container-exit and --abort-on-container-failure are two ways"
            )
        if self.attach and self.dependencies:
            raise WrongUse("--attach and --attach-dependencies can't be combined")
        leaves = "--detach" if self.detach else "--wait" if self.wait else ""
        stays = {
            "--foreground": self.foreground,
            "--attach": self.attach,
            "--attach-dependencies": self.dependencies,
            "--abort-on-container-exit": self.abort_on_exit,
            "--abort-on-container-failure": self.abort_on_failure,
            "--exit-code-from": self.code_from,
            "--watch": self.watch,
        }
        for option, given in stays.items():
            if leaves and given:
                raise WrongUse(
                    f"{leaves} returns, and {option} stays", hint="leave one of them out"
                )

    def at(self, site: Site) -> Stance:
        """What that comes to on one engine, where the foreground is the default as in Docker
        Compose, and on a cluster, where it is to be asked for."""
        if self.detach or self.wait:
            return Stance.RETURN
        if not site.cluster or self.foreground or self.aborts:
            return Stance.FOREGROUND
        return (
            Stance.FOLLOW if self.attach or self.no_attach or self.dependencies else Stance.RETURN
        )

    def stays(self, site: Site) -> bool:
        """Whether it stays at all."""
        return self.at(site) is not Stance.RETURN

    def shown(self, app: App, services: tuple[str, ...]) -> tuple[str, ...]:
        """The services whose output is shown; `services` are those that `up` was told to bring up.

        Raises WrongUse for a service that isn't among what is brought up.
        """
        named = services or tuple(app.services)
        reached = with_needs(app, named)
        for name in (*self.attach, *self.no_attach, self.code_from):
            if name and name != EVERY and name not in reached:
                raise WrongUse(
                    f"there is no service '{name}' among what is brought up",
                    hint=f"these are: {', '.join(reached)}",
                )
        chosen: Iterable[str] = self.attach
        if not self.attach or EVERY in self.attach:
            everyone = reached if self.dependencies else named
            chosen = [
                name for name in everyone if app.services[name].spec.get("attach") is not False
            ]
        return tuple(name for name in dict.fromkeys(chosen) if name not in self.no_attach)


def with_needs(app: App, services: Iterable[str]) -> tuple[str, ...]:
    """These services (none named: all) and what they depend on, in the file's order."""
    found: set[str] = set()
    todo = [name for name in services or app.services if name in app.services]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            needs = app.services[name].depends_on
            todo += [need.service for need in needs if need.service in app.services]
    return tuple(name for name in app.services if name in found)
