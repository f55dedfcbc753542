"""Compose files in, an App out: the phases of loading in Compose's order."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
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
    security,
)
from nap_compose.compose.discovery import STDIN, setting
from nap_compose.compose.envfiles import read_text
from nap_compose.compose.faults import Fault
from nap_compose.compose.layers import Layers, Options, in_order
from nap_compose.compose.model import App
from nap_compose.compose.rows import Site
from nap_compose.compose.yamlfile import Document
from nap_compose.errors import BadFile, BadFiles
from nap_compose.plaindata import dataclass

Json = dict[str, Any]


@dataclass(frozen=True)
class Loaded:
    """What the files ask for, and what a person should know about them.

    `env` are the values that variables were given (`nap config --environment`).
    """

    app: App
    warnings: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    _layers: Layers = field(default_factory=Layers, repr=False, compare=False)

    @property
    def documents(self) -> Sequence[Document]:
        """The YAML documents that were read, in order."""
        return self._layers.read

    @property
    def relative(self) -> Collection[str]:
        """The paths that the files gave relative to themselves, made absolute."""
        return self._layers.relative

    @property
    def variables(self) -> Mapping[str, interpolation.Variable]:
        """The variables that the files name (`nap config --variables`)."""
        found: dict[str, interpolation.Variable] = {}
        for document in self.documents:
            # What isn't a valid template was reported when the file was read.
            with suppress(Fault):
                found.update(interpolation.variables(document.value))
        return found

    def ignored(self, site: Site | None = None) -> list[BadFile]:
        """What the files ask for and nap ignores at `site` (None: anywhere), each with its
        place."""
        from nap_compose.compose import treatment

        if not self._layers.options.interpolate:
            return []
        found = []
        for finding in treatment.ignored(self.app.document, site):
            place, written = self._layers.find(finding.path)
            # What the loader itself filled in is nobody's wish. In a list that several files
            # add to, an entry may stand under another number: that is no sign of it.
            if written or any(isinstance(step, int) for step in finding.path):
                found.append(BadFile(finding.sentence, place=place, path=finding.path))
        return found

    def placed(self, error: BadFile) -> BadFile:
        """`error`, said of the document, with the places of its faults in the files."""
        faults = error.faults if isinstance(error, BadFiles) else (error,)
        return BadFiles.of(sorted(map(self._placed, faults), key=in_order))

    def _placed(self, fault: BadFile) -> BadFile:
        if fault.place or not fault.path:
            return fault
        place, _ = self._layers.find(fault.path)
        placed = BadFile(fault.message, place=place, hint=fault.hint, path=fault.path)
        placed.exit_code = fault.exit_code
        return placed


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
    With variables left as they stand (`options`), the app has a document and no typed services.
    Raises BadFile or BadFiles, with places, and nothing else.
    """
    home = Path(cwd or Path.cwd()).absolute()
    request = _Request(
        files=files,
        project_name=project_name,
        project_directory=project_directory,
        shell=dict(env or {}),
        env_files=[str(file) for file in env_files],
        active=list(profiles),
        named=list(services),
        cwd=home,
        narrow=narrow,
        layers=Layers(options or Options(), stdin, str(home)),
    )
    return request.run()


