"""A fake engine's calls about images: lists, pulls from the fake registry, archives."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import replace

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.routes import Answer, Call, has_labels, named, route
from tests.engine.fake_engine.things import Image, full_name
from tests.engine.fake_engine.world import World


@route("GET", "/images/json")
def images(call: Call) -> Answer:
    wanted = call.filters("label", "reference", "dangling", "before", "since")
    patterns = [full_name(each).replace("*", ".*") for each in wanted.get("reference", [])]
    found = [
        each.listed()
        for each in call.world.images.values()
        if has_labels(each.config.get("Labels") or {}, wanted.get("label", []))
        and (not patterns or any(named(patterns, tag) for tag in each.tags))
    ]
    return Answer(body=found)


@route("GET", "/images/{+}/json")
def inspect(call: Call, name: str) -> Answer:
    return Answer(body=call.world.image(name).inspected())


@route("POST", "/images/create")
def pull(call: Call) -> Answer:
    repository, tag = call.query.get("fromImage", ""), call.query.get("tag", "")
    reference = f"{repository}{'@' if ':' in tag else ':'}{tag}" if tag else repository
    found = call.world.registry.images.get(full_name(reference))
    if found is None or not may(call):
        raise EngineFault(
            404,
            f"pull access denied for {repository}, repository does not exist or may require "
            "'docker login': denied: requested access to the resource is denied",
        )
    platform = call.query.get("platform", "")
    if platform and platform.split("/")[1:2] != [found.architecture]:
        raise EngineFault(404, f"no matching manifest for {platform} in the manifest list entries")

    def stream() -> Iterator[bytes]:
        half = {"current": found.size // 2, "total": found.size}
        for record in (
            {"status": f"Pulling from {repository}", "id": tag},
            {"status": "Downloading", "progressDetail": half, "id": "0123456789ab"},
            {"status": "Pull complete", "progressDetail": {}, "id": "0123456789ab"},
            {"status": f"Status: Downloaded newer image for {full_name(reference)}"},
        ):
            yield json.dumps(record).encode() + b"\r\n"
        with call.world.lock:
            digest = f"{full_name(reference).rpartition(':')[0]}@{found.id}"
            take(call.world, found, [full_name(reference)], [digest])

    return Answer(body=stream())


@route("GET", "/distribution/{+}/json")
def distribution(call: Call, name: str) -> Answer:
    found = call.world.registry.images.get(full_name(name))
    if not may(call):
        raise EngineFault(401, "unauthorized: authentication required")
    if found is None:
        raise EngineFault(403, f"errors: denied: requested access to {name} is denied")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    descriptor = {"mediaType": kind, "digest": found.id, "size": 1000}
    platforms = [{"architecture": found.architecture, "os": "linux"}]
    return Answer(body={"Descriptor": descriptor, "Platforms": platforms})


def may(call: Call) -> bool:
    """Whether the registry lets this caller in."""
    if call.world.registry.login is None:
        return True
    try:
        given = json.loads(base64.urlsafe_b64decode(call.headers.get("x-registry-auth", "")))
    except ValueError:
        return False
    return (given.get("username"), given.get("password")) == call.world.registry.login


def take(world: World, image: Image, tags: list[str], digests: list[str]) -> None:
    """Have an image under these names, which others that had them lose."""
    for other in world.images.values():
        other.tags = [tag for tag in other.tags if tag not in tags]
    own = world.images.get(image.id)
    if own is None:
        own = replace(image, tags=["-"], digests=[])
        own.tags = []
        world.images[own.id] = own
    own.tags += tags
    own.digests = sorted({*own.digests, *digests})


@route("GET", "/images/{+}/get")
def save(call: Call, name: str) -> Answer:
    image = call.world.image(name)
    config = f"{image.id.removeprefix('sha256:')}.json"
    tags = [full_name(name)] if full_name(name) in image.tags else []
    layers = {f"blobs/sha256/{digest[7:]}": content for digest, content in image.layers.items()}
    manifest = [{"Config": config, "RepoTags": tags, "Layers": list(layers)}]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in (
            (config, image.document),
            *layers.items(),
            ("manifest.json", json.dumps(manifest).encode()),
        ):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data = packed.getvalue()
    pieces = (data[at : at + 65536] for at in range(0, len(data), 65536))
    return Answer(body=pieces, typed="application/x-tar")


@route("POST", "/images/load")
def load(call: Call) -> Answer:
    try:
        with tarfile.open(fileobj=io.BytesIO(call.body)) as archive:
            files = {
                member.name: content.read()
                for member in archive.getmembers()
                if (content := archive.extractfile(member))
            }
        manifest = json.loads(files["manifest.json"])
    except (tarfile.TarError, KeyError, ValueError):
        record = {"errorDetail": {"message": "unexpected EOF"}, "error": "unexpected EOF"}
        return Answer(body=iter([json.dumps(record).encode() + b"\r\n"]))
    for entry in manifest:
        document = json.loads(files[entry["Config"]])
        known = {digest[7:]: content for image in call.world.images.values()
                 for digest, content in image.layers.items()}  # fmt: skip
        layers = [
            files.get(layer, known.get(layer.rpartition("/")[2])) for layer in entry["Layers"]
        ]
        if call.world.whole_images:
            layers = [files.get(layer) for layer in entry["Layers"]]
        if None in layers:
            record = {"errorDetail": {"message": "layer: no such file"}, "error": "no such file"}
            return Answer(body=iter([json.dumps(record).encode() + b"\r\n"]))
        sizes = [len(layer or b"") for layer in layers]
        image = Image(
            document.get("fake", ""),
            document["config"],
            sum(sizes),
            document["architecture"],
            base=sum(sizes[:-1]),
        )
        take(call.world, image, entry["RepoTags"] or [], [])
    loaded = {"stream": f"Loaded image: {manifest[0]['RepoTags']}\n"}
    return Answer(body=iter([json.dumps(loaded).encode() + b"\r\n"]))


@route("POST", "/images/{+}/tag")
def tag(call: Call, name: str) -> Answer:
    image = call.world.image(name)
    new = full_name(f"{call.query['repo']}:{call.query.get('tag') or 'latest'}")
    take(call.world, image, [new], [])
    return Answer(201)


@route("DELETE", "/images/{+}")
def remove(call: Call, name: str) -> Answer:
    image = call.world.image(name)
    users = [each for each in call.world.containers.values() if each.image is image]
    by_id = full_name(name) not in image.tags
    if users and (by_id or len(image.tags) == 1) and not call.flag("force"):
        raise EngineFault(
            409,
            f'conflict: unable to remove repository reference "{name}" (must force) - container '
            f"{users[0].id[:12]} is using its referenced image {image.id[7:19]}",
        )
    gone = list(image.tags) if by_id else [full_name(name)]
    image.tags = [each for each in image.tags if each not in gone]
    records = [{"Untagged": each} for each in gone]
    if not image.tags:
        del call.world.images[image.id]
        records.append({"Deleted": image.id})
    return Answer(body=records)
