"""The demo's checks tell a working cluster from one that isn't."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator

import pytest

from bed import demo

ROWS = [
    {"Service": "wordpress", "Host": "h1", "URLs": ["http://10.0.0.11:8080"]},
    {"Service": "db", "Host": "h2", "URLs": []},
]


def test_apart() -> None:
    assert demo.check_where_things_are(ROWS) == "http://10.0.0.11:8080"


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "doesn't show db and wordpress"),
        (ROWS[:1], "doesn't show db"),
        ([ROWS[0], {**ROWS[1], "Host": "h1"}], "both run on h1"),
        ([{**ROWS[0], "URLs": []}, ROWS[1]], "published nowhere"),
    ],
)
def test_not_as_it_should_be(rows: list[dict[str, object]], why: str) -> None:
    with pytest.raises(demo.DemoFailed, match=why):
        demo.check_where_things_are(rows)


Serve = Callable[[dict[str, tuple[int, str]]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves pages on loopback: path → (status, page, or for a redirect where to)."""
    servers = []

    def start(pages: dict[str, tuple[int, str]]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, page = pages[self.path]
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", page)
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_wordpress_asks_to_be_installed(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    title = "<title>WordPress &rsaquo; Installation</title>"
    demo.fetch_the_page(serve({"/": (302, "/install.php"), "/install.php": (200, title)}))
    assert "WordPress › Installation" in capsys.readouterr().out  # noqa: RUF001 - its own sign


@pytest.mark.parametrize(
    "page", ["It works!", "<h1>Error establishing a database connection</h1> WordPress"]
)
def test_another_page(serve: Serve, page: str) -> None:
    with pytest.raises(demo.DemoFailed, match="not with WordPress's page"):
        demo.fetch_the_page(serve({"/": (200, page)}))


def test_no_answer(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    monkeypatch.setattr(demo, "ANSWERS_WITHIN", 0.0)
    with pytest.raises(demo.DemoFailed, match="500"):
        demo.fetch_the_page(serve({"/": (500, "oh")}))
