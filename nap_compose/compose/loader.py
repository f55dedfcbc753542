"""Compose files in, an App out: the phases of loading in Compose's order."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nap_compose.compose import (
    consistency,
    discovery,
    dotenv,
    envfiles,
    interpolation,
    merge,
    normalise,
    profiles,
    project,
)
from nap_compose.compose.discovery import STDIN, setting
from nap_compose.compose.envfiles import read_text
from nap_compose.compose.faults import Fault
from nap_compose.compose.layers import Layers, Options
from nap_compose.compose.model import App
from nap_compose.errors import BadFile

Json = dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """What the files ask for, and what a person should know about them.

    `variables` are what the files name, `env` the values they were given (`nap config
    --variables`, `--environment`).
    """

    app: App
    warnings: tuple[str, ...] = ()
    variables: Mapping[str, interpolation.Variable] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)


def load(
    files: Sequence[str | Path] | None = None,
    *,
    project_name: str | None = None,
    project_directory: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    env_files: Sequence[str | Path] = (),
    profiles: Sequence[str] = (),
    services: Sequence[str] = (),
    stdin: Callable[[], bytes] | None = None,
    cwd: str | Path | None = None,
    options: Options | None = None,
    narrow: bool = True,
) -> Loaded:
    """Read an app.

    `files`: as given with `-f`; none: those that lie around, or `COMPOSE_FILE`. `env`: the
    caller's variables (left out: none). `env_files`: instead of `.env`. `services`: turns their
    profiles on and, with `narrow`, leaves only them and what they depend on; the others count as
    `profiled_out`. `stdin` is called for the file `-`. `cwd`: what relative paths start from.
    Raises BadFile or BadFiles, with places, and nothing else.
    """
    request = _Request(
        env=dict(env or {}),
        cwd=Path(cwd or Path.cwd()).absolute(),
        options=options or Options(),
    )
    return request.run(
        files=files,
        project_name=project_name,
        project_directory=project_directory,
        env_files=[str(file) for file in env_files],
        active=profiles,
        named=services,
        stdin=stdin,
        narrow=narrow,
    )


@dataclass
class _Request:
    env: dict[str, str]
    cwd: Path
    options: Options

    def run(
        self,
        *,
        files: Sequence[str | Path] | None,
        project_name: str | None,
        project_directory: str | Path | None,
        env_files: list[str],
        active: Sequence[str],
        named: Sequence[str],
        stdin: Callable[[], bytes] | None,
        narrow: bool,
    ) -> Loaded:
        given = self._with_env_files(self.cwd, env_files)
        found = discovery.find(files, given, self.cwd)
        folder = self._folder(found, project_directory)
        env = self._with_env_files(folder, env_files)
        env = env if env_files or folder == self.cwd else {**given, **env, **self.env}
        layers = Layers(self.options, stdin)
        name = self._name(layers, found, folder, project_name, env)
        env["COMPOSE_PROJECT_NAME"] = name
        document = layers.load(found, str(folder), env)
        document["name"] = name
        known = dict(document.get("services") or {})
        wanted = self._profiles(active, env)
        app = self._finish(layers, document, env, wanted, named, narrow)
        return Loaded(
            app=App.of(
                app,
                working_dir=str(folder),
                files=tuple(found),
                profiled_out=tuple(sorted(known.keys() - (app.get("services") or {}).keys())),
            ),
            warnings=tuple(layers.warnings),
            variables=_variables(layers),
            env=env,
        )

    def _with_env_files(self, folder: Path, env_files: list[str]) -> dict[str, str]:
        """The caller's variables over those of the env files, or of `.env` in `folder`."""
        listed = setting(self.env, "ENV_FILES")
        names = env_files or ([name for name in listed.split(",") if name] if listed else [])
        paths = [self.cwd / name for name in names]
        if not paths and not _is_true(setting(self.env, "DISABLE_ENV_FILE")):
            paths = [folder / ".env"] if (folder / ".env").is_file() else []
        values: dict[str, str] = {}
        for path in paths:
            text = read_text(path)
            for key, value in dotenv.parse(text, str(path), {**values, **self.env}).items():
                if value is not None:
                    values[key] = value
        return {**values, **self.env}

    def _folder(self, files: Sequence[str], given: str | Path | None) -> Path:
        if given:
            return Path(os.path.normpath(self.cwd / given))
        first = files[0]
        return self.cwd if first == STDIN else Path(first).parent

    def _name(
        self,
        layers: Layers,
        files: Sequence[str],
        folder: Path,
        given: str | None,
        env: Mapping[str, str],
    ) -> str:
        """`-p`, the environment, the last `name:`, or the folder's name, in this order."""
        if given:
            return project.check_name(given, "given with -p")
        if from_env := setting(env, "PROJECT_NAME"):
            return project.check_name(from_env, "from the environment")
        for file in reversed(files):
            for document in reversed(layers.documents(file)):
                value = document.value.get("name") if isinstance(document.value, dict) else None
                if not isinstance(value, str) or not value:
                    continue
                try:
                    text = interpolation.Interpolator(env).tree(value)
                except Fault as fault:
                    raise layers.bad(Fault(("name",), fault.message), document) from None
                try:
                    return project.check_name(text, "from `name:`")
                except BadFile as error:
                    place = document.place(("name",))
                    raise BadFile(error.message, place=place, hint=error.hint) from None
        name = project.from_folder(folder.name)
        if not name:
            raise BadFile(
                f"the folder {folder} gives no project name", hint="give one with -p or `name:`"
            )
        return name

    def _profiles(self, active: Sequence[str], env: Mapping[str, str]) -> list[str]:
        listed = setting(env, "PROFILES")
        return [*active] or [name.strip() for name in (listed or "").split(",") if name.strip()]

    def _finish(
        self,
        layers: Layers,
        document: Json,
        env: Mapping[str, str],
        active: Sequence[str],
        named: Sequence[str],
        narrow: bool,
    ) -> Json:
        try:
            return self._finished(layers, document, env, active, named, narrow)
        except Fault as fault:
            raise layers.bad(fault) from None

    def _finished(
        self,
        layers: Layers,
        document: Json,
        env: Mapping[str, str],
        active: Sequence[str],
        named: Sequence[str],
        narrow: bool,
    ) -> Json:
        specs = {
            name: merge.each_once(dict(spec or {}))
            for name, spec in (document.get("services") or {}).items()
        }
        if faults := list(consistency.resources(document)):
            raise layers.all_bad(faults)
        for spec in specs.values():
            normalise.dependencies(spec)
            if self.options.normalise:
                normalise.service(spec, env)
        on = profiles.chosen(specs, active, named)
        document["services"] = {name: spec for name, spec in specs.items() if name in on}
        _add_default_network(document)
        if self.options.consistency:
            self._check(layers, document, specs)
        if named and narrow:
            kept = profiles.with_dependencies(document["services"], named)
            document["services"] = {k: v for k, v in document["services"].items() if k in kept}
        if self.options.resolve_env:
            for name, spec in document["services"].items():
                envfiles.resolve(name, spec, env, keep=False)
        if self.options.normalise:
            normalise.used_only(document)
            normalise.names(document, document["name"])
        return normalise.completed(document)

    def _check(self, layers: Layers, document: Json, known: Mapping[str, Any]) -> None:
        if not known:
            raise layers.bad(Fault((), "the file has no services"))
        if faults := consistency.check(document, known):
            raise layers.all_bad(faults)


def _add_default_network(document: Json) -> None:
    networks = dict(document.get("networks") or {})
    networks.setdefault("default", None)
    document["networks"] = networks


def _is_true(value: str | None) -> bool:
    return (value or "").lower() in ("1", "t", "true", "yes", "y", "on")


def _variables(layers: Layers) -> dict[str, interpolation.Variable]:
    found: dict[str, interpolation.Variable] = {}
    for document in layers.read:
        try:
            found.update(interpolation.variables(document.value))
        except Fault:
            continue
    return found
