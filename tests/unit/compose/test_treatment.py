"""The treatment column tells the truth: what is ignored is warned of, what is refused is refused.

One file asks for every key that the table has; the tables and what is told of the file are
compared key by key.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nap_compose.compose.faults import dotted
from nap_compose.compose.keys import SERVICE, TOP
from nap_compose.compose.loader import Loaded, load
from nap_compose.compose.rows import EMBEDDED, Entry, Site, Treatment
from nap_compose.compose.schema import rows
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table
from nap_compose.compose.treatment import every_key
from nap_compose.errors import BadFile, BadFiles
from nap_compose.orchestration import checks
from tests.support.every_key import VALUES, value_of

LAB = Site("lab", 3)
STOPS = (Treatment.IGNORED, Treatment.REFUSED)


def leaves(shape: Object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """Each row below an object, with the keys that lead to it."""
    for key, row in shape.entries.items():
        yield (*path, key), row
        for inner in _objects(row.shape):
            yield from leaves(inner, (*path, key))


def _objects(shape: Shape) -> Iterator[Object]:
    if isinstance(shape, Object):
        yield shape
    elif isinstance(shape, Either):
        for each in shape.shapes:
            yield from _objects(each)
    elif isinstance(shape, Table):
        yield from _objects(shape.entry)
    elif isinstance(shape, Items):
        yield from _objects(shape.item)


def test_every_leaf_has_a_row_that_says_what_it_does() -> None:
    every = list(leaves(TOP))
    assert len(every) > 300
    for path, row in every:
        assert row.does, path
        if row.treatment in STOPS or row.cluster or row.heeds:
            assert row.note, path
        assert not row.does.endswith("."), path
        assert not row.note.endswith("."), path


def test_the_rows_of_the_docs_are_all_rows() -> None:
    assert [row for _, row in leaves(TOP)] == [row.entry for row in rows()]


NOT_ALONE = {"extends", "env_file", "label_file"}
"""Keys that name files or another service; they are applied while the file is read."""


@pytest.fixture(params=sorted(SERVICE.entries.keys() - NOT_ALONE))
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def app_with(folder: Path, key: str, value: Any, **more: Any) -> Loaded:
    """An app whose one service has everything that `key` may hold."""
    spec = {"image": "x", key: value}
    if key == "network_mode":
        spec[key] = "host"
    document = {
        "services": {"web": spec, "other": {"image": "x"}},
        "networks": {"a": {}},
        "volumes": {"aa": {}},
        "models": {"a": {"model": "m"}},
        "secrets": {"aa": {"file": "f"}},
        "configs": {"aa": {"file": "f"}},
        **more,
    }
    (folder / "compose.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return load(cwd=folder)


def below(table: Object, value: Any, path: tuple[Any, ...], site: Site) -> set[str]:
    """What the table says is ignored of a value."""
    return {
        dotted(finding.path)
        for finding in every_key(value, site, table, path)
        if finding.treatment is Treatment.IGNORED and finding.entry.says(finding.value)
    }


def test_what_is_ignored_is_warned_of_with_its_place(tmp_path: Path, key: str) -> None:
    row = SERVICE.entries[key]
    value = VALUES.get(key, value_of(row.shape))
    found = app_with(tmp_path, key, _trimmed(key, value))
    spec = yaml.safe_load((tmp_path / "compose.yaml").read_text())["services"]["web"]
    expected = below(SERVICE, spec, ("services", "web"), EMBEDDED)
    if row.treatment is Treatment.IGNORED:
        assert f"services.web.{key}" in expected
    told = found.ignored(EMBEDDED)
    assert {dotted(fault.path) for fault in told} == expected
    lines = (tmp_path / "compose.yaml").read_text().splitlines()
    for fault in told:
        assert fault.place is not None
        assert dotted(fault.path) in fault.message
        last = [step for step in fault.path if isinstance(step, str)][-1]
        assert lines[fault.place.line - 1][fault.place.column - 1 :].startswith(f"{last}:")


def _trimmed(key: str, value: Any) -> Any:
    """Without the parts that exclude each other."""
    if key == "build":
        return {k: v for k, v in value.items() if k not in ("dockerfile_inline", "secrets")}
    if key == "deploy":
        devices = value["resources"]["reservations"]["devices"]
        devices[0].pop("device_ids")
    if key == "x-nap":
        return {k: v for k, v in value.items() if k != "collect_logs"}
    return value


@pytest.mark.parametrize("site", [EMBEDDED, LAB], ids=["embedded", "cluster"])
@pytest.mark.parametrize("place", ["service", "top"])
def test_leaving_logs_uncollected_is_refused_by_name(
    tmp_path: Path, place: str, site: Site
) -> None:
    wish: dict[str, Any] = {"collect_logs": False}
    top = {"x-nap": wish} if place == "top" else {}
    found = app_with(tmp_path, "x-nap", wish if place == "service" else {}, **top)
    (fault,) = checks.faults(found.app, site)
    assert "x-nap.collect_logs is not done" in fault.message
    assert "driver: none" in fault.message
    placed = found.placed(fault).place
    assert placed is not None
    line = (tmp_path / "compose.yaml").read_text().splitlines()[placed.line - 1]
    assert line.lstrip().startswith("collect_logs:")


@pytest.mark.parametrize("site", [EMBEDDED, LAB], ids=["embedded", "cluster"])
def test_what_is_refused_is_refused_at_its_place(tmp_path: Path, key: str, site: Site) -> None:
    row = SERVICE.entries[key]
    found = app_with(tmp_path, key, _trimmed(key, VALUES.get(key, value_of(row.shape))))
    refused = row.treated(None, site) is Treatment.REFUSED
    faults = [
        fault
        for fault in checks.faults(found.app, site)
        if fault.path[:3] == ("services", "web", key)
    ]
    assert bool(faults) == refused
    for fault in faults:
        placed = found.placed(fault)
        assert placed.place is not None
        line = (tmp_path / "compose.yaml").read_text().splitlines()[placed.place.line - 1]
        assert line.lstrip().startswith(f"{key}:")


@pytest.mark.parametrize(
    "name", [name for name in TOP.entries if name not in ("services", "include")]
)
def test_top_level_elements(tmp_path: Path, name: str) -> None:
    row = TOP.entries[name]
    value: Any = "app" if name in ("name", "version") else value_of(row.shape)
    if name in ("secrets", "configs"):
        value = {"aa": {"file": "f"}}
    if name in ("networks", "volumes"):
        value = {"a": {k: v for k, v in value["a"].items() if k != "external"}}
    found = app_with(tmp_path, "networks", ["a"] if name == "networks" else [], **{name: value})
    grants = {"secrets": "aa", "configs": "aa", "models": "a"}
    if name == "version":
        assert "compose.yaml:" in found.warnings[0]
        assert "version is ignored" in found.warnings[0]
    elif row.treatment is Treatment.REFUSED:
        # A declaration that nobody is granted does no harm.
        assert not list(checks.faults(found.app, LAB))
        granted = app_with(tmp_path, name, [grants[name]], **{name: value})
        assert [fault.path for fault in checks.faults(granted.app, LAB)] == [
            ("services", "web", name)
        ]
    else:
        document = yaml.safe_load((tmp_path / "compose.yaml").read_text())
        expected = {path for path in below(TOP, document, (), EMBEDDED) if path.startswith(name)}
        assert {dotted(fault.path) for fault in found.ignored(EMBEDDED)} == expected


def told(folder: Path, text: str, site: Site) -> list[str]:
    (folder / "compose.yaml").write_text(text)
    found = load(cwd=folder)
    try:
        checks.check(found.app, site)
    except BadFile as error:
        placed = found.placed(error)
        return [str(fault) for fault in getattr(placed, "faults", (placed,))]
    return []


def test_what_hangs_on_more_than_a_key(tmp_path: Path) -> None:
    text = """services:
  web:
    image: x
    links: ["db:database"]
    labels: {io.nap.owner: me}
    volumes:
      - data:/d
      - ./conf:/c
  db: {image: x}
