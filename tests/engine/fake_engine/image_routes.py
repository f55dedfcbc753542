"""A fake engine's calls about images: lists, pulls from the fake registry, archives."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator

from tests.engine.fake_engine.faults import EngineFault
from tests.engine.fake_engine.routes import Answer, Call, has_labels, named, route
from tests.engine.fake_engine.things import Image, full_name


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
    if found is None or not _may(call):
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
            _take(call, found, [full_name(reference)], [digest])

    return Answer(body=stream())


def _may(call: Call) -> bool:
    if call.world.registry.login is None:
        return True
    try:
        given = json.loads(base64.urlsafe_b64decode(call.headers.get("x-registry-auth", "")))
    except ValueError:
        return False
    return (given.get("username"), given.get("password")) == call.world.registry.login


def _take(call: Call, image: Image, tags: list[str], digests: list[str]) -> None:
    """Have an image under these names, which others that had them lose."""
    for other in call.world.images.values():
        other.tags = [tag for tag in other.tags if tag not in tags]
    own = call.world.images.get(image.id)
    if own is None:
        own = Image(image.name, image.config, image.size, image.architecture, tags=["-"])
        own.tags = []
        call.world.images[own.id] = own
    own.tags += tags
    own.digests = sorted({*own.digests, *digests})


@route("GET", "/images/{+}/get")
def save(call: Call, name: str) -> Answer:
    image = call.world.image(name)
    config = f"{image.id.removeprefix('sha256:')}.json"
    tags = [full_name(name)] if full_name(name) in image.tags else []
    layer = b"\0" * image.size
    layer_name = f"{hashlib.sha256(layer).hexdigest()}/layer.tar"
    manifest = [{"Config": config, "RepoTags": tags, "Layers": [layer_name]}]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in (
            (config, image.document),
            (layer_name, layer),
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
        size = sum(len(files[layer]) for layer in entry["Layers"])
        image = Image(document["fake"], document["config"], size, document["architecture"])
        _take(call, image, entry["RepoTags"] or [], [])
    loaded = {"stream": f"Loaded image: {manifest[0]['RepoTags']}\n"}
    return Answer(body=iter([json.dumps(loaded).encode() + b"\r\n"]))


@route("POST", "/images/{+}/tag")
def tag(call: Call, name: str) -> Answer:
    image = call.world.image(name)
    new = full_name(f"{call.query['repo']}:{call.query.get('tag') or 'latest'}")
    _take(call, image, [new], [])
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
