"""The bed's hosts: real engines, overlay networks between them, and faults that are real."""

import http.client
import ssl
import subprocess
import sys

import pytest
import yaml

from bed import containers, docker_api, engines, hosts, lifecycle, namespaces, packages, proc, swarm
from bed.errors import BedError
from bed.fixture import bring_up, own_name
from bed.layout import ENGINE_PORT

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed():
    with bring_up("hosts1") as bed:
        yield bed


@pytest.fixture
def network(bed):
    containers.create_overlay(bed, bed.hosts, "net")
    yield "net"
    containers.remove_overlay(bed.hosts[0], "net")


@pytest.fixture
def start(bed):
    started = []

    def start(host, name, *command, **options):
        containers.run(host, name, *command, **options)
        started.append((host, name))

    yield start
    for host, name in started:
        if hosts.state(bed, host) == "down":
            hosts.restart(bed, host)
        containers.remove(host, name)


def command(*words):
    argv = [sys.executable, "-m", "bed", *words, "--name", own_name("hosts1")]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def busybox():
    return packages.unpack(["busybox-static"]) / "bin/busybox"


def tls_version(bed, host, client=True):
    context = ssl.create_default_context(cafile=bed.tls / "ca.pem")
    if client:
        context.load_cert_chain(bed.tls / "nap.pem", bed.tls / "nap-key.pem")
    connection = http.client.HTTPSConnection(host.ip, ENGINE_PORT, timeout=5, context=context)
    try:
        connection.request("GET", "/version")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def wait_for_ping(host, name, target):
    """The engines tell each other of a new container within a second, after a partition within
    a minute or so."""
    proc.wait_for(lambda: containers.pings(host, name, target), 120, f"{name} to reach {target}")


def test_engines_answer_only_who_has_a_certificate(bed):
    for host in bed.hosts:
        assert '"Version":"20.10.24' in tls_version(bed, host)
    with pytest.raises(OSError, match=r"certificate|reset|alert"):
        tls_version(bed, bed.hosts[0], client=False)


def test_hosts_are_hosts_of_their_own(bed):
    one, two, _ = bed.hosts
    for host in (one, two):
        name = hosts.run_in(bed, host, "hostname", capture_output=True).stdout.strip()
        assert name == host.name
        assert docker_api.call(host, "GET", "/info")["Name"] == host.name
    hosts.run_in(bed, one, "sh", "-c", "mkdir -p /var/lib/nap && echo 1 > /var/lib/nap/mine")
    assert hosts.run_in(bed, one, "cat", "/var/lib/nap/mine", capture_output=True).stdout == "1\n"
    assert hosts.run_in(bed, two, "cat", "/var/lib/nap/mine", capture_output=True).returncode


def test_a_timeout_leaves_no_process_behind(bed):
    host = bed.hosts[0]
    with pytest.raises(subprocess.TimeoutExpired):
        hosts.run_in(bed, host, "sleep", "4711", capture_output=True, timeout=0.5)
    listed = hosts.run_in(bed, host, busybox(), "ps", "ax", capture_output=True).stdout
    assert "sleep infinity" in listed
    assert "sleep 4711" not in listed


def test_three_managers(bed):
    assert [swarm.role(host) for host in bed.hosts] == ["manager"] * 3


def test_cluster_file_names_what_is_there(bed):
    cluster = yaml.safe_load(bed.cluster_file.read_text())
    assert list(cluster["hosts"]) == ["h1", "h2", "h3"]
    assert [each["labels"]["zone"] for each in cluster["hosts"].values()] == ["a", "b", "c"]
    for path in cluster["tls"].values():
        assert (bed.directory / path).exists()
    assert (bed.tls / "nap-key.pem").stat().st_mode & 0o077 == 0


def test_second_up_changes_nothing(bed):
    before = {name: proc.pid_of(bed, name) for name in proc.names(bed)}
    written = bed.cluster_file.read_text()
    assert lifecycle.up(bed.name) == bed
    assert {name: proc.pid_of(bed, name) for name in proc.names(bed)} == before
    assert bed.cluster_file.read_text() == written


def test_names_resolve_across_hosts(bed, network, start):
    h1, _, h3 = bed.hosts
    start(h1, "one", network=network)
    start(h3, "three", network=network)
    wait_for_ping(h1, "one", "three")
    wait_for_ping(h3, "three", "one")


