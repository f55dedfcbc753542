"""The bed's registry: what one host pushes, another pulls."""

import pytest

from bed import busybox, docker_api, registry
from bed.fixture import bring_up

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed():
    with bring_up("svc-registry", hosts=2, only=("hosts", "registry")) as bed:
        yield bed


def test_an_image_goes_through_the_registry_to_another_host(bed):
    first, second = bed.hosts
    repository = f"{bed.registry}/tools/busybox"
    busybox.load(first, f"{repository}:1")
    docker_api.call(first, "POST", f"/images/{repository}/push", query={"tag": "1"}, auth="e30=")
    docker_api.call(second, "POST", "/images/create", query={"fromImage": repository, "tag": "1"})
    pulled = docker_api.call(second, "GET", f"/images/{repository}:1/json")
    assert pulled["Id"] == docker_api.call(first, "GET", f"/images/{repository}:1/json")["Id"]


def test_the_status_tells_when_it_is_down(bed):
    assert registry.status(bed) == "ready"
    registry.stop(bed)
    assert registry.status(bed).startswith("down")
    registry.start(bed)
    assert registry.status(bed) == "ready"