@dataclass
class _Request:
    """One call of `load`: what was asked, and what is known so far."""

    files: Sequence[str | Path] | None
    project_name: str | None
    project_directory: str | Path | None
    shell: dict[str, str]
    env_files: list[str]
    active: list[str]
    named: list[str]
    cwd: Path
    narrow: bool
    layers: Layers
    found: list[str] = field(default_factory=list)
    folder: str = ""
    env: dict[str, str] = field(default_factory=dict)

    def run(self) -> Loaded:
        self._find()
        name = self._name()
        self.env["COMPOSE_PROJECT_NAME"] = name
        document = self.layers.load(self.found, self.folder, self.env)
        document["name"] = name
        known = set(document.get("services") or {})
        try:
            document = self._finished(document)
        except Fault as fault:
            raise self.layers.bad(fault) from None
        return Loaded(
            app=self._app(document, tuple(sorted(known - document["services"].keys()))),
            warnings=tuple(self.layers.warnings),
            env=self.env,
            _layers=self.layers,
        )

    def _app(self, document: Json, profiled_out: tuple[str, ...]) -> App:
        if not self.layers.options.interpolate:
            # Numbers may still be variables: there is nothing to read them into.
            return App(document["name"], document, {}, working_dir=self.folder)
        return App.of(document, self.folder, tuple(self.found), profiled_out)

    def _find(self) -> None:
        """Which files, the project's folder, and the variables.

        Where the command names no files, `.env` of the folder that they are looked for in may
        name them, and its words win over those of `.env` in the project's folder.
        """
        self.env = self.shell
        if not self.files:
            self.env = self._with_env_files(self.cwd / (self.project_directory or ""))
        self.found = discovery.find(self.files, self.env, self.cwd, self.project_directory)
        folder = self._project_folder()
        self.folder = self.layers.home = str(folder)
        self.env = {**self._with_env_files(folder), **self.env}

    def _with_env_files(self, folder: Path) -> dict[str, str]:
        """The caller's variables over those of the env files, or of `.env` in `folder`."""
        listed = setting(self.shell, "ENV_FILES")
        names = self.env_files or [name for name in (listed or "").split(",") if name]
        paths = [self.cwd / name for name in names]
        if not paths and not _is_true(setting(self.shell, "DISABLE_ENV_FILE")):
            paths = [folder / ".env"] if discovery.is_file(folder / ".env") else []
        values: dict[str, str] = {}
        for path in paths:
            shown = self.layers.shown(str(path))
            found = dotenv.parse(read_text(path), shown, {**values, **self.shell})
            values.update({key: value for key, value in found.items() if value is not None})
        return {**values, **self.shell}

    def _project_folder(self) -> Path:
        if self.project_directory:
            return Path(os.path.normpath(self.cwd / self.project_directory))
        first = next((file for file in self.found if file != STDIN), None)
        return Path(first).parent if first else self.cwd

    def _name(self) -> str:
        """`-p`, the environment, the last `name:`, or the folder's name, in this order."""
        if self.project_name:
            return project.check_name(self.project_name, "given with -p")
        if given := setting(self.env, "PROJECT_NAME"):
            return project.check_name(given, "from the environment")
        for file in reversed(self.found):
            for document in reversed(self.layers.documents(file)):
                if name := self._declared_name(document):
                    return name
        name = project.from_folder(Path(self.folder).name)
        if not name:
            raise BadFile(
                f"the folder {self.folder} gives no project name",
                hint="give one with -p or `name:`",
            )
        return name

    def _declared_name(self, document: Document) -> str:
        """The `name:` of one document, empty where it has none."""
        value = document.value.get("name") if isinstance(document.value, dict) else None
        if not isinstance(value, str) or not value:
            return ""
        options = self.layers.options
        try:
            text = (
                interpolation.Interpolator(self.env).tree(value) if options.interpolate else value
            )
        except Fault as fault:
            raise self.layers.bad(Fault(("name",), fault.message), document) from None
        name = project.from_folder(text) if options.normalise else text
        if text and not name:
            raise self.layers.bad(Fault(("name",), f'"{text}" leaves no project name'), document)
        return name

    def _finished(self, document: Json) -> Json:
        """The merged document normalised, narrowed to what is on, and checked."""
        options = self.layers.options
        specs = {
            name: merge.each_once(dict(spec or {}))
            for name, spec in (document.get("services") or {}).items()
        }
        self._refuse(list(consistency.resources(document)))
        for spec in specs.values():
            normalise.defaults(spec, self.folder if options.resolve_paths else ".")
            if options.normalise:
                normalise.service(spec, self.env if options.interpolate else {})
        document["services"] = specs
        if options.normalise:
            normalise.default_network(document)
        if options.interpolate:
            self._select(document, specs)
        if options.normalise:
            normalise.names(document, document["name"])
        return normalise.completed(document) if options.interpolate else document

    def _select(self, document: Json, specs: Mapping[str, Json]) -> None:
        """Narrow the document, in place, to what is on and named, and to what that uses."""
        options = self.layers.options
        on = profiles.chosen(specs, self._profiles(), self.named)
        document["services"] = {name: spec for name, spec in specs.items() if name in on}
        if options.consistency:
            self._refuse(consistency.check(document, specs))
            for spec in document["services"].values():
                normalise.replicas(spec)
        if self.named and self.narrow:
            kept = profiles.with_dependencies(document["services"], self.named)
            document["services"] = {name: specs[name] for name in specs if name in kept}
        if options.resolve_env:
            self._resolve_env(document["services"])
        if options.deploy:
            self._resolve_security(document["services"])
        if options.used_only:
            normalise.used_only(document)

    def _resolve_env(self, services: Json) -> None:
        faults = []
        for name, spec in services.items():
            try:
                envfiles.resolve(name, spec, self.env, self.folder)
            except Fault as fault:
                faults.append(fault)
            count = len(spec.get("environment") or ()) + len(spec.get("labels") or ())
            self.layers.budget.take(count, ("services", name, "env_file"))
        self._refuse(faults)

    def _resolve_security(self, services: Json) -> None:
        faults = []
        for name, spec in services.items():
            try:
                security.resolve(name, spec, self.folder)
            except Fault as fault:
                faults.append(fault)
        self._refuse(faults)

    def _refuse(self, faults: Sequence[Fault]) -> None:
        if faults:
            raise self.layers.all_bad(faults)

    def _profiles(self) -> list[str]:
        listed = setting(self.env, "PROFILES") or ""
        return self.active or [name.strip() for name in listed.split(",")]


def _is_true(value: str | None) -> bool:
    return (value or "").lower() in ("1", "t", "true", "yes", "y", "on")
