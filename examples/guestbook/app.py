"""A guestbook: whoever comes by leaves a line, and sees which replica answered."""

import html
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import redis

ENTRIES = "guestbook"
book = redis.Redis(os.environ.get("REDIS_HOST", "redis"), socket_timeout=5, decode_responses=True)

PAGE = """<!doctype html>
<title>Guestbook</title>
<h1>Guestbook</h1>
<form method="post"><input name="line" autofocus> <button>Sign</button></form>
<ul>{lines}</ul>
<p>{visits} visits. This page is from {replica}.</p>
"""


class Guestbook(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/healthz":
            book.ping()
            return self.answer(200, "ok\n", "text/plain")
        lines = "".join(f"<li>{html.escape(line)}</li>" for line in book.lrange(ENTRIES, 0, 99))
        visits = book.incr("visits")
        page = PAGE.format(lines=lines, visits=visits, replica=socket.gethostname())
        return self.answer(200, page)

    def do_POST(self):
        form = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        line = parse_qs(form).get("line", [""])[0].strip()
        if line:
            book.lpush(ENTRIES, line)
        self.send_response(303)
        self.send_header("Location", "/")
        self.end_headers()

    def answer(self, status, text, kind="text/html"):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # let `stop` be quick
    print(f"guestbook on port 8000, replica {socket.gethostname()}")
    ThreadingHTTPServer(("", 8000), Guestbook).serve_forever()