volumes:
  data: {labels: {com.docker.compose.project: mine}}
"""
    reserved = [
        "compose.yaml:5:14: services.web.labels: io.nap.owner is set by nap itself",
        "compose.yaml:11:19: volumes.data.labels: com.docker.compose.project is set by nap itself",
    ]
    assert told(tmp_path, text, EMBEDDED) == reserved
    assert told(tmp_path, text, LAB) == [
        reserved[0],
        f"compose.yaml:8:9: services.web.volumes: {tmp_path}/conf is beside the Compose file, and "
        "the hosts don't have it",
        reserved[1],
    ]


def test_one_host_can_what_several_can_not(tmp_path: Path) -> None:
    text = "services: {web: {image: x, links: [db], volumes: ['./c:/c']}, db: {image: x}}"
    assert told(tmp_path, text, Site("lab", 1)) == []
    assert len(told(tmp_path, text, LAB)) == 1


def test_what_the_loader_fills_in_is_nobodys_wish(tmp_path: Path) -> None:
    text = """services:
  web: {image: x, ports: ["80:80"], network_mode: "service:db", deploy: {replicas: 2}}
  db: {image: x}
"""
    (tmp_path / "compose.yaml").write_text(text)
    found = load(cwd=tmp_path)
    assert found.app.document["services"]["web"]["depends_on"]["db"]["restart"] is True
    assert found.ignored() == []


def test_a_key_that_is_taken_back_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("services: {web: {image: x, build: ., pull_refresh_after: 1h}}")
    (tmp_path / "b.yml").write_text("services: {web: {build: !reset , hostname: h}}")
    found = load(["a.yml", "b.yml"], cwd=tmp_path)
    assert [str(fault) for fault in found.ignored()] == [
        "a.yml:1:38: services.web.pull_refresh_after is ignored: use "
        "`pull_policy: always`, or `nap up --pull always` from time to time"
    ]


def test_a_key_of_a_service_that_is_extended_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "base.yml").write_text(
        "services:\n  base:\n    image: x\n    pre_start: [{command: c}]\n"
    )
    text = "services: {web: {extends: {service: base, file: base.yml}}}"
    (told_of,) = told(tmp_path, text, EMBEDDED)
    assert told_of.startswith("base.yml:4:5: services.web.pre_start is not done: ")


def test_off_services_are_not_told(tmp_path: Path) -> None:
    text = "services: {web: {image: x}, dev: {image: x, profiles: [d], pull_refresh_after: 1h}}"
    (tmp_path / "compose.yaml").write_text(text)
    assert load(cwd=tmp_path).ignored() == []
    assert len(load(cwd=tmp_path, profiles=["d"]).ignored()) == 1


def test_variables_that_were_left_are_no_values(tmp_path: Path) -> None:
    from nap_compose.compose.layers import Options

    text = "services: {web: {image: x, pull_policy: $POLICY, attach: false}}"
    (tmp_path / "compose.yaml").write_text(text)
    assert load(cwd=tmp_path, options=Options(interpolate=False)).ignored() == []


def test_several_faults_are_one_error() -> None:
    one, two = BadFile("one"), BadFile("two")
    assert BadFiles.of([one]) is one
    both = BadFiles.of([one, two])
    assert isinstance(both, BadFiles)
    assert both.faults == (one, two)


def test_what_a_cluster_heeds_is_warned_of_on_the_local_engine_alone(tmp_path: Path) -> None:
    """Where nobody says where it will run, only what is ignored everywhere is told."""
    (tmp_path / "compose.yaml").write_text(
        "services:\n"
        "  web:\n"
        "    image: x\n"
        "    deploy:\n"
        "      placement: {constraints: [node.labels.zone==a]}\n"
        "      labels: {a: b}\n"
    )
    found = load(cwd=tmp_path)
    everywhere = ["services.web.deploy.labels"]
    told = {
        site: [dotted(fault.path) for fault in found.ignored(site)]
        for site in (None, Site("lab", 3), EMBEDDED)
    }
    assert told[None] == told[Site("lab", 3)] == everywhere
    assert set(told[EMBEDDED]) == {"services.web.deploy.placement.constraints", *everywhere}
