"""A real SQLite store for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nap_compose.cluster.state import StateStore
from nap_compose.cluster.state_sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = SqliteStore(tmp_path / "state" / "state.sqlite")
    yield store
    store.close()
