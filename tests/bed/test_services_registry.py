"""The bed's registry: what one host pushes, another pulls."""

import pytest

from bed import busybox, docker_api, images, registry
from bed.errors import BedError
from bed.fixture import bring_up

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed():
    with bring_up("svc-registry", hosts=2, only=("hosts", "registry")) as bed:
        yield bed


def test_an_image_goes_through_the_registry_to_another_host(bed):
    first, second = bed.hosts
    busybox.load(first, "tools/busybox:1")
    images.push(bed, ["tools/busybox:1"])
    name = f"{bed.registry}/tools/busybox"
    docker_api.call(second, "POST", "/images/create", query={"fromImage": name, "tag": "1"})
    pulled = docker_api.call(second, "GET", f"/images/{name}:1/json")
    assert pulled["Id"] == docker_api.call(first, "GET", "/images/tools/busybox:1/json")["Id"]


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
