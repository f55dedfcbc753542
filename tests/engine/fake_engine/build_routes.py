"""A fake engine's calls that make images of folders, and bring images to the fake registry.

Nothing is run: what is built is told apart by what was sent, as a real engine's cache would.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.image_routes import may, take
from tests.engine.fake_engine.routes import Answer, Call, route
from tests.engine.fake_engine.things import Image, Json, full_name

COUNTS = ("buildargs", "target", "remote", "dockerfile", "platform")
"""What of a request makes another image of the same files."""


@route("POST", "/build")
def build(call: Call) -> Answer:
    if call.query.get("version", "1") != "1":
        raise EngineFault(400, "this engine has the classic builder alone")
    files = {} if call.query.get("remote") else unpacked(call.body)
    name = call.query.get("dockerfile") or "Dockerfile"
    if not call.query.get("remote") and name not in files:
        raise EngineFault(500, f"Cannot locate specified Dockerfile: {name}")
    content = files.get(name, b"").decode()
    made_of = hashlib.sha256()
    for path, data in sorted(files.items()):
        made_of.update(f"{path}\0{len(data)}\0".encode() + data)
    for key in COUNTS:
        made_of.update(f"{key}={call.query.get(key, '')}\0".encode())
    config = {
        "Labels": json.loads(call.query.get("labels") or "{}"),
        "Env": [f"MADE_OF={made_of.hexdigest()}"],
    }
    failing = next((line for line in content.splitlines() if "exit 1" in line), "")

    def stream() -> Iterator[bytes]:
        for number, line in enumerate(filter(None, content.splitlines()), 1):
            yield record(stream=f"Step {number} : {line}\n")
        if failing:
            message = f"The command '{failing}' returned a non-zero code: 1"
            yield record(errorDetail={"code": 1, "message": message}, error=message)
            return
        image = Image("built", config, tags=["-"])
        with call.world.lock:
            take(call.world, image, [full_name(each) for each in call.queries("t")], [])
        yield record(aux={"ID": image.id})
        yield record(stream=f"Successfully built {image.id[7:19]}\n")

    return Answer(body=stream())


@route("POST", "/images/{+}/push")
def push(call: Call, name: str) -> Answer:
    reference = full_name(f"{name}:{call.query.get('tag') or 'latest'}")
    image = call.world.image(reference)

    def stream() -> Iterator[bytes]:
        yield record(status=f"The push refers to repository [{name}]")
        if not may(call):
            message = "denied: requested access to the resource is denied"
            yield record(errorDetail={"message": message}, error=message)
            return
        yield record(status="Pushed", progressDetail={}, id="0123456789ab")
        call.world.registry.images[reference] = image
        with call.world.lock:
            take(call.world, image, [], [f"{name}@{image.id}"])
        yield record(status=f"latest: digest: {image.id} size: 1")

    return Answer(body=stream())


def record(**fields: object) -> bytes:
    """One line of an engine's progress."""
    return json.dumps(fields).encode() + b"\r\n"


def unpacked(body: bytes) -> dict[str, bytes]:
    """The files of a build's context, by path."""
    try:
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            return {
                member.name.removeprefix("./"): content.read()
                for member in archive.getmembers()
                if (content := archive.extractfile(member))
            }
    except tarfile.TarError:
        raise EngineFault(500, "unexpected EOF") from None


def context_of(body: bytes) -> list[Json]:
    """What a build's context holds, in no order that matters: paths, kinds, rights, owners."""
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        found = [
            {
                "path": member.name.removeprefix("./").rstrip("/"),
                "kind": member.type.decode().replace("\0", "0"),
                "mode": oct(member.mode & 0o7777),
                "owner": f"{member.uid}:{member.gid}",
                "link": member.linkname,
                "content": content.read().decode(errors="replace")
                if (content := archive.extractfile(member) if member.isreg() else None)
                else "",
            }
            for member in archive.getmembers()
        ]
    return sorted(
        (each for each in found if each["path"] not in ("", ".")), key=lambda e: e["path"]
    )
