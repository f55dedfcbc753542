"""The SQLite store does what every state store must do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.state_child import Spec
from tests.support.state_conformance import StateConformance


class TestSqlite(StateConformance):
    ttl = 1.0

    @pytest.fixture
    def spec(self, tmp_path: Path) -> Spec:
        return Spec(state_dir=str(tmp_path / "state"))
