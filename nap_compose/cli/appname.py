"""Which app a command means, found without reading YAML where the answer is plain.

`ps` and `logs` need no more of a Compose file than its app's name. Where that is given outright,
or is a plain `name:` line, or the folder's, it is found here in a moment; everything else is left
to the loader.
"""

from __future__ import annotations

import re
from pathlib import Path

from nap_compose.cli.options import Options
from nap_compose.cli.session import Session
from nap_compose.compose.discovery import STDIN, NoFile, find, setting
from nap_compose.compose.project import check_name, from_folder

_NAME_KEY = re.compile(rb"""^(?:name\b|"name"|'name'|\?)""", re.MULTILINE)
_NAME_LINE = re.compile(
    rb"""^name:[ \t]+(["']?)([a-z0-9][a-z0-9_-]*)\1[ \t]*(?:#.*)?\r?$""", re.MULTILINE
)
_BLOCK_MAPPING = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*(?:#.*)?\r?\n|---[ \t]*\r?\n)*[A-Za-z\"']")


def app_name(session: Session) -> str | None:
    """The app that a file or `-p` gives; None where there is neither.

    Raises BadFile for a name that can't be one, and whatever the loader raises.
    """
    if session.options.project_name:
        return check_name(session.options.project_name, "-p")
    given = setting(session.env, "PROJECT_NAME")
    if given:
        return check_name(given, "COMPOSE_PROJECT_NAME")
    if not _dot_env_decides(session.options):
        paths = file_paths(session)
        if not paths:
            return None
        name = _plain_name(paths, session.options)
        if name:
            return name

    from nap_compose.cli.files import load

    return load(session).name


def has_file(session: Session) -> bool:
    """Whether a Compose file is named or lies around."""
    return bool(file_paths(session)) or _dot_env_decides(session.options)


def file_paths(session: Session) -> list[str]:
    """The files that are meant; none where none is named and none lies around. Raises BadFile for
    a folder that one may not look into."""
    try:
        options = session.options
        return find(options.file, session.env, Path.cwd(), options.project_directory)
    except NoFile:
        return []


def _dot_env_decides(options: Options) -> bool:
    """Whether a file of variables may name files or the app, which only the loader can tell."""
    usual = [Path(".env"), Path(options.project_directory, ".env")]
    paths = [Path(name) for name in options.env_file] or usual
    return any(b"COMPOSE_" in _content(path) or b"NAP_" in _content(path) for path in paths)


def _plain_name(paths: list[str], options: Options) -> str | None:
    """The app's name where it can be told without YAML, else None."""
    names: list[str] = []
    for path in paths:
        content = b"" if path == STDIN else _content(Path(path))
        keys, lines = _NAME_KEY.findall(content), _NAME_LINE.findall(content)
        if not _BLOCK_MAPPING.match(content) or len(keys) > 1 or len(keys) != len(lines):
            return None
        names += [found.decode() for _, found in lines]
    if names:
        return names[-1]
    folder = Path(options.project_directory or Path(paths[0]).parent).absolute()
    return from_folder(folder.name) or None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
