"""The bed's registry: what one host pushes, another pulls."""

from contextlib import closing

import pytest
from docker import APIClient

from bed import busybox, docker_api, images, registry
from bed.errors import BedError
from bed.fixture import bring_up

pytestmark = pytest.mark.bed


#: an engine wants credentials to be named, also where there are none
NOBODY = {"username": "", "password": ""}


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


def test_the_status_tells_when_it_is_down(bed):
    assert registry.status(bed) == "ready"
    registry.stop(bed)
    assert registry.status(bed).startswith("down")
    registry.start(bed)
    assert registry.status(bed) == "ready"
