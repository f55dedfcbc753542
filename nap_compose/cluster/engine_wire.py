"""HTTP/1.1 as a client of engines, and of Consul, needs it: a request goes out, and an answer's
head comes in.

The standard library's client reads heads with what reads mail. To load that takes as long as
starting Python does, which is most of what a short command can be quicker by.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader

_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
_WITHOUT_BODY = (204, 304)
_TAKE_BODIES = ("PATCH", "POST", "PUT")


class HttpFault(Exception):
    """What came is no HTTP."""


class NoStatus(HttpFault):
    """An answer that doesn't begin as one; the text is what it begins with."""


class CutShort(HttpFault):
    """An answer that ended before its end."""


class HungUp(ConnectionResetError):
    """The connection was closed, and nothing had been answered."""


def send(
    sock: socket.socket,
    line: tuple[str, str],
    headers: Mapping[str, str],
    body: bytes | Iterable[bytes] | None,
) -> None:
    """Send a request: its method and target, its headers, and its body, in chunks where it comes
    in pieces. Raises HttpFault where a word would end its line, and what the socket raises."""
    method, target = line
    lines = {**headers, "Accept-Encoding": "identity"}
    if body is None or isinstance(body, bytes):
        if body is not None or method in _TAKE_BODIES:
            lines["Content-Length"] = str(len(body or b""))
    else:
        lines["Transfer-Encoding"] = "chunked"
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    if not target.isascii() or not target.isprintable() or " " in target:
        raise HttpFault(f"{target!r} is no target")
    if head.count("\n") != len(lines) or head.count("\r") != len(lines):
        raise HttpFault("a header with a line end in it")
    begins = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
    if body is None or isinstance(body, bytes):
        sock.sendall(begins + (body or b""))
        return
    sock.sendall(begins)
    for piece in body:
        if piece:  # an empty chunk would be the last one
            sock.sendall(b"%X\r\n%b\r\n" % (len(piece), piece))
    sock.sendall(b"0\r\n\r\n")


class Answer:
    """An answer whose head has come.

    `file` is the connection from its body on, `chunked` whether that comes in chunks, `length` how
    many bytes of it are left (None: as many as come), and `last` whether the connection ends
    with it.
    """

    def __init__(self, sock: socket.socket, method: str) -> None:
        """Read the head. Raises HttpFault, HungUp, and what the socket raises."""
        self.file: BufferedReader = sock.makefile("rb")
        try:
            self._read_head(method)
        except BaseException:
            self.file.close()
            raise

    def _read_head(self, method: str) -> None:
        version, self.status = _status(self.file)
        while self.status == 100:  # it only says that the body may come
            _headers(self.file)
            version, self.status = _status(self.file)
        self.headers = _headers(self.file)
        empty = method == "HEAD" or self.status in _WITHOUT_BODY or self.status < 200
        encoding = self.headers.get("transfer-encoding", "").lower()
        self.chunked = encoding == "chunked" and not empty
        said = self.headers.get("content-length", "")
        self.length: int | None = None
        if empty:
            self.length = 0
        elif not self.chunked and said.isascii() and said.isdigit():
            self.length = int(said)
        endless = not self.chunked and self.length is None
        self.last = endless or not self._stays(version)

    def _stays(self, version: str) -> bool:
        """Whether the connection takes another request afterwards."""
        word = self.headers.get("connection", "").lower()
        return "keep-alive" in word if version == "HTTP/1.0" else "close" not in word

    @property
    def content_type(self) -> str:
        """What the body is, without the particulars."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind if kind.count("/") == 1 else "text/plain"

    def pieces(self, size: int) -> Iterator[bytes]:
        """A body that isn't chunked, as it arrives. Raises CutShort where less comes than was
        announced."""
        while self.length is None or self.length:
            piece = self.file.read1(size if self.length is None else min(size, self.length))
            if not piece:
                break
            if self.length is not None:
                self.length -= len(piece)
            yield piece
        if self.length:
            raise CutShort(f"{self.length} bytes didn't come")

    def close(self) -> None:
        """Read no more of it."""
        self.file.close()


def _status(file: BufferedReader) -> tuple[str, int]:
    """The version and the status in an answer's first line."""
    line = _line(file)
    if not line:
        raise HungUp("the connection was closed without an answer")
    version, _, rest = line.partition(" ")
    code = rest.strip()[:3]
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()):
        raise NoStatus(line)
    if int(code) < 100:
        raise NoStatus(line)
    return version, int(code)


def _headers(file: BufferedReader) -> dict[str, str]:
    """The headers by their names in small letters, up to the empty line."""
    found: dict[str, str] = {}
    last = ""
    for _ in range(_MOST_HEADERS):
        line = _line(file)
        if not line:
            raise HungUp("the connection was closed in the middle of an answer's head")
        if line in ("\r\n", "\n"):
            return found
        if line[0] in " \t" and last:  # the one before goes on
            found[last] += f" {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise HttpFault(f"{line[:40]!r} is no header")
        last = name.strip().lower()
        found.setdefault(last, value.strip())
    raise HttpFault(f"more than {_MOST_HEADERS} headers")


def _line(file: BufferedReader) -> str:
    line = file.readline(_LONGEST_LINE + 1)
    if len(line) > _LONGEST_LINE:
        raise HttpFault("a line without an end")
    return line.decode("latin-1")
