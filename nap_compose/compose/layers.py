"""Files into one canonical document: read, interpolate, check, include, extend, merge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Any, NamedTuple

from nap_compose.compose import canonical, extends, faults, include, merge, paths, yamlfile
from nap_compose.compose.discovery import STDIN
from nap_compose.compose.envfiles import read_bytes
from nap_compose.compose.faults import Fault
from nap_compose.compose.interpolation import Interpolator
from nap_compose.compose.keys import SERVICE, TOP
from nap_compose.compose.limits import DEEPEST, MOST_FILES, Budget
from nap_compose.compose.shapes import Reading
from nap_compose.compose.yamlfile import Document
from nap_compose.errors import BadFile, BadFiles, Place
from nap_compose.plaindata import dataclass

Json = dict[str, Any]


class Options(NamedTuple):
    """What of the loading is left out (`nap config --no-interpolate` and its like).

    `used_only`: networks, volumes, secrets and configs that no service uses are left out.
    `deploy`: the app is going to run, so what the engine takes as contents is read as well.
    """

    interpolate: bool = True
    normalise: bool = True
    consistency: bool = True
    resolve_paths: bool = True
    resolve_env: bool = True
    used_only: bool = True
    deploy: bool = False


def _entries(spec: Any) -> int:
    """How many entries the lists and mappings of a service have."""
    values = spec.values() if isinstance(spec, dict) else ()
    return sum(len(value) for value in values if isinstance(value, (dict, list)))


@contextmanager
def _placed(path: faults.Path) -> Iterator[None]:
    """What can't be read gets the place that asks for it."""
    try:
        yield
    except BadFile as error:
        if error.place or isinstance(error, BadFiles):
            raise
        raise Fault(path, error.message, error.hint) from None


def _below(value: Any, *path: faults.Key) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def in_order(fault: BadFile) -> tuple[str, int, int]:
    """Sorts faults as they stand in their files."""
    place = fault.place
    return (place.file, place.line, place.column) if place else ("", 0, 0)


