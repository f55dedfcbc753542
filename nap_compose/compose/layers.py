"""Files into one canonical document: read, interpolate, check, include, extend, merge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nap_compose.compose import canonical, extends, faults, include, merge, paths, yamlfile
from nap_compose.compose.discovery import STDIN
from nap_compose.compose.envfiles import read_bytes
from nap_compose.compose.faults import Fault
from nap_compose.compose.interpolation import Interpolator
from nap_compose.compose.keys import SERVICE, TOP
from nap_compose.compose.shapes import Reading
from nap_compose.compose.yamlfile import Document
from nap_compose.errors import BadFile, BadFiles

Json = dict[str, Any]

MOST_FILES = 1000
"""More files than this in one app are a mistake, or a trap."""


@dataclass(frozen=True)
class Options:
    """What of the loading is left out (`nap config --no-interpolate` and its like)."""

    interpolate: bool = True
    normalise: bool = True
    consistency: bool = True
    resolve_paths: bool = True
    resolve_env: bool = True


@contextmanager
def _placed(path: faults.Path) -> Iterator[None]:
    """What can't be read gets the place that asks for it."""
    try:
        yield
    except BadFile as error:
        if error.place or isinstance(error, BadFiles):
            raise
        raise Fault(path, error.message, error.hint) from None


@dataclass
class Layers:
    """Reads the files of one app, and remembers them to say where a fault is."""

    options: Options = field(default_factory=Options)
    stdin: Callable[[], bytes] | None = None
    read: list[Document] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    _open: dict[str, list[Document]] = field(default_factory=dict)

    def documents(self, file: str) -> list[Document]:
        """The YAML documents of a file, read once. Raises BadFile."""
        if file not in self._open:
            if len(self._open) >= MOST_FILES:
                raise BadFile(f"the app is made of more than {MOST_FILES} files")
            if file == STDIN:
                text = self.stdin() if self.stdin else b""
                self._open[file] = yamlfile.documents(text, "<stdin>")
            else:
                self._open[file] = yamlfile.documents(read_bytes(file), file)
            self.read += self._open[file]
        return self._open[file]

    def load(
        self,
        files: Sequence[str],
        folder: str,
        env: Mapping[str, str],
        includers: tuple[str, ...] = (),
    ) -> Json:
        """The files, one over the other, with what they include and extend. Raises BadFile."""
        merged: Json = {}
        for file in files:
            for document in self.documents(file):
                try:
                    layer = self._layer(document, file, folder, env)
                    self._include(layer, folder, env, (*includers, file))
                    for path in document.resets:
                        merged = merge.without(merged, path)
                    merged = merge.documents(merged, layer)
                except Fault as fault:
                    raise self.bad(fault, document) from None
        if not any(document.value for file in files for document in self.documents(file)):
            raise BadFile(f"there is nothing in {' and '.join(files)}", hint="begin with services:")
        return merged

    def _layer(self, document: Document, file: str, folder: str, env: Mapping[str, str]) -> Json:
        """One document: interpolated, checked, canonical, its `extends` resolved."""
        layer = self._checked(document, self._interpolated(document, env), folder)
        services = layer.get("services") or {}
        if any(isinstance(spec, dict) and "extends" in spec for spec in services.values()):
            book = extends.Book(file, folder, dict(services).get, document.resets)
            for name in services:
                with _placed(("services", name, "extends")):
                    services[name] = extends.resolve(
                        name, book, lambda path, home: self._book(path, home, env)
                    )
        return layer

    def _interpolated(self, document: Document, env: Mapping[str, str]) -> Json:
        value = yamlfile.mapping(document)
        if not self.options.interpolate:
            return value
        interpolator = Interpolator(env)
        filled: Json = interpolator.tree(value)
        for name in interpolator.unset:
            self.warn(f'The "{name}" variable is not set. Defaulting to a blank string.')
        return filled

    def _checked(self, document: Document, value: Json, folder: str) -> Json:
        """The canonical form with absolute paths. Raises every fault that the document has."""
        reading = Reading(loose=not self.options.interpolate)
        checked = TOP.read(value, reading)
        self._report(document, reading)
        layer = canonical.document(checked, reading)
        self._report(document, reading)
        if "version" in layer:
            self.warn(f"{document.file}: `version` is obsolete and has no effect: remove it")
            del layer["version"]
        if self.options.resolve_paths:
            paths.document(layer, folder)
        return layer

    def _report(self, document: Document, reading: Reading) -> None:
        if reading.faults:
            raise self.all_bad(reading.faults, document)
        for warning in reading.warnings:
            self.warn(warning)
        reading.warnings.clear()

    def _book(self, file: str, folder: str, env: Mapping[str, str]) -> extends.Book:
        """The services of a file that something extends, each read when it is asked for."""
        path = os.path.normpath(Path(folder, file))
        home = str(Path(path).parent)
        documents = self.documents(path)
        raw = [(document, self._interpolated(document, env)) for document in documents]
        resets = tuple(reset for document in documents for reset in document.resets)

        def get(name: str) -> Json | None:
            found: Json | None = None
            for document, value in raw:
                spec = (value.get("services") or {}).get(name)
                if spec is not None:
                    layer = self._extended(document, name, spec, home)
                    found = layer if found is None else merge.services(
                        found, layer, ("services", name)
                    )  # fmt: skip
            return found

        return extends.Book(path, home, get, resets)

    def _extended(self, document: Document, name: str, spec: Any, home: str) -> Json:
        reading = Reading(loose=not self.options.interpolate, path=["services", name])
        checked = SERVICE.read(spec, reading)
        self._report(document, reading)
        layer = canonical.service(checked, reading)
        self._report(document, reading)
        if self.options.resolve_paths:
            paths.service(layer, paths.joiner(home))
        return layer  # type: ignore[no-any-return]

    def _include(
        self, layer: Json, folder: str, env: Mapping[str, str], includers: tuple[str, ...]
    ) -> None:
        entries = layer.pop("include", None)
        for index, inclusion in include.read(entries, folder, env):
            again = next((file for file in inclusion.files if file in includers), None)
            if again:
                chain = " → ".join((*includers, again))
                raise Fault(("include", index), f"these files include each other: {chain}")
            with _placed(("include", index)):
                included = self.load(inclusion.files, inclusion.folder, inclusion.env, includers)
            include.add(layer, included, index)

    def warn(self, text: str) -> None:
        """Note a warning, once."""
        self.warnings[text] = None

    def bad(self, fault: Fault, document: Document | None = None) -> BadFile:
        """`fault` for the person: in `document`, or in the last file that has its path."""
        if document is None:
            document = self._home(fault.path)
        place = document.place(fault.path) if document else None
        return BadFile(fault.text(), place=place, hint=fault.hint)

    def all_bad(self, faults: Sequence[Fault], document: Document | None = None) -> BadFile:
        """One error for all the `faults`."""
        bad = tuple(self.bad(fault, document) for fault in faults)
        return bad[0] if len(bad) == 1 else BadFiles(bad)

    def _home(self, path: faults.Path) -> Document | None:
        best = None
        for document in self.read:
            if best is None or document.depth(path) >= best.depth(path):
                best = document
        return best
