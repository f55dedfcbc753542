from pathlib import Path

import pytest

SHOP = """\
name: shop
services:
  web: {image: "nginx:1", ports: ["8080:80"], profiles: []}
  db: {image: "mariadb:11"}
  debug: {image: busybox, profiles: [debug]}
"""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with no Compose file in it or above it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shop(empty: Path) -> Path:
    """A folder with the file of an app called shop."""
    (empty / "compose.yaml").write_text(SHOP)
    return empty
