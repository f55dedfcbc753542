"""The Compose file, loaded as the options say; its warnings are shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from nap_compose.cli.session import Session
from nap_compose.errors import BadFile, BadFiles, WrongUse

if TYPE_CHECKING:
    from nap_compose.border import Checked
    from nap_compose.compose.loader import Loaded
    from nap_compose.compose.model import App
    from nap_compose.compose.rows import Site

LARGEST = 16 << 20
"""The largest file in bytes that is taken from standard input."""


def load(session: Session, services: tuple[str, ...] = (), **settings: Any) -> App:
    """The whole app that the files describe; naming `services` turns their profiles on.

    Only to be looked at: a file that just its containers would need may be missing. Raises BadFile,
    BadFiles or WrongUse.
    """
    from nap_compose.compose.layers import Options

    return loaded(session, services, narrow=False, options=Options(), **settings).app


def loaded(
    session: Session, services: tuple[str, ...] = (), *, warn: bool = True, **settings: Any
) -> Loaded:
    """As the loader gives it, once its warnings are shown; `settings` are its further ones.

    Without `options` among them, it is loaded to be deployed.
    """
    from nap_compose.compose.layers import Options
    from nap_compose.compose.loader import load as read

    options = session.options
    loading = settings.pop("options", Options(deploy=True))
    found = read(
        options.file,
        project_name=options.project_name or None,
        project_directory=options.project_directory or None,
        env=session.env,
        env_files=options.env_file,
        profiles=settings.pop("profiles", options.profile),
        services=services,
        stdin=_standard_input,
        options=loading._replace(used_only=not options.all_resources),
        **settings,
    )
    for warning in found.warnings if warn else ():
        session.terminal.warn_once(warning)
    return found


def judge(
    session: Session,
    found: Loaded,
    checked: Checked | None = None,
    *,
    site: Site | None = None,
    strict: bool = False,
) -> None:
    """Warn of what the files ask for and nap ignores at `site`, which `checked` tells too; without
    either, of what it ignores everywhere.

    Raises BadFile or BadFiles with what would be refused, and if `strict` with every warning.
    """
    ignored = found.ignored(checked.site if checked else site)
    faults = [
        BadFile(refusal.message, hint=refusal.hint, path=refusal.path)
        for refusal in (checked.refused if checked else ())
    ]
    if strict:
        faults += [*(BadFile(warning) for warning in found.warnings), *ignored]
    else:
        for warning in ignored:
            session.terminal.warn_once(str(warning))
    if faults:
        raise found.placed(BadFiles.of(faults))


def _standard_input() -> bytes:
    content = sys.stdin.buffer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise WrongUse(f"what comes from standard input is larger than {LARGEST >> 20} MiB")
    return content
