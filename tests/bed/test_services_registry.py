"""The bed's registry: what one host pushes, another pulls."""

import base64
import json
import os
import subprocess
from contextlib import closing

import pytest
from docker import APIClient

from bed import busybox, docker_api, images, registry
from bed.errors import BedError
from bed.fixture import bring_up
from tests.engine.test_compose_on_fake import compose_binary
from tests.support.nap import Nap

pytestmark = pytest.mark.bed


#: an engine wants credentials to be named, also where there are none
NOBODY = {"username": "", "password": ""}

ADA = ("ada", "s3cret")
LOGINS = "ada:$2b$05$.biy9MhPv1XusR.VZHXvhOt/XP5eRckGpcBRLcdFmWVccfktjku/y\n"
"""That login as the registry keeps it."""


@pytest.fixture(scope="module")
def bed():
    with bring_up("svc-registry", hosts=2, only=("hosts", "registry")) as bed:
        yield bed


def pull(host, name):
    docker_api.call(host, "POST", "/images/create", query={"fromImage": name, "tag": "1"})


def image_id(host, name):
    return docker_api.call(host, "GET", f"/images/{name}/json")["Id"]


def test_what_one_host_pushes_another_pulls(bed):
    first, second = bed.hosts
    name = f"{bed.registry}/tools/busybox"
    busybox.load(first, f"{name}:1")
    with closing(APIClient(f"unix://{first.socket}", version="auto")) as engine:
        answers = list(engine.push(name, "1", stream=True, decode=True, auth_config=NOBODY))
    assert not [answer for answer in answers if "error" in answer]
    pull(second, name)
    assert image_id(second, f"{name}:1") == image_id(first, f"{name}:1")


def test_the_beds_own_images_are_pulled_whole(bed):
    first, second = bed.hosts
    images.push(bed, ["busybox:1"])
    images.load(first, ["busybox:1"])
    pull(second, f"{bed.registry}/busybox")
    assert image_id(second, f"{bed.registry}/busybox:1") == image_id(first, "busybox:1")


def test_what_the_registry_does_not_have_is_an_error(bed):
    query = {"fromImage": f"{bed.registry}/tools/nothing", "tag": "1"}
    with pytest.raises(BedError, match="not found"):
        docker_api.call(bed.hosts[1], "POST", "/images/create", query=query)


@pytest.fixture
def behind_a_login(bed):
    registry.stop(bed)
    registry.start(bed, logins=LOGINS)
    yield
    registry.stop(bed)
    registry.start(bed)


def test_digests_are_those_that_the_real_compose_finds(bed, behind_a_login, tmp_path):
    first, second = bed.hosts
    name = f"{bed.registry}/private/busybox"
    busybox.load(first, f"{name}:1")
    login = dict(zip(("username", "password"), ADA, strict=True))
    with closing(APIClient(f"unix://{first.socket}", version="auto")) as engine:
        answers = list(engine.push(name, "1", stream=True, decode=True, auth_config=login))
    digest = next(each["aux"]["Digest"] for each in answers if "aux" in each)

    (tmp_path / "compose.yaml").write_text(
        f"name: shop\nservices:\n  web: {{image: '{name}:1'}}\n  built: {{build: .}}\n"
    )
    nap = Nap(tmp_path, DOCKER_HOST=f"unix://{second.socket}")
    words = ("config", "--format", "json", "--resolve-image-digests")
    refused = nap(*words, code=2)
    assert "compose.yaml:3:" in refused.err
    assert f"the digest of {name}:1 can't be had" in refused.err

    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    auth = base64.b64encode(":".join(ADA).encode()).decode()
    config.write_text(json.dumps({"auths": {bed.registry: {"auth": auth}}}))
    ours = json.loads(nap(*words).out)
    assert ours["services"]["web"]["image"] == f"{name}:1@{digest}"
    theirs = subprocess.run(
        [compose_binary(), *words],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "DOCKER_HOST": f"unix://{second.socket}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ours == json.loads(theirs.stdout)
    lock = nap("config", "--lock-image-digests").out
    assert f"image: {name}:1@{digest}" in lock
    assert [image["RepoTags"] for image in docker_api.call(second, "GET", "/images/json")
            if name in str(image)] == []  # fmt: skip


def test_the_status_tells_when_it_is_down(bed):
    assert registry.status(bed) == "ready"
    registry.stop(bed)
    assert registry.status(bed).startswith("down")
    registry.start(bed)
    assert registry.status(bed) == "ready"
