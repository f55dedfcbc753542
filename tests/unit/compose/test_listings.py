"""The short lists of `nap config`."""

from pathlib import Path

from nap_compose.compose import listings
from nap_compose.compose.loader import load

TEXT = """
name: shop
services:
  web: {build: ., depends_on: [db, cache], networks: [front], profiles: [all]}
  api: {image: api, depends_on: [db]}
  db: {image: mariadb, volumes: ["data:/d"]}
  cache: {image: api}
networks: {front: , unused: }
volumes: {data: , unused: }
"""


def test_lists(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(TEXT)
    loaded = load(cwd=tmp_path, profiles=["all"], env={"B": "2", "A": "1"})
    app = loaded.app
    order = listings.services(app)
    assert sorted(order) == ["api", "cache", "db", "web"]
    assert order.index("db") < order.index("api")
    assert order.index("cache") < order.index("web")
    assert listings.images(app) == ["api", "api", "mariadb", "shop-web"]
    assert listings.volumes(app) == ["data"]
    assert listings.networks(app) == ["default", "front"]
    assert listings.profiles(app) == ["all"]
    assert listings.environment(loaded) == ["A=1", "B=2", "COMPOSE_PROJECT_NAME=shop"]
