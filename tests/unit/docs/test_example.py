"""`nap cluster check --example`: a file that nap reads, with every key that there is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from nap_compose.cluster import config, fields
from nap_compose.control.connect import example_file


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, dict[Any, Mapping[str, Any]]]:
    """The schema read once more, and for each record of it the keys that it knows."""
    known: dict[Any, Mapping[str, Any]] = {}
    record = fields.record

    def noted(make: Callable[..., Any], keys: Mapping[str, Any], **options: Any) -> Any:
        read = record(make, keys, **options)
        known[read] = keys
        return read

    monkeypatch.setattr(fields, "record", noted)
    spec = importlib.util.spec_from_file_location("config_again", config.__file__)
    assert spec and spec.loader
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)
    return again, known


def test_it_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yml"
    file.write_text(example_file())
    read = config.read(file)
    assert list(read.hosts) == ["h1", "h2", "h3"]
    assert read.ldap and read.consul and read.database and read.failover and read.storage.moosefs


def test_it_holds_every_key(records: tuple[ModuleType, dict[Any, Mapping[str, Any]]]) -> None:
    again, known = records
    document = yaml.safe_load(example_file())
    missing: list[str] = []

    def walk(field: Any, value: Any, path: str) -> None:
        for name, inner in known.get(field, {}).items():
            if name not in (value or {}):
                missing.append(f"{path}{name}")
            else:
                walk(inner, value[name], f"{path}{name}.")

    walk(again._CLUSTER, document, "")
    host = again._host("h1")
    walk(host, document["hosts"]["h1"], "hosts.h1.")
    assert missing == []
    assert len(known) > 15, "the walk saw the schema"


def test_every_line_with_a_value_says_what_it_means() -> None:
    """But for what its name says, or the comment at its section's head."""
    lines = [line for line in example_file().splitlines() if line.strip()]
    told = [line for line in lines if "#" in line]
    assert len(told) > 0.7 * len(lines)