@dataclass
class Layers:
    """Reads the files of one app, and remembers them to say where a fault is.

    `cwd`: where the person stands; `home`: the app's folder.
    """

    options: Options = field(default_factory=Options)
    stdin: Callable[[], bytes] | None = None
    cwd: str = ""
    home: str = ""
    read: list[Document] = field(default_factory=list)
    warnings: dict[str, None] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    relative: set[str] = field(default_factory=set)
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
                self._open[file] = yamlfile.documents(read_bytes(file), self.shown(file))
            self.read += self._open[file]
        return self._open[file]

    def load(
        self,
        files: Sequence[str],
        folder: str,
        env: Mapping[str, str],
        includers: tuple[str, ...] = (),
    ) -> Json:
        """The files, one over the other, with what they include and extend.

        Raises BadFile or BadFiles with the faults of all of them.
        """
        merged: Json = {}
        bad: dict[str, BadFile] = {}
        for file in files:
            try:
                for document in self.documents(file):
                    layer = self._layer(document, file, folder, env, included=bool(includers))
                    merged = self._merged(merged, layer, document, folder, env, (*includers, file))
            except BadFile as error:
                found = error.faults if isinstance(error, BadFiles) else (error,)
                bad.update({str(each): each for each in found})
        if bad:
            raise BadFiles.of(bad.values())
        if not any(document.value for file in files for document in self.documents(file)):
            names = " and ".join(self.shown(file) for file in files)
            raise BadFile(f"there is nothing in {names}", hint="begin with services:")
        return merged

    def _merged(
        self,
        merged: Json,
        layer: Json,
        document: Document,
        folder: str,
        env: Mapping[str, str],
        includers: tuple[str, ...],
    ) -> Json:
        """`layer` with what it includes, over what was `merged` before it."""
        try:
            self._include(layer, folder, env, includers)
            for path in document.resets:
                merged = merge.without(merged, path)
            return merge.documents(merged, layer)
        except Fault as fault:
            raise self.bad(fault, document) from None

    def _layer(
        self, document: Document, file: str, folder: str, env: Mapping[str, str], *, included: bool
    ) -> Json:
        """One document: interpolated, checked, canonical, its `extends` resolved."""
        value, unfilled = self._interpolated(document, env)
        layer = self._checked(document, value, unfilled)
        if self.options.resolve_paths or included:
            paths.document(layer, paths.joiner(self._shown_folder(folder), self.relative))
        services = layer.get("services") or {}
        if any(isinstance(spec, dict) and "extends" in spec for spec in services.values()):
            book = extends.Book(self.shown(file), folder, dict(services).get, document.resets, {})
            books: dict[tuple[str, str], extends.Book] = {}

            def open_book(path: str, home: str) -> extends.Book:
                if (path, home) not in books:
                    books[path, home] = self._book(path, home, env)
                return books[path, home]

            found: dict[str, Fault] = {}
            for name in services:
                try:
                    with _placed(("services", name, "extends")):
                        services[name] = extends.resolve(name, book, open_book)
                    self.budget.take(_entries(services[name]), ("services", name))
                except Fault as fault:
                    found.setdefault(fault.message, fault)
            if found:
                raise self.all_bad(tuple(found.values()), document)
        return layer

    def _interpolated(self, document: Document, env: Mapping[str, str]) -> tuple[Json, list[Fault]]:
        """The document with its variables filled in, and why some could not be."""
        try:
            value = yamlfile.mapping(document)
        except Fault as fault:
            raise self.bad(fault, document) from None
        if not self.options.interpolate or b"$" not in document.text:
            return value, []
        interpolator = Interpolator(env)
        faults: list[Fault] = []
        filled: Json = interpolator.tree(value, faults)
        for name in interpolator.unset:
            self.warn(f'The "{name}" variable is not set. Defaulting to a blank string.')
        return filled, faults

    def _checked(self, document: Document, value: Json, unfilled: list[Fault]) -> Json:
        """The canonical form. Raises every fault that the document has."""
        reading = self._reading(loose=bool(unfilled))
        layer = canonical.document(TOP.read(value, reading), reading)
        self._report(document, reading, unfilled)
        if "version" in layer:
            place = document.place(("version",))
            self.warn(f"{place}: version is ignored: it is obsolete, remove it")
            del layer["version"]
        return layer

    def _shown_folder(self, folder: str) -> str:
        """What the paths of a file are put below: relative to the app's own folder where its
        paths are left as they stand."""
        return folder if self.options.resolve_paths else os.path.relpath(folder, self.home)

    def _reading(self, *, loose: bool = False, path: faults.Path = ()) -> Reading:
        written = not self.options.interpolate
        return Reading(loose or written, path, self.budget, as_written=written)

    def _report(self, document: Document, reading: Reading, unfilled: Sequence[Fault] = ()) -> None:
        """Raise what was found wrong, in the file's order, each place once."""
        if reading.faults or unfilled:
            found = {fault.path: fault for fault in reversed((*unfilled, *reading.faults))}
            raise self.all_bad(tuple(reversed(found.values())), document)
        for warning in reading.warnings:
            self.warn(warning)
        reading.warnings.clear()

    def _book(self, file: str, folder: str, env: Mapping[str, str]) -> extends.Book:
        """The services of a file that something extends, each read when it is asked for."""
        path = os.path.normpath(Path(folder, file))
        home = str(Path(path).parent)
        documents = self.documents(path)
        raw = []
        for document in documents:
            value, unfilled = self._interpolated(document, env)
            self._report(document, Reading(), unfilled)
            raw.append((document, value))
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

        return extends.Book(self.shown(path), home, get, resets, {})

    def _extended(self, document: Document, name: str, spec: Any, home: str) -> Json:
        reading = self._reading(path=("services", name))
        layer = canonical.service(SERVICE.read(spec, reading), reading)
        self._report(document, reading)
        paths.service(layer, paths.joiner(self._shown_folder(home), self.relative))
        return layer  # type: ignore[no-any-return]

    def _include(
        self, layer: Json, folder: str, env: Mapping[str, str], includers: tuple[str, ...]
    ) -> None:
        entries = layer.pop("include", None)
        for index, inclusion in include.read(entries, folder, env):
            again = next((file for file in inclusion.files if file in includers), None)
            if again:
                chain = " → ".join(map(self.shown, (*includers, again)))
                raise Fault(("include", index), f"these files include each other: {chain}")
            if len(includers) > DEEPEST:
                raise Fault(("include", index), f"more than {DEEPEST} files include each other")
            with _placed(("include", index)):
                for file in inclusion.files:
                    documents = self.documents(file)
                    size = len(documents[0].text) if documents else 0
                    self.budget.include(size, ("include", index))
                included = self.load(inclusion.files, inclusion.folder, inclusion.env, includers)
            include.add(layer, included, index)

    def shown(self, file: str) -> str:
        """A file's name for the person: relative where it lies below the working directory."""
        return file.removeprefix(f"{self.cwd}/")

    def warn(self, text: str) -> None:
        """Note a warning, once."""
        self.warnings[text] = None

    def bad(self, fault: Fault, document: Document | None = None) -> BadFile:
        """`fault` for the person: in `document`, or in the last file that has its path."""
        place = document.place(fault.path) if document else self.find(fault.path)[0]
        return BadFile(fault.text(), place=place, hint=fault.hint, path=fault.path)

    def all_bad(self, faults: Sequence[Fault], document: Document | None = None) -> BadFile:
        """One error for all the `faults`, in the order of the file."""
        return BadFiles.of(sorted((self.bad(fault, document) for fault in faults), key=in_order))

    def find(self, path: faults.Path) -> tuple[Place | None, bool]:
        """Where `path` stands in the last file that has it, and whether all of it does.

        What a service has of one that it extends is found there.
        """
        place, depth = self._deepest(path)
        if depth == len(path) or len(path) < 3 or path[0] != "services":
            return place, depth == len(path)
        for name in self._extended_by(path[1]):
            found, inside = self._deepest(("services", name, *path[2:]))
            if inside > depth:
                place, depth = found, inside
        return place, depth == len(path)

    def _deepest(self, path: faults.Path) -> tuple[Place | None, int]:
        """Where most of `path` stands, and how many of its steps."""
        best: tuple[Place | None, int] = (None, -1)
        for document in self.read:
            depth = document.depth(path)
            if depth >= best[1]:
                best = (document.place(path), depth)
        return best

    def _extended_by(self, name: faults.Key) -> Iterator[faults.Key]:
        """The names of the services that a service extends, and those that they extend."""
        seen = {name}
        waiting = [name]
        while waiting:
            current = waiting.pop()
            for document in self.read:
                given = _below(document.value, "services", current, "extends")
                base = given.get("service") if isinstance(given, dict) else given
                if isinstance(base, str) and base not in seen:
                    seen.add(base)
                    waiting.append(base)
                    yield base
