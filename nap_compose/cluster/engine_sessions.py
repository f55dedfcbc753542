"""Calls that open a container up: processes to talk with, its files, its whole as tar or image."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from nap_compose.cluster import engine_faults as faults
from nap_compose.cluster.engine import EngineError, Json
from nap_compose.cluster.engine_calls import Calls
from nap_compose.cluster.engine_http import CHANGE_TIMEOUT, Request, in_path
from nap_compose.cluster.engine_stream import Stream
from nap_compose.cluster.engine_talk import Talk

_PATH_STAT = "X-Docker-Container-Path-Stat"
_GIVE_OVER = {"Connection": "Upgrade", "Upgrade": "tcp"}

COMMIT_TIMEOUT = 1800.0
"""Seconds: an engine packs the whole container before it answers."""


class ExitWaiter:
    """See `engine.Waiter`."""

    def __init__(self, host: str, stream: Stream) -> None:
        self._host = host
        self._stream = stream

    def code(self) -> int:
        """The exit code, once the process has ended."""
        self._stream.wait_at_most(None)
        answer = json.loads(self._stream.read())
        error = (answer.get("Error") or {}).get("Message")
        if error:
            raise EngineError(self._host, 500, error)
        return int(answer["StatusCode"])

    def give_up(self) -> None:
        """Wake whoever waits."""
        self._stream.interrupt()

    def close(self) -> None:
        """Wait no longer."""
        self._stream.close()


class Sessions(Calls):
    """See `engine.Engine` for what each call does."""

    def create_exec(self, container: str, body: Json) -> str:
        """Prepare another process in a running container; gives its id."""
        return str(self._post(f"{self._container(container)}/exec", {}, body)["Id"])

    def start_exec(self, exec_id: str) -> None:
        """Start it and leave it alone."""
        self._post(f"{self._exec(exec_id)}/start", {}, {"Detach": True, "Tty": False})

    def talk_to_exec(self, exec_id: str, *, tty: bool) -> Talk:
        """Start it and talk with it."""
        body = {"Detach": False, "Tty": tty}
        return self._talk(f"{self._exec(exec_id)}/start", {}, body, tty=tty)

    def inspect_exec(self, exec_id: str) -> Json:
        """Whether it runs, and how it ended."""
        return self._object(f"{self._exec(exec_id)}/json")

    def resize_exec(self, exec_id: str, rows: int, columns: int) -> None:
        """Tell its terminal how large the person's is."""
        self._post(f"{self._exec(exec_id)}/resize", {"h": str(rows), "w": str(columns)})

    def await_exit(self, container: str) -> ExitWaiter:
        """Watch for the next end of the container's process, from now on."""
        path = f"{self._container(container)}/wait"
        # The engine answers with the headers as soon as it watches.
        stream = self._http.open(Request("POST", path, {"condition": "next-exit"}))
        return ExitWaiter(self._http.host, stream)

    def attach_container(
        self, container: str, *, tty: bool, stdin: bool, detach_keys: str = ""
    ) -> Talk:
        """Talk with the container's own process, from now on."""
        query = {"stream": "1", "stdout": "1", "stderr": "1"}
        query |= {"stdin": "1"} if stdin else {}
        query |= {"detachKeys": detach_keys} if detach_keys else {}
        return self._talk(f"{self._container(container)}/attach", query, None, tty=tty)

    def resize_container(self, container: str, rows: int, columns: int) -> None:
        """Tell its terminal how large the person's is."""
        size = {"h": str(rows), "w": str(columns)}
        self._post(f"{self._container(container)}/resize", size)

    def export_container(self, container: str) -> Iterator[bytes]:
        """Its whole file system as a tar stream."""
        request = Request("GET", f"{self._container(container)}/export", timeout=CHANGE_TIMEOUT)
        with self._http.open(request) as stream:
            yield from stream.pieces()

    def commit_container(
        self,
        container: str,
        *,
        repository: str = "",
        tag: str = "",
        comment: str = "",
        author: str = "",
        changes: Sequence[str] = (),
        pause: bool = True,
    ) -> str:
        """Make an image of what it is now; gives the image's id."""
        query = {
            "container": container,
            "repo": repository,
            "tag": tag,
            "comment": comment,
            "author": author,
            "changes": "\n".join(changes),
            "pause": "1" if pause else "0",
        }
        given = {key: value for key, value in query.items() if value}
        return str(self._post("/commit", given, {}, timeout=COMMIT_TIMEOUT)["Id"])

    def put_archive(
        self,
        container: str,
        path: str,
        tar: Iterable[bytes],
        *,
        copy_owner: bool = False,
        keep_kinds: bool = False,
    ) -> None:
        """Unpack a tar in the folder `path` of a container; see `engine.Engine.put_archive`."""
        target = f"{self._container(container)}/archive"
        query = {"path": path}
        query |= {"copyUIDGID": "1"} if copy_owner else {}
        query |= {"noOverwriteDirNonDir": "1"} if keep_kinds else {}
        headers = {"Content-Type": "application/x-tar"}
        self._http.call(Request("PUT", target, query, tar, headers, CHANGE_TIMEOUT))

    def get_archive(self, container: str, path: str) -> Iterator[bytes]:
        """A file or folder of a container as a tar stream."""
        with self._get(f"{self._container(container)}/archive", {"path": path}) as stream:
            yield from stream.pieces()

    def path_stat(self, container: str, path: str) -> Json:
        """What is at a path of a container; see `engine.Engine.path_stat`."""
        target = f"{self._container(container)}/archive"
        with self._http.open(Request("HEAD", target, {"path": path})) as stream:
            stream.read()
            told = stream.header(_PATH_STAT)
        import base64

        try:
            return cast(Json, json.loads(base64.b64decode(told)))
        except ValueError:
            raise faults.no_engine(self._http.host, self._http.endpoint) from None

    def _talk(self, path: str, query: Mapping[str, str], body: Json | None, *, tty: bool) -> Talk:
        text = b"" if body is None else json.dumps(body).encode()
        headers = {**_GIVE_OVER, "Content-Type": "application/json"}
        request = Request("POST", path, query, text, headers, CHANGE_TIMEOUT)
        return self._http.open(request).take_over(tty=tty)

    def _exec(self, exec_id: str) -> str:
        return f"/exec/{in_path(self._http.host, exec_id)}"
