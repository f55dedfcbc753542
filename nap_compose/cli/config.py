"""`nap config`: check a file, show what it comes to, and how nap treats it.

No host is asked, but for digests of images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.cli.written import write_file
from nap_compose.errors import NapError, WrongUse
from nap_compose.text import nearest

if TYPE_CHECKING:
    from nap_compose.border import Checked
    from nap_compose.compose.faults import Path as At
    from nap_compose.compose.loader import Loaded
    from nap_compose.compose.model import App


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
@click.option("--models", "chosen", flag_value="models", help="The models' images")
@click.option("--variables", "chosen", flag_value="variables", help="The variables and defaults")
@click.option("--environment", "chosen", flag_value="environment", help="The variables' values")
@click.option("--hash", "hashes", metavar="SERVICE", help="A service's hash, or '*' for all")
@click.option("--no-interpolate", is_flag=True, help="Leave variables as they stand")
@click.option("--no-normalize", is_flag=True, help="Fill in no defaults")
@click.option("--no-consistency", is_flag=True, help="Don't check that the parts fit together")
@click.option("--no-path-resolution", is_flag=True, help="Leave paths as they stand")
@click.option("--no-env-resolution", is_flag=True, help="Don't read the services' env files")
@click.option("--resolve-image-digests", "pin", is_flag=True, help="Pin images to digests")
@click.option("--lock-image-digests", "lock", is_flag=True, help="Print only images, pinned")
@click.option("--dry-run", is_flag=True, expose_value=False, hidden=True)
@click.option("--check", is_flag=True, help="Show how nap treats each key of the file")
@click.option("--strict", is_flag=True, help="Take warnings as errors")
@click.option("--schema", is_flag=True, help="Print a JSON Schema of Compose files, for editors")
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
    pin: bool,
    lock: bool,
    check: bool,
    strict: bool,
    schema: bool,
) -> None:
    """Check a Compose file, and show what nap makes of it."""
    if schema:
        _hand_over(session, [_schema()], output)
        return
    from nap_compose.cli.files import judge, loaded
    from nap_compose.compose.layers import Options

    options = Options(
        interpolate=_filled_in(chosen, hashes) if no_interpolate else chosen != "variables",
        normalise=not no_normalize,
        consistency=not no_consistency,
        resolve_paths=not no_path_resolution,
        resolve_env=not no_env_resolution,
    )
    everything = {"profiles": ("*",)} if chosen == "profiles" else {}
    found = loaded(session, services, options=options, warn=not strict, **everything)
    checked, notes = _checked(session, found) if check else (None, {})
    lines: Iterable[str]
    if checked is not None:
        from nap_compose.cli.checking import checklist

        lines = () if quiet else checklist(session, found, checked, form, notes)
    elif chosen:
        lines = _list(chosen, found, form)
    elif hashes:
        lines = _hashes(found.app, hashes)
    else:
        document = found.app.document
        if pin or lock:
            document = _pinned(session, found, only_images=lock, bare=no_interpolate)
        lines = () if quiet else [_rendered(document, form, as_written=no_interpolate)]
    if not quiet:
        _hand_over(session, lines, output)
    judge(session, found, checked, strict=strict)


def _filled_in(chosen: str | None, hashes: str | None) -> bool:
    """Whether a list needs variables' values, though the document is to be without them."""
    return bool(hashes) or chosen not in (None, "services", "variables")


def _schema() -> str:
    import json

    from nap_compose.compose.schema import json_schema

    return json.dumps(json_schema(), indent=2)


def _checked(session: Session, found: Loaded) -> tuple[Checked, Mapping[At, str]]:
    """What would be refused, and what becomes of mounts beside the file, by their paths."""
    from nap_compose.cli.beside import look_beside

    with session.control() as control:
        beside = look_beside(session, found, control)
        return control.check(beside.app), beside.notes


def _pinned(session: Session, found: Loaded, *, only_images: bool, bare: bool) -> Mapping[str, Any]:
    from nap_compose.cli.pinning import pinned
    from nap_compose.compose.digests import images_only

    document = pinned(session, found)
    return images_only(document, bare=bare) if only_images else document


def _rendered(document: Mapping[str, Any], form: str, *, as_written: bool) -> str:
    from nap_compose.compose.render import render

    return render(document, form, as_written=as_written).rstrip("\n")


def _list(chosen: str, found: Loaded, form: str) -> Iterable[str]:
    from nap_compose.compose import listings

    if chosen == "environment":
        return listings.environment(found)
    if chosen == "variables":
        return _variables(found, form)
    of_app: Callable[[App], list[str]] = getattr(listings, chosen)
    return of_app(found.app)


def _variables(found: Loaded, form: str) -> Iterable[str]:
    if form == "json":
        import json

        from nap_compose.compose import listings

        return [json.dumps(listings.variables(found))]
    from nap_compose.cli.output.table import Column, table

    columns = [Column(title) for title in ("NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE")]
    rows = [
        [name, str(variable.required).lower(), variable.default, variable.alternative]
        for name, variable in sorted(found.variables.items())
    ]
    return table(columns, rows, width=None)


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
    path = Path(output)
    path = path.resolve() if path.is_symlink() else path
    text = "".join(f"{line}\n" for line in lines)
    if path.is_file() or not path.exists():
        write_file(path, [text.encode()])
        return
    try:
        path.write_text(text, encoding="utf-8")  # /dev/stdout, for one
    except OSError as error:
        raise NapError(f"{output} can't be written: {error.strerror}") from None
