"""Reading a Compose file: `config -q`, which checks it and prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.case import Command, Sides, case
from bench.programs import docker_compose, nap

SERVICE = """\
  web{n}:
    image: nginx:1.27
    command: ["nginx", "-g", "daemon off;"]
    depends_on:
      cache:
        condition: service_started
    environment:
      NUMBER: "{n}"
      LEVEL: ${{LEVEL:-info}}
      CACHE_URL: redis://cache:6379/{n}
    ports:
      - "{port}:80"
    volumes:
      - data:/data
      - ./conf/web{n}:/etc/web:ro
    networks: [front, back]
    healthcheck:
      test: ["CMD", "wget", "-q", "-O-", "http://localhost/"]
      interval: 10s
      retries: 3
    deploy:
      resources:
        limits: {{cpus: "0.5", memory: 64M}}
    labels:
      tier: web
"""
REST = """\
  cache:
    image: redis:7
    networks: [back]
networks:
  front: {}
  back: {}
volumes:
  data: {}
"""


def app_of(services: int) -> str:
    """A file of so many services, each with the keys that people use most."""
    webs = [SERVICE.format(n=n, port=20000 + n) for n in range(1, services)]
    return "services:\n" + "".join(webs) + REST


def _prepare(services: int) -> Callable[[Path], AbstractContextManager[Sides]]:
    @contextmanager
    def prepare(folder: Path) -> Iterator[Sides]:
        (folder / "app.yml").write_text(app_of(services))
        words = ("-f", "app.yml", "config", "-q")
        compose, env = docker_compose(folder)
        # No cluster: nap reads the file alone, as Compose does.
        yield Sides(
            nap=Command((nap(), *words), cwd=folder),
            peer=Command((*compose, *words), cwd=folder, env=env),
        )

    return prepare


_START = "config-1"
for _count in (1, 10, 100, 500):
    _name = f"config-{_count}"
    case(
        _name,
        what=f"config -q, {_count} service{'s' if _count > 1 else ''}",
        peer="docker compose",
        bar=None if _name == _START else 1.0,
        start="" if _name == _START else _START,
    )(_prepare(_count))
