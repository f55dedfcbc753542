"""`env_file` and `label_file`: their contents, under the service's own environment and labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nap_compose.compose import dotenv
from nap_compose.compose.faults import Fault
from nap_compose.errors import BadFile

MOST_BYTES = 16 * 1024 * 1024
"""The largest file that is read."""


def read_text(path: str | Path, name: str | None = None) -> str:
    """A regular file's text. Raises BadFile when it can't be read, saying why."""
    return read_bytes(path, name).decode("utf-8", errors="replace")


def read_bytes(path: str | Path, name: str | None = None) -> bytes:
    """A regular file's bytes, at most MOST_BYTES. Raises BadFile."""
    shown = name or str(path)
    try:
        file = Path(path)
        if file.is_dir():
            raise BadFile(f"{shown} is a folder and no file")
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise BadFile(f"there is no file {shown}") from None
    except OSError as error:
        raise BadFile(f"can't read {shown}: {error.strerror or error}") from None
    except ValueError:
        raise BadFile(f"{shown!r} can't be a file's name") from None
    if len(content) > MOST_BYTES:
        raise BadFile(f"{shown} is larger than {MOST_BYTES // 1024 // 1024} MiB")
    return content


def resolve(name: str, service: dict[str, Any], env: Mapping[str, str], folder: str) -> None:
    """Merge a service's env_file and label_file into environment and labels, in place.

    `folder` is what their paths are relative to, where they still are. A later file wins over an
    earlier one, the service's own words over all. A key without a value takes the one of `env`.
    Raises Fault.
    """
    found: dict[str, Any] = {}
    own = service.get("environment") or {}
    said = {key: value for key, value in own.items() if value is not None}
    for index, entry in enumerate(service.get("env_file") or ()):
        known = {**found, **said, **env}
        file = str(Path(folder, entry["path"]))
        found.update(
            _env_file({**entry, "path": file}, known, ("services", name, "env_file", index))
        )
    found = {key: env.get(key) if value is None else value for key, value in found.items()}
    found = {key: value for key, value in found.items() if value is not None}
    for key, value in own.items():
        found[key] = env.get(key) if value is None else value
    if found:
        service["environment"] = found
    _labels(name, service, folder)
    service.pop("env_file", None)
    service.pop("label_file", None)


def _env_file(
    entry: Mapping[str, Any], env: Mapping[str, str], path: tuple[str | int, ...]
) -> Mapping[str, str | None]:
    file = entry["path"]
    if not Path(file).exists() and entry.get("required") is False:
        return {}
    kind = entry.get("format") or ""
    try:
        text = read_text(file)
    except BadFile as error:
        raise Fault(path, error.message, "write `required: false` if it may be missing") from None
    if kind == "raw":
        return dotenv.parse_raw(text, file)
    if kind:
        raise Fault(path, f'"{kind}" is no format of an env_file: leave it out, or write raw')
    return dotenv.parse(text, file, env)


def _labels(name: str, service: dict[str, Any], folder: str) -> None:
    found: dict[str, Any] = {}
    for index, path in enumerate(service.get("label_file") or ()):
        file = str(Path(folder, path))
        try:
            labels = dotenv.parse(read_text(file), file, {})
        except BadFile as error:
            if error.place:
                raise
            raise Fault(("services", name, "label_file", index), error.message) from None
        found.update({key: value or "" for key, value in labels.items()})
    found.update(service.get("labels") or {})
    if found:
        service["labels"] = found
