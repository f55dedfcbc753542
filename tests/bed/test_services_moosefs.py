"""The bed's MooseFS: one set of files for the containers of all hosts and the control side."""

import pytest
import yaml

from bed import busybox, containers, docker_api, hosts, moosefs, proc
from bed.fixture import bring_up

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed():
    with bring_up("svc-moosefs", only=("hosts", "moosefs")) as bed:
        yield bed


@pytest.fixture
def folder(bed):
    """nap's folder, as a host sees it."""
    section = yaml.safe_load(bed.cluster_file.read_text())["storage"]["moosefs"]
    assert section["master"] == bed.control_ip
    return f"{section['mount']}/{section['root']}"


def run(host, command, folder):
    """Run a command in a new container that has the shared folder as /data: what it printed."""
    busybox.load(host)
    body = {
        "Image": busybox.IMAGE,
        "Cmd": ["sleep", "60"],
        "HostConfig": {"Binds": [f"{folder}:/data"], "Init": True},
    }
    container = docker_api.call(host, "POST", "/containers/create", body)["Id"]
    try:
        docker_api.call(host, "POST", f"/containers/{container}/start")
        code, output = containers.execute(host, container, "sh", "-c", command)
        assert code == 0, output
        return output.strip()
    finally:
        containers.remove(host, container)


def test_what_a_container_writes_another_hosts_container_reads(bed, folder):
    first, second, _ = bed.hosts
    run(first, "echo from the first > /data/greeting", folder)
    assert run(second, "cat /data/greeting", folder) == "from the first"


def test_the_control_side_has_the_same_files(bed, folder):
    shared = moosefs.control_mount(bed) / moosefs.ROOT
    (shared / "given").write_text("from the control side\n")
    assert run(bed.hosts[2], "cat /data/given", folder) == "from the control side"
    run(bed.hosts[2], "rm /data/given", folder)
    proc.wait_for(lambda: not (shared / "given").exists(), 10, "the file to go")


def test_a_restarted_host_has_the_files_again(bed, folder):
    first, second, _ = bed.hosts
    run(first, "echo kept > /data/kept", folder)
    hosts.kill(bed, second)
    assert f"{second.name}.chunkserver" in moosefs.status(bed)
    hosts.restart(bed, second)
    assert run(second, "cat /data/kept", folder) == "kept"
    assert moosefs.status(bed) == "ready"
