"""Servers that notices are sent to: of HTTP and of mail, on the loopback, and what they got."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """A webhook: `got` are the bodies that it took, `tokens` what came as authorization; it
    answers 503 to the first `refuses` posts, and waits for `lets_go` first."""

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    posts: int = 0
    refuses: int = 0
    lets_go: threading.Event = field(default_factory=threading.Event)

    def subjects(self) -> list[str]:
        """What it was told of, and how that was."""
        return [f"{each['kind']} {each['subject']} {each['state']}" for each in self.got]


@contextmanager
def webhook(*, hangs: bool = False, refuses: int = 0) -> Iterator[Hook]:
    """A server of HTTP."""
    hook = Hook(refuses=refuses)
    if not hangs:
        hook.lets_go.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posts += 1
            hook.lets_go.wait(60)
            code = 503 if hook.posts <= hook.refuses else 200
            if code == 200:
                hook.tokens.append(self.headers.get("Authorization", ""))
                hook.got.append(json.loads(body))
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hook.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield hook
        finally:
            hook.lets_go.set()
            server.shutdown()


@dataclass
class Mailbox:
    """A mail server at `address`: whose mail it took for whom."""

    address: str = ""
    mails: list[Message] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A server of SMTP (RFC 5321, the commands that everybody needs), which takes all mail."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            to: list[str] = []
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "RCPT":
                    to.append(line.partition("<")[2].partition(">")[0])
                if word == "DATA":
                    self.say("354 go on")
                    body = b""
                    while (piece := self.rfile.readline()) != b".\r\n":
                        body += piece
                    box.to.append(to)
                    box.mails.append(message_from_bytes(body))
                    to = []
                self.say("221 bye" if word == "QUIT" else "250 well")
                if word == "QUIT":
                    return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        box.address = f"127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield box
        finally:
            server.shutdown()
