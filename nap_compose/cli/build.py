"""`nap build`: make the images of an app's services, on one host of the cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from nap_compose.cli.building import contexts_of
from nap_compose.cli.deploy import watched
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import BadFile, WrongUse
from nap_compose.text import plain

if TYPE_CHECKING:
    from nap_compose.border import Built
    from nap_compose.compose.bake import Wishes
    from nap_compose.compose.model import App


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--build-arg", multiple=True, metavar="NAME[=VALUE]", help="An argument for all")
@click.option("--builder", default="", metavar="NAME", help="Which builder of docker buildx")
@click.option("--check", is_flag=True, help="Look the Dockerfiles over and build nothing")
@click.option("-m", "--memory", default="", metavar="SIZE", help="Limit of the classic builder")
@click.option("--no-cache", is_flag=True, help="Build every layer anew")
@click.option("--print", "print_", is_flag=True, help="Print the builds as a Bake file")
@click.option("--provenance", default="", metavar="WHAT", help="Say how the images were built")
@click.option("--pull", is_flag=True, help="Ask for newer images to begin with")
@click.option("--push", is_flag=True, help="Push the images to their registries")
@click.option("--sbom", default="", metavar="WHAT", help="Say what the images are made of")
@click.option("--ssh", multiple=True, metavar="KEY", help="SSH keys for the builds: default")
@click.option("--with-dependencies", is_flag=True, help="Also what the services depend on")
@click.option("--dry-run", is_flag=True, help="Show what would be built, and where")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def build(
    session: Session,
    *,
    services: tuple[str, ...],
    build_arg: tuple[str, ...],
    builder: str,
    check: bool,
    memory: str,
    no_cache: bool,
    print_: bool,
    provenance: str,
    pull: bool,
    push: bool,
    sbom: str,
    ssh: tuple[str, ...],
    with_dependencies: bool,
    dry_run: bool,
    quiet: bool,
) -> int | None:
    """Build the images of services that have a `build:`.

    On a cluster they are built on one host, and `up` brings them to those that need them. What the
    builder prints is shown on standard error.
    """
    from nap_compose.border import BuildRequest
    from nap_compose.cli.files import judge, loaded
    from nap_compose.compose.bake import Wishes

    found = loaded(session, services, narrow=False)
    wishes = Wishes(
        args=_arguments(build_arg, found.env),
        no_cache=no_cache,
        pull=pull,
        push=push,
        check=check,
        memory=_size(memory),
        ssh=tuple(_key(each) for each in ssh),
        builder=builder,
        provenance=provenance,
        sbom=sbom,
    )
    if print_:
        _print(found.app, services, wishes, session, with_dependencies=with_dependencies)
        return None
    request = BuildRequest(
        app=found.app,
        services=services,
        dependencies=with_dependencies,
        wishes=wishes,
        contexts=contexts_of(found.app),
        dry_run=dry_run,
    )
    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    try:
        with session.control() as control:
            judge(session, found, site=control.site())
            built, _ = watched(
                session,
                found.app.name,
                mode,
                lambda event, cancel: control.build(request, event, cancel),
            )
    except BadFile as error:
        raise found.placed(error) from None
    _report(built, session, mode, wishes, dry_run=dry_run)
    return None


def _report(built: Built, session: Session, mode: str, wishes: Wishes, *, dry_run: bool) -> None:
    terminal = session.terminal
    for note in built.notes:
        terminal.warn(note)
    if mode == "json":
        rows = [
            {"Service": each.service, "Names": each.names, "Host": each.host, "ID": each.id}
            for each in built.images
        ]
        terminal.say(json.dumps(rows))
        return
    done = "would be built" if dry_run else "is checked" if wishes.check else "is built"
    for each in built.images if mode != "quiet" else ():
        where = f" on {each.host}" if each.id or dry_run else ""
        terminal.say(plain(f"{', '.join(each.names)} {done}{where}"))


def _print(
    app: App,
    services: tuple[str, ...],
    wishes: Wishes,
    session: Session,
    *,
    with_dependencies: bool,
) -> None:
    """The Bake file that Compose would print; no host is asked."""
    import nap_compose
    from nap_compose.compose import bake

    group = bake.grouped(app, services, dependencies=with_dependencies)
    targets = bake.around(app, group)
    file = bake.bake(
        app,
        group,
        {name: app.services[name].image or f"{app.name}-{name}" for name in targets},
        {name: bake.image_labels(app.name, name, nap_compose.__version__) for name in targets},
        wishes,
    )
    session.terminal.say(json.dumps(file, indent=2))


def _arguments(given: tuple[str, ...], env: Mapping[str, str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name:
            raise WrongUse(f"--build-arg is '{each}'", hint="write it like --build-arg VERSION=2")
        found[name] = value if equals else env.get(name)
    return found


def _size(text: str) -> int:
    from nap_compose.units import parse_size

    try:
        return parse_size(text) if text else 0
    except ValueError as error:
        raise WrongUse(f"--memory: {error}") from None


def _key(text: str) -> str:
    """A key as buildx takes it: `default=` for the person's own agent."""
    name, _, path = text.partition("=")
    return f"{name}={path}"
