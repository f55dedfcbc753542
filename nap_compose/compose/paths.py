"""Relative paths made absolute, each against the folder of the file that names it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Join = Callable[[str], str]

_REMOTE = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://|git@|github\.com/)")
_WINDOWS = re.compile(r"^([A-Za-z]:[\\/]|\\\\)")


def joiner(folder: str, relative: set[str] | None = None) -> Join:
    """What puts a path below `folder`, with `~` as the user's home.

    An absolute path stays as it is written; what the others come to is added to `relative`: it
    lies where the file is read, and no host has it. A `folder` that is itself relative gives
    relative ones.
    """
    clean = _clean if folder.startswith("/") else os.path.normpath
    heard = set() if relative is None else relative

    def join(path: str) -> str:
        if path.startswith("/"):
            return path
        try:
            home = path.startswith("~")
            joined = _clean(f"{Path.home()}/{path[1:]}") if home else clean(f"{folder}/{path}")
        except RuntimeError:
            return path
        heard.add(joined)
        return joined

    return join


def _clean(path: str) -> str:
    """The path without `.`, `..` and doubled slashes, as written: links are not followed."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if kept:
                kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept)


def is_remote(path: str) -> bool:
    """Whether a build context or a file is a URL and no path."""
    return bool(_REMOTE.match(path))


def document(value: dict[str, Any], join: Join) -> None:
    """Put the relative paths in a canonical document where `join` says, in place."""
    for entry in (value.get("services") or {}).values():
        if isinstance(entry, dict):
            service(entry, join)
    for kind in ("secrets", "configs"):
        for entry in (value.get(kind) or {}).values():
            if isinstance(entry, dict) and isinstance(entry.get("file"), str):
                entry["file"] = _on_host(entry["file"], join)
    for entry in (value.get("volumes") or {}).values():
        if isinstance(entry, dict):
            _bound_volume(entry, join)


def service(entry: dict[str, Any], join: Join) -> None:
    """Make the paths in a canonical service absolute, in place."""
    if isinstance(entry.get("build"), dict):
        entry["build"] = _build(entry["build"], join)
    if entry.get("env_file"):
        entry["env_file"] = [{**item, "path": join(item["path"])} for item in entry["env_file"]]
    if entry.get("label_file"):
        entry["label_file"] = [join(item) for item in entry["label_file"]]
    if entry.get("volumes"):
        entry["volumes"] = [_mount(item, join) for item in entry["volumes"]]
    watch = (entry.get("develop") or {}).get("watch")
    if watch:
        rules = [{**rule, "path": join(rule["path"])} for rule in watch]
        entry["develop"] = {**entry["develop"], "watch": rules}


def _build(build: dict[str, Any], join: Join) -> dict[str, Any]:
    context = build.get("context")
    result = dict(build)
    if context and isinstance(context, str) and not context.startswith("service:"):
        result["context"] = context if is_remote(context) else join(context)
    if isinstance(build.get("ssh"), dict):
        result["ssh"] = {name: join(path) if path else path for name, path in build["ssh"].items()}
    more = build.get("additional_contexts")
    if more:
        result["additional_contexts"] = {
            name: path if path is None or _no_path(path) else join(path)
            for name, path in more.items()
        }
    return result


def _no_path(context: str) -> bool:
    return is_remote(context) or bool(re.match(r"^(service|docker-image|oci-layout):", context))


def _mount(mount: dict[str, Any], join: Join) -> dict[str, Any]:
    source = mount.get("source")
    if mount.get("type") != "bind" or source is None:
        return mount
    return {**mount, "source": _on_host(source, join)}


def _on_host(path: str, join: Join) -> str:
    """A path that the host may know in Windows' way, such as `C:/data`."""
    return path if _WINDOWS.match(path) else join(path)


def _bound_volume(volume: dict[str, Any], join: Join) -> None:
    options = volume.get("driver_opts") or {}
    if volume.get("driver") == "local" and options.get("o") == "bind" and options.get("device"):
        volume["driver_opts"] = {**options, "device": join(options["device"])}