def test_a_published_port_answers_on_the_hosts_address(bed, start):
    h2 = bed.hosts[1]
    start(h2, "web", "httpd", "-f", "-p", "8000", "-h", "/etc", publish=8000)

    def answers():
        connection = http.client.HTTPConnection(h2.ip, 8000, timeout=5)
        try:
            connection.request("GET", "/hosts")
            return b"localhost" in connection.getresponse().read()
        except OSError:
            return False
        finally:
            connection.close()

    proc.wait_for(answers, 10, "the web server")


def test_the_command_shows_and_breaks_hosts(bed):
    shown = command("status")
    assert shown.returncode == 0
    assert shown.stdout.count("up, manager") == 3
    assert str(bed.cluster_file) in shown.stdout
    assert "h2: partitioned" in command("partition", "h2").stderr
    assert command("status").returncode == 1
    assert "h2: up" in command("heal", "h2").stderr
    wrong = command("kill", "h9")
    assert wrong.returncode == 1
    assert wrong.stderr == f"bed: bed {bed.name} has no host 'h9'; it has h1, h2, h3\n"


def test_killed_host_comes_back_with_its_data(bed, start):
    h2 = bed.hosts[1]
    start(h2, "always", restart="always")
    assert containers.execute(h2, "always", "sh", "-c", "echo data > /kept")[0] == 0

    hosts.kill(bed, h2)
    assert hosts.state(bed, h2) == "down"
    assert not docker_api.answers(h2)
    with pytest.raises(BedError, match="h2 is down; start it"):
        hosts.run_in(bed, h2, "true")
    proc.wait_for(lambda: swarm.ready(bed.hosts[0]) == 2, 40, "the swarm to miss h2")

    hosts.restart(bed, h2)
    assert hosts.state(bed, h2) == "up"
    proc.wait_for(lambda: containers.is_running(h2, "always"), 20, "the container to run again")
    assert "data" in containers.execute(h2, "always", "cat", "/kept")[1]
    proc.wait_for(lambda: swarm.ready(bed.hosts[0]) == 3, 40, "the swarm to see h2 again")


def test_partition_and_heal(bed, network, start):
    h1, _, h3 = bed.hosts
    start(h1, "one", network=network)
    start(h3, "three", network=network)
    wait_for_ping(h1, "one", "three")

    hosts.partition(bed, h3)
    assert hosts.state(bed, h3) == "partitioned"
    assert not containers.pings(h1, "one", "three")
    assert containers.is_running(h3, "three"), "a partition doesn't stop containers"
    with pytest.raises(OSError, match="timed out"):
        tls_version(bed, h3)

    hosts.heal(bed, h3)
    assert hosts.state(bed, h3) == "up"
    assert "Version" in tls_version(bed, h3)
    wait_for_ping(h1, "one", "three")


def test_up_completes_what_is_missing(bed):
    h1, _, h3 = bed.hosts
    engines.stop(bed, h1)
    hosts.kill(bed, h3)
    namespaces.stop(bed, namespaces.SWITCH)
    lifecycle.up(bed.name)
    assert [hosts.state(bed, host) for host in bed.hosts] == ["up"] * 3


def test_another_shape_is_refused(bed):
    with pytest.raises(BedError, match=r"is there with 3 hosts.*bed down"):
        lifecycle.up(bed.name, size=2)


def test_a_second_bed_with_a_newer_engine_lives_beside_it(bed, start):
    start(bed.hosts[0], "old")
    with bring_up("hosts2", hosts=2, engine="28") as other:
        assert other.subnet != bed.subnet
        assert '"Version":"28.' in tls_version(other, other.hosts[0])
        containers.create_overlay(other, other.hosts, "net")
        for host in other.hosts:
            containers.run(host, f"new-{host.name}", network="net")
        wait_for_ping(other.hosts[0], "new-h1", "new-h2")
        ping = busybox(), "ping", "-c", "1", "-W", "2", bed.hosts[0].ip
        reached = hosts.run_in(other, other.hosts[0], *ping, capture_output=True)
        assert reached.returncode, "the beds don't reach each other"
    assert containers.is_running(bed.hosts[0], "old")
    assert [hosts.state(bed, host) for host in bed.hosts] == ["up"] * 3
