"""`nap config`: check a file, and show what it comes to. No host is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.output.table import Column, table
from nap_compose.cli.session import Session
from nap_compose.errors import NapError, WrongUse
from nap_compose.text import nearest

if TYPE_CHECKING:
    from nap_compose.compose.loader import Loaded
    from nap_compose.compose.model import App

LISTS = ("services", "images", "volumes", "networks", "profiles", "variables", "environment")


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), default="yaml")
@click.option("-q", "--quiet", is_flag=True, help="Check the file and print nothing")
@click.option("-o", "--output", metavar="FILE", help="Write to a file")
@click.option("--services", "chosen", flag_value="services", help="The services' names")
@click.option("--images", "chosen", flag_value="images", help="The images' names")
@click.option("--volumes", "chosen", flag_value="volumes", help="The volumes' names")
@click.option("--networks", "chosen", flag_value="networks", help="The networks' names")
@click.option("--profiles", "chosen", flag_value="profiles", help="The profiles' names")
@click.option("--variables", "chosen", flag_value="variables", help="The variables and defaults")
@click.option("--environment", "chosen", flag_value="environment", help="The variables' values")
@click.option("--hash", "hashes", metavar="SERVICE", help="A service's hash, or '*' for all")
@click.option("--no-interpolate", is_flag=True, help="Leave variables as they stand")
@click.option("--no-normalize", is_flag=True, help="Fill in no defaults")
@click.option("--no-consistency", is_flag=True, help="Don't check that the parts fit together")
@click.option("--no-path-resolution", is_flag=True, help="Leave paths as they stand")
@click.option("--no-env-resolution", is_flag=True, help="Don't read the services' env files")
@with_shared()
def config(
    session: Session,
    *,
    services: tuple[str, ...],
    form: str,
    quiet: bool,
    output: str | None,
    chosen: str | None,
    hashes: str | None,
    no_interpolate: bool,
    no_normalize: bool,
    no_consistency: bool,
    no_path_resolution: bool,
    no_env_resolution: bool,
) -> None:
    """Check a Compose file, and show what nap makes of it."""
    from nap_compose.cli.files import loaded
    from nap_compose.compose.layers import Options

    options = Options(
        interpolate=not no_interpolate,
        normalise=not no_normalize,
        consistency=not no_consistency,
        resolve_paths=not no_path_resolution,
        resolve_env=not no_env_resolution,
    )
    everything = {"profiles": ("*",)} if chosen == "profiles" else {}
    found = loaded(session, services, options=options, **everything)
    if quiet:
        return
    if chosen:
        lines = _list(chosen, found)
    elif hashes:
        lines = _hashes(found.app, hashes)
    else:
        lines = [_rendered(found.app, form, escape=not no_interpolate)]
    _hand_over(session, lines, output)


def _rendered(app: App, form: str, *, escape: bool) -> str:
    from nap_compose.compose.render import render

    return render(app, form, escape=escape).rstrip("\n")


def _list(chosen: str, found: Loaded) -> Iterable[str]:
    app = found.app
    if chosen == "images":
        return [service.image or f"{app.name}-{name}" for name, service in app.services.items()]
    if chosen == "profiles":
        specs = (service.spec for service in app.services.values())
        return sorted({profile for spec in specs for profile in spec.get("profiles") or ()})
    if chosen == "environment":
        return [f"{key}={value}" for key, value in sorted(found.env.items())]
    if chosen == "variables":
        columns = [Column(title) for title in ("NAME", "REQUIRED", "DEFAULT", "ALTERNATIVE")]
        rows = [
            [name, str(variable.required).lower(), variable.default, variable.alternative]
            for name, variable in sorted(found.variables.items())
        ]
        return table(columns, rows, width=None)
    named: Mapping[str, object] = getattr(app, chosen)
    return list(named)


def _hashes(app: App, wanted: str) -> Iterable[str]:
    from nap_compose.compose.hashing import config_hash

    names = list(app.services) if wanted == "*" else wanted.split(",")
    for name in names:
        if name not in app.services:
            near = nearest(name, app.services)
            hint = f"did you mean '{near}'?" if near else f"it has: {', '.join(app.services)}"
            raise WrongUse(f"there is no service '{name}' in {app.name}", hint=hint)
    return [f"{name} {config_hash(app.services[name])}" for name in names]


def _hand_over(session: Session, lines: Iterable[str], output: str | None) -> None:
    if not output:
        for line in lines:
            session.terminal.say(line)
        return
    try:
        Path(output).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise NapError(f"can't write {output}: {error.strerror}") from None
