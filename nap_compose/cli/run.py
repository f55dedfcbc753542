"""`nap run`: a one-off container of a service, placed as another replica of it would be."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.building import build_options, contexts_of
from nap_compose.cli.exec import variables
from nap_compose.cli.one import ended, own_failures
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import Interrupted, NapError, WrongUse
from nap_compose.exits import Exit

if TYPE_CHECKING:
    from nap_compose.border import Cancel, Control, Made, Outcome, RunRequest
    from nap_compose.compose.loader import Loaded
    from nap_compose.compose.oneoff import Changes
    from nap_compose.orchestration.events import OnEvent

PULL = ("always", "missing", "never", "build")


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("service")
@click.argument("command", nargs=-1, metavar="[COMMAND] [ARG]...")
@click.option("--rm", "remove", is_flag=True, help="Remove it when it has ended")
@click.option("-d", "--detach", is_flag=True, help="Start it, print its name and leave it alone")
@click.option("-e", "--env", multiple=True, metavar="KEY=VALUE", help="Set a variable for it")
@click.option("--env-from-file", multiple=True, metavar="FILE", help="Set variables from a file")
@click.option("--entrypoint", metavar="COMMAND", help="In place of the image's entrypoint")
@click.option("-u", "--user", default="", metavar="USER", help="Run it as this user")
@click.option("-w", "--workdir", default="", metavar="DIR", help="Where it starts")
@click.option("-v", "--volume", multiple=True, metavar="SRC:DST", help="Mount this too")
@click.option("-p", "--publish", multiple=True, metavar="PORT", help="Publish this port")
@click.option("-P", "--service-ports", is_flag=True, help="Publish the service's own ports")
@click.option("--name", default="", metavar="NAME", help="The container's name")
@click.option("-l", "--label", multiple=True, metavar="KEY=VALUE", help="Set a label")
@click.option("--no-deps", is_flag=True, help="Leave what the service depends on alone")
@click.option("--use-aliases", is_flag=True, help="Answer to the service's names too")
@click.option("-T", "--no-tty", "--no-TTY", is_flag=True, help="Give it no terminal")
@click.option("-t", "--tty", is_flag=True, hidden=True, help="As always on a terminal")
@click.option("-i", "--interactive/--no-interactive", default=True, help="Let it read your input")
@click.option("--pull", type=click.Choice(PULL), help="When to pull images")
@build_options(no_build=False)
@click.option("--cap-add", multiple=True, metavar="NAME", help="Add a capability")
@click.option("--cap-drop", multiple=True, metavar="NAME", help="Take a capability away")
@click.option("--remove-orphans", is_flag=True, help="Remove what the file no longer has")
@click.option("--detach-keys", default="", metavar="KEYS", help="What leaves it: ctrl-p,ctrl-q")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress")
@click.option("--quiet-pull", is_flag=True, hidden=True, help="Show no progress of pulls")
@with_shared(short_project=False)
def run(
    session: Session,
    *,
    service: str,
    command: tuple[str, ...],
    remove: bool,
    detach: bool,
    env: tuple[str, ...],
    env_from_file: tuple[str, ...],
    entrypoint: str | None,
    user: str,
    workdir: str,
    volume: tuple[str, ...],
    publish: tuple[str, ...],
    service_ports: bool,
    name: str,
    label: tuple[str, ...],
    no_deps: bool,
    use_aliases: bool,
    no_tty: bool,
    interactive: bool,
    pull: str | None,
    build: bool,
    quiet_build: bool,
    cap_add: tuple[str, ...],
    cap_drop: tuple[str, ...],
    remove_orphans: bool,
    detach_keys: str,
    quiet: bool,
    **_always: bool,
) -> int:
    """Run a one-off container of a service, with what the service depends on brought up first.

    It runs beside the service's replicas, publishes no ports unless asked, and is never restarted.
    The exit code is the container's own, 125 where nap itself failed. Ctrl-C is passed on to it, a
    second one ends it at once.
    """
    from nap_compose.cli.beside import look_beside
    from nap_compose.cli.files import judge
    from nap_compose.compose.oneoff import Changes

    with own_failures():
        changes = Changes(
            command=command,
            entrypoint=None if entrypoint is None else tuple(shlex.split(entrypoint)),
            environment=_environment(env, env_from_file, session),
            labels=_labels(label),
            user=user,
            workdir=workdir,
            volumes=volume,
            ports=publish,
            service_ports=service_ports,
            cap_add=cap_add,
            cap_drop=cap_drop,
            tty=not (no_tty or detach) and os.isatty(0) and os.isatty(1),
            stdin=interactive,
        )
        found, request = _request(
            session,
            service,
            changes,
            name=name,
            remove=remove,
            stdin=changes.stdin,
            use_aliases=use_aliases,
            no_deps=no_deps,
            pull=pull or "",
            build="always" if build else "",
            quiet_build=quiet_build,
            remove_orphans=remove_orphans,
        )
        with session.control() as control:
            judge(session, found, site=control.site())
            beside = look_beside(session, found, control)
            request = replace(
                request,
                app=replace(request.app, content=beside.app.content),
                whole=beside.app,
                supply=beside.supply,
                contexts=contexts_of(found.app),
            )
            made = _made(session, request, control, quiet=quiet)
            session.terminal.flush()
            if detach:
                control.run_oneoff(made, None)
                session.terminal.say(made.container)
                return Exit.DONE
            return _talk(session, made, control, stdin=interactive, detach_keys=detach_keys)


def _request(
    session: Session, service: str, changes: Changes, **asked: Any
) -> tuple[Loaded, RunRequest]:
    from nap_compose.border import RunRequest
    from nap_compose.cli.files import loaded
    from nap_compose.compose.oneoff import oneoff_app

    found = loaded(session, (service,), narrow=False)
    app = oneoff_app(found.app, service, changes, folder=str(Path.cwd()))
    return found, RunRequest(app=app, whole=found.app, service=service, **asked)


def _made(session: Session, request: RunRequest, control: Control, *, quiet: bool) -> Made:
    """The container, with the progress of what leads to it shown as long as it takes."""
    from nap_compose.cli.deploy import tell_what_went_wrong, warn_of_the_rest, watched

    found: list[Made] = []

    def act(on_event: OnEvent, cancel: Cancel) -> Outcome:
        found.append(control.make_oneoff(request, on_event, cancel))
        return found[-1].outcomes[-1]

    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    outcome, _ = watched(session, request.app.name, mode, act)
    (made,) = found
    for each in made.outcomes:
        warn_of_the_rest(each, session.terminal)
    if outcome.state == "interrupted":
        raise Interrupted(f"interrupted before {request.service} was started")
    if not made.container:
        tell_what_went_wrong(outcome, session.terminal)
        raise NapError(f"{request.service} wasn't run")
    return made


def _talk(session: Session, made: Made, control: Control, *, stdin: bool, detach_keys: str) -> int:
    from nap_compose.cli.console import PersonsConsole

    with PersonsConsole(stdin=stdin) as console:
        result = control.run_oneoff(made, console, detach_keys=detach_keys)
    return ended(result, session)


def _environment(
    given: tuple[str, ...], files: tuple[str, ...], session: Session
) -> dict[str, str]:
    """The variables of the files, a later one's over an earlier one's, and those given over all."""
    from nap_compose.compose.dotenv import parse

    found: dict[str, str] = {}
    for file in files:
        try:
            text = Path(file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise WrongUse(f"--env-from-file: {file} can't be read: {reason}") from None
        read = parse(text, file, session.env)
        found |= {key: value for key, value in read.items() if value is not None}
    pairs = (each.partition("=") for each in variables(given, session))
    return found | {key: value for key, _, value in pairs}


def _labels(given: tuple[str, ...]) -> dict[str, str]:
    from nap_compose.border import RESERVED_LABELS

    found: dict[str, str] = {}
    for each in given:
        key, _, value = each.partition("=")
        if not key or key.startswith(RESERVED_LABELS):
            raise WrongUse(
                f"--label: {key or each} is set by nap itself" if key else f"'{each}' is no label",
                hint=f"names under {' and '.join(RESERVED_LABELS)} are taken",
            )
        found[key] = value
    return found
