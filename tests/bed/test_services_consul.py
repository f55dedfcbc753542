"""The bed's Consul: what nap's token may do, whom it trusts, and that it outlives a host."""

import base64
import socket
import ssl
import urllib.error
import urllib.request

import pytest
import yaml

from bed import consul, consul_acl, consul_api, hosts, proc
from bed.consul_api import Refused
from bed.errors import BedError
from bed.fixture import bring_up

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed():
    with bring_up("svc-consul", only=("hosts", "consul")) as bed:
        yield bed


@pytest.fixture
def nap(bed):
    """Consul with nap's token, through the first host unless another is named."""
    token = (bed.directory / section(bed)["token_file"]).read_text().strip()

    def call(method, path, body=None, host=bed.hosts[0]):
        return consul_api.call(bed, host, method, path, body, token=token)

    return call


def section(bed):
    return yaml.safe_load(bed.cluster_file.read_text())["consul"]


def value(answer):
    return base64.b64decode(answer[0]["Value"])


def test_the_cluster_file_says_how_to_reach_it(bed):
    said = section(bed)
    assert [said["url"], *said["also"]] == [consul_api.url(host) for host in bed.hosts]
    assert said["prefix"] == "nap"
    assert (bed.directory / said["token_file"]).stat().st_mode & 0o777 == 0o600
    trust = ssl.create_default_context(cafile=bed.directory / said["ca"])
    leader = urllib.request.urlopen(said["url"] + "/v1/status/leader", context=trust).read()
    assert leader != b'""'


def test_nap_takes_a_lease_and_keeps_values_under_its_prefix(nap):
    session = nap("PUT", "/v1/session/create", {"TTL": "15s", "NodeChecks": []})["ID"]
    assert nap("PUT", f"/v1/kv/nap/v1/lock/x?acquire={session}", b"mine") is True
    assert nap("PUT", "/v1/kv/nap/v1/lock/x?cas=0", b"other's") is False
    assert value(nap("GET", "/v1/kv/nap/v1/lock/x")) == b"mine"
    assert nap("PUT", f"/v1/session/renew/{session}")[0]["ID"] == session
    operations = [{"KV": {"Verb": "set", "Key": "nap/v1/y", "Value": "eQ=="}}]
    assert nap("PUT", "/v1/txn", operations)["Errors"] is None
    assert nap("PUT", f"/v1/session/destroy/{session}") is True


def test_nap_puts_a_host_into_the_catalog(nap):
    entry = {
        "Node": "nap-h1",
        "Address": "192.0.2.1",
        "NodeMeta": {"external-node": "true"},
        "Service": {"Service": "nap-web", "Port": 80},
        "Check": {"Name": "engine", "Status": "passing"},
    }
    assert nap("PUT", "/v1/catalog/register", entry) is True
    assert "nap-h1" in {node["Node"] for node in nap("GET", "/v1/catalog/nodes")}
    assert nap("GET", "/v1/health/service/nap-web")[0]["Node"]["Node"] == "nap-h1"
    assert nap("PUT", "/v1/catalog/deregister", {"Node": "nap-h1"}) is True


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/kv/other/x", b"1"),
        ("PUT", "/v1/kv/docker/x", b"1"),
        ("PUT", "/v1/kv/napkin", b"1"),
        ("PUT", "/v1/catalog/register", {"Node": "h1", "Address": "192.0.2.1"}),
        ("GET", "/v1/acl/tokens", None),
        ("GET", "/v1/operator/raft/configuration", None),
        ("PUT", "/v1/agent/leave", None),
    ],
)
def test_nap_may_do_nothing_else(nap, method, path, body):
    with pytest.raises(Refused) as refused:
        nap(method, path, body)
    assert refused.value.for_want_of_rights


def test_without_a_token_nothing_is_told(bed):
    with pytest.raises(Refused):
        consul_api.call(bed, bed.hosts[0], "PUT", "/v1/kv/nap/x", b"1")
    assert consul_api.call(bed, bed.hosts[0], "GET", "/v1/catalog/nodes") == []


def test_the_engines_token_is_for_their_keys_only(bed):
    token = consul_acl.token(bed, consul_acl.ENGINES)
    assert consul_api.call(bed, bed.hosts[0], "PUT", "/v1/kv/docker/x", b"1", token=token) is True
    with pytest.raises(Refused):
        consul_api.call(bed, bed.hosts[0], "PUT", "/v1/kv/nap/x", b"1", token=token)


def test_another_authority_is_not_believed(bed):
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(section(bed)["url"], context=ssl.create_default_context())


def test_plain_http_is_not_to_be_had_from_outside(bed):
    for host in bed.hosts:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host.ip, 8500), timeout=5)


def test_it_lives_on_without_one_host_and_takes_it_back(bed, nap):
    nap("PUT", "/v1/kv/nap/before", b"1")
    lost = consul.leader(bed)
    left = next(host for host in bed.hosts if host != lost)
    hosts.kill(bed, lost)

    def writes():
        try:
            return nap("PUT", "/v1/kv/nap/during", b"2", host=left)
        except BedError:
            return False

    proc.wait_for(writes, 45, "the other two to choose a leader")
    assert lost.name in consul.status(bed)
    hosts.restart(bed, lost)
    for key, expected in (("before", b"1"), ("during", b"2")):
        assert value(nap("GET", f"/v1/kv/nap/{key}?consistent", host=lost)) == expected
    assert consul.status(bed).startswith("ready")
