"""The `docker buildx` command: found on this machine, and run against one host's engine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nap_compose.cluster.cluster import Host
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.errors import Interrupted, NapError

PLUGIN = "docker-buildx"
_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)
"""Where `docker` itself looks, after the person's own folder."""

PATIENCE = 10.0
"""Seconds that it has to stop when it is asked to."""


def find_buildx(env: Mapping[str, str]) -> Path | None:
    """Where the command is; None where there is none, or `DOCKER_BUILDKIT=0` turns it off."""
    if env.get("DOCKER_BUILDKIT", "").lower() in ("0", "false"):
        return None
    own = Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME") or Path.home(), ".docker"))
    for folder in (own / "cli-plugins", *map(Path, _FOLDERS)):
        if os.access(folder / PLUGIN, os.X_OK):
            return folder / PLUGIN
    found = shutil.which(PLUGIN, path=env.get("PATH"))
    return Path(found) if found else None


class Buildx:
    """Builds with one host's engine; `say` gets each line that it prints."""

    def __init__(self, program: Path, host: Host, env: Mapping[str, str]) -> None:
        self._program = program
        self._host = host
        self._env = env

    def bake(
        self,
        file: Mapping[str, Any],
        words: Sequence[str],
        say: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> dict[str, Any]:
        """Build a Bake file's default group; gives what is told of each target.

        Raises NapError with its own last words where it fails, and Interrupted where `stopped` said
        so: it is asked to stop then.
        """
        with tempfile.TemporaryDirectory(prefix="nap-build-") as folder:
            told = Path(folder, "metadata.json")
            command = [str(self._program), "bake", "--file", "-", "--progress", "plain",
                       "--metadata-file", str(told), *words]  # fmt: skip
            with self._environment(folder) as env:
                self._run(command, json.dumps(file), env, say, stopped)
            with contextlib.suppress(OSError, ValueError):
                found: dict[str, Any] = json.loads(told.read_text())
                return found
        return {}

    def _run(
        self,
        command: list[str],
        given: str,
        env: Mapping[str, str],
        say: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> None:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            text=True,
            errors="replace",
            # A Ctrl-C of the person's goes to nap, which decides what it means.
            start_new_session=True,
        )
        lines: list[str] = []

        def hear(line: str) -> None:
            lines.append(line)
            say(line)

        with process:
            reader = _Reader(process, hear)
            try:
                with contextlib.suppress(BrokenPipeError):
                    _give(process, given)
                while not reader.ended(0.1):
                    if stopped():
                        _stop(process)
                        raise Interrupted("the build was stopped")
            except BaseException:
                _stop(process)
                raise
        if process.returncode:
            raise NapError(_why(lines), host=self._host.name)

    @contextlib.contextmanager
    def _environment(self, folder: str) -> Iterator[dict[str, str]]:
        """The person's environment with this host's engine in it, and nothing else's."""
        endpoint = endpoint_of(self._host)
        env = {
            key: value
            for key, value in self._env.items()
            if not key.startswith(("DOCKER_HOST", "DOCKER_TLS", "DOCKER_CERT", "DOCKER_CONTEXT"))
        }
        env["DOCKER_HOST"] = f"unix://{endpoint.path}" if endpoint.unix else f"tcp://{endpoint}"
        if endpoint.tls:
            for name, file in (("ca", endpoint.tls.ca), ("cert", endpoint.tls.cert),
                               ("key", endpoint.tls.key)):  # fmt: skip
                Path(folder, f"{name}.pem").symlink_to(Path(file).resolve())
            env |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": folder}
        yield env


class _Reader:
    """Reads what a process prints, line by line, beside whoever waits for its end."""

    def __init__(self, process: subprocess.Popen[str], hear: Callable[[str], None]) -> None:
        def read() -> None:
            for line in process.stdout or ():
                if line.strip():
                    hear(line.rstrip())

        self._thread = threading.Thread(target=read, name="buildx", daemon=True)
        self._thread.start()

    def ended(self, seconds: float) -> bool:
        """Whether it has closed its output, or does so within a time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()


def _give(process: subprocess.Popen[str], text: str) -> None:
    if process.stdin is not None:
        process.stdin.write(text)
        process.stdin.close()


def _stop(process: subprocess.Popen[str]) -> None:
    """Ask it to stop, and all that it started; whoever doesn't listen is ended."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
            return


def _why(lines: list[str]) -> str:
    """What it says of its failure: the line that begins with ERROR, and what stands before it."""
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    told = [line for line in lines if line.startswith((" > ", "------")) or line[:1].isdigit()]
    shown = [line for line in told if line != "------"][-12:]
    if not errors:
        return "\n".join(lines[-12:]) or "docker buildx failed without a word"
    return "\n".join([errors[-1], *shown])
