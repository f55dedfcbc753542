"""What commands that may build give the other side: the contexts, read as they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

import click

from nap_compose.errors import WrongUse

if TYPE_CHECKING:
    from nap_compose.compose.model import App

Decorated = TypeVar("Decorated", bound=Callable[..., object])


def contexts_of(app: App) -> Callable[[str], Iterator[bytes]] | None:
    """Gives the build context of a service of `app`, as a tar in pieces; None where none builds."""
    if not any(service.spec.get("build") for service in app.services.values()):
        return None

    def give(service: str) -> Iterator[bytes]:
        from nap_compose.compose.contexts import pack

        return pack(app.services[service])

    return give


def build_options(*, no_build: bool = True) -> Callable[[Decorated], Decorated]:
    """`--build`, `--no-build` and `--quiet-build`, as up, create and run have them."""

    def decorate(function: Decorated) -> Decorated:
        options = [
            click.option("--build", is_flag=True, help="Build the images that can be built first"),
            click.option("--quiet-build", is_flag=True, help="Show nothing of what a build prints"),
        ]
        if no_build:
            said = "Build nothing, also what is missing"
            options.insert(1, click.option("--no-build", is_flag=True, help=said))
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def building(*, build: bool, no_build: bool) -> str:
    """The word for both flags, as an UpRequest has it."""
    if build and no_build:
        raise WrongUse("--build and --no-build contradict each other")
    return "always" if build else "never" if no_build else ""
