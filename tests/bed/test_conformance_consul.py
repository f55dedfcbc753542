"""The Consul store does what every state store must do, on real servers; and what is Consul's."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bed import consul, consul_acl, consul_api, hosts
from bed.errors import BedError
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.cluster.cluster import Ldap
from nap_compose.cluster.state import Held, Lost, StateStore, StoreAway
from nap_compose.cluster.state_consul import ConsulStore
from nap_compose.cluster.state_format import FormatStore
from nap_compose.cluster.stores import open_store
from nap_compose.errors import BadFile
from tests.support.state_child import Spec
from tests.support.state_conformance import StateConformance

pytestmark = pytest.mark.bed


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("state-consul", only=("hosts", "consul")) as bed:
        yield bed


@pytest.fixture
def spec(bed: Bed, tmp_path: Path) -> Spec:
    """Consul as the cluster file says, with keys of this test alone."""
    said = yaml.safe_load(bed.cluster_file.read_text())["consul"]
    for key in ("ca", "token_file"):
        said[key] = str(bed.directory / said[key])
    said["prefix"] += f"/test-{uuid.uuid4().hex[:8]}"
    return Spec(state_dir=str(tmp_path), consul=said)


@pytest.fixture
def store(spec: Spec) -> Iterator[StateStore]:
    store = spec.open()
    yield store
    store.close()


class TestConsul(StateConformance):
    ttl = 10.0


def with_other(spec: Spec, **change: Any) -> Spec:
    assert spec.consul is not None
    return Spec(spec.state_dir, {**spec.consul, **change})


def test_keys_stand_under_the_prefix_and_the_layouts_version(
    bed: Bed, spec: Spec, store: StateStore
) -> None:
    store.put("host/h1", {"state": "active"})
    assert spec.consul is not None
    token = consul_acl.token(bed, consul_acl.NAP)
    path = f"/v1/kv/{spec.consul['prefix']}/v1/host/h1?raw"
    assert consul_api.call(bed, bed.hosts[0], "GET", path, token=token) == {"state": "active"}


def test_a_leases_session_stands_on_no_server(bed: Bed, store: StateStore) -> None:
    with store.lease("lock/a", {"who": "ada"}):
        token = consul_acl.token(bed, consul_acl.NAP)
        every = consul_api.call(bed, bed.hosts[0], "GET", "/v1/session/list", token=token)
        (session,) = [each for each in every if each["Name"] == "nap lock/a"]
    assert session["Node"] == "nap-leases"
    assert not session["NodeChecks"] and not session["ServiceChecks"]
    assert (session["TTL"], session["Behavior"]) == ("15s", "delete")
    after = consul_api.call(bed, bed.hosts[0], "GET", "/v1/session/list", token=token)
    assert session["ID"] not in {each["ID"] for each in after}


def test_one_who_finds_it_held_leaves_no_session_behind(bed: Bed, store: StateStore) -> None:
    token = consul_acl.token(bed, consul_acl.NAP)
    with store.lease("lock/a", {}):
        before = consul_api.call(bed, bed.hosts[0], "GET", "/v1/session/list", token=token)
        with pytest.raises(Held):
            store.lease("lock/a", {})
        after = consul_api.call(bed, bed.hosts[0], "GET", "/v1/session/list", token=token)
    assert {each["ID"] for each in before} == {each["ID"] for each in after}


def test_the_environment_changes_nothing(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(empty))
    monkeypatch.setenv("CONSUL_HTTP_TOKEN", str(uuid.uuid4()))
    monkeypatch.setenv("CONSUL_HTTP_ADDR", "127.0.0.1:1")
    monkeypatch.setenv("CONSUL_HTTP_SSL", "false")
    monkeypatch.setenv("CONSUL_HTTP_SSL_VERIFY", "false")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    store = spec.open()
    store.put("k", 1)
    store.batch([])
    with store.lease("lock/a", {}):
        assert len(store.list("")) == 2
    store.close()


def test_a_server_of_another_ca_is_not_trusted(spec: Spec) -> None:
    stranger = Path(spec.state_dir) / "stranger.pem"
    stranger.write_text(_another_ca())
    store = with_other(spec, ca=str(stranger)).open()
    with pytest.raises(StoreAway, match=r"TLS failed.*certificate verify failed") as caught:
        store.get("k")
    for host in (spec.consul or {})["also"]:
        assert host in str(caught.value)
    store.close()


@pytest.mark.parametrize("kind", ["unknown", "of the engines"])
def test_a_token_that_may_not(bed: Bed, spec: Spec, kind: str) -> None:
    token = str(uuid.uuid4())
    if kind == "of the engines":
        token = consul_acl.token(bed, consul_acl.ENGINES)
    file = Path(spec.state_dir) / "token"
    file.write_text(token)
    file.chmod(0o600)
    store = with_other(spec, token_file=str(file)).open()
    for attempt in (
        lambda: store.put("k", 1),
        lambda: store.put("k", 1, if_version=0),
        lambda: store.delete("k"),
        lambda: store.lease("lock/a", {}),
    ):
        with pytest.raises(StoreAway, match="refuses nap's token") as caught:
            attempt()
        assert caught.value.hint and "token_file" in caught.value.hint
        assert token not in str(caught.value)
    store.close()


def test_what_nap_did_not_write(bed: Bed, spec: Spec, store: StateStore) -> None:
    assert spec.consul is not None
    token = consul_acl.token(bed, consul_acl.NAP)
    path = f"/v1/kv/{spec.consul['prefix']}/v1/host/h1"
    consul_api.call(bed, bed.hosts[0], "PUT", path, b"no json", token=token)
    with pytest.raises(StoreAway, match="nap didn't write"):
        store.get("host/h1")


def test_without_tls_or_acls_only_where_the_cluster_file_says_so(spec: Spec) -> None:
    cluster = spec.cluster()
    assert cluster.consul is not None
    plain = replace(cluster, consul=replace(cluster.consul, url="http://127.0.0.1:1"))
    with pytest.raises(BadFile, match="without TLS"):
        open_store(plain)
    open_store(replace(plain, insecure=("consul",))).close()
    no_token = replace(
        cluster,
        consul=replace(cluster.consul, token_file=None),
        ldap=Ldap(("ldaps://ldap.example",), "dc=example"),
    )
    with pytest.raises(BadFile, match="no token"):
        open_store(no_token)
    open_store(replace(no_token, insecure=("consul",))).close()


def test_a_host_that_is_cut_off_is_passed_over(bed: Bed, spec: Spec) -> None:
    """Whichever it is: the first in the file, or the one that leads."""
    leader = leading(bed)
    assert spec.consul is not None
    urls = [consul_api.url(host) for host in bed.hosts]
    first = consul_api.url(leader)
    others = [url for url in urls if url != first]
    store = with_other(spec, url=first, also=others).open()
    version = store.put("k", 1)
    lease = store.lease("lock/a", {"who": "ada"})
    hosts.partition(bed, leader)
    try:
        started = time.monotonic()
        assert store.put("k", 2, if_version=version) > version
        assert time.monotonic() - started < 30
        entry = store.get("k")
        assert entry is not None and entry.value == 2
        until = time.monotonic() + 35
        while time.monotonic() < until:
            assert not lease.lost
            time.sleep(0.5)
        with pytest.raises(Held):
            store.lease("lock/a", {"who": "bob"})
    finally:
        hosts.heal(bed, leader)
    lease.release()
    assert store.get("lock/a") is None
    store.close()


def test_a_count_through_a_change_of_leader_loses_nothing(bed: Bed, spec: Spec) -> None:
    store = spec.open()
    store.put("count", 0)
    confirmed, unsure = 0, 0
    stop = threading.Event()

    def count() -> None:
        nonlocal confirmed, unsure
        mine = spec.open()
        while not stop.is_set():
            try:
                entry = mine.get("count")
                assert entry is not None
                mine.put("count", entry.value + 1, entry.version)
                confirmed += 1
            except Lost:
                continue
            except StoreAway:
                unsure += 1
        mine.close()

    leader = leading(bed)
    thread = threading.Thread(target=count)
    thread.start()
    try:
        wait_until(lambda: confirmed > 10)
        before = confirmed
        hosts.partition(bed, leader)
        wait_until(lambda: confirmed > before + 10)
        hosts.heal(bed, leader)
        wait_until(lambda: confirmed > before + 500)
    finally:
        hosts.heal(bed, leader)
        stop.set()
        thread.join()
    entry = _patiently(store, "count")
    assert confirmed <= entry <= confirmed + unsure
    store.close()


def test_with_every_server_away(bed: Bed, spec: Spec) -> None:
    store = spec.open()
    store.put("k", 1)
    lease = store.lease("lock/a", {"who": "ada"})
    for host in bed.hosts:
        hosts.partition(bed, host)
    try:
        started = time.monotonic()
        with pytest.raises(StoreAway, match="Consul doesn't answer") as caught:
            store.get("k")
        assert time.monotonic() - started < 60
        for host in bed.hosts:
            assert consul_api.url(host) in str(caught.value)
        assert caught.value.hint
        deadline = time.monotonic() + 16
        while not lease.lost:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        started = time.monotonic()
        lease.release()
        assert time.monotonic() - started < 90
    finally:
        for host in bed.hosts:
            hosts.heal(bed, host)
    assert _patiently(store, "k") == 1
    assert lease.lost
    store.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def leading(bed: Bed) -> Host:
    """The host whose Consul server leads, once all have a vote: one that was cut off gets its own
    back after some seconds, and until then the rest can't do without another."""
    deadline = time.monotonic() + 90
    while True:
        leader = consul.leader(bed)
        if leader is not None and _voters(bed, leader) == len(bed.hosts):
            return leader
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _voters(bed: Bed, host: Host) -> int:
    token = consul_acl.token(bed, consul_acl.MANAGEMENT)
    path = "/v1/operator/raft/configuration"
    try:
        return sum(
            server["Voter"]
            for server in consul_api.call(bed, host, "GET", path, token=token)["Servers"]
        )
    except BedError:
        return 0


def _patiently(store: StateStore, key: str) -> Any:
    """A value once Consul has a leader again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            entry = store.get(key)
        except StoreAway:
            assert time.monotonic() < deadline
            continue
        assert entry is not None
        return entry.value


def _another_ca() -> str:
    """A certificate authority that nobody knows, in PEM."""
    from datetime import datetime, timedelta, timezone

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stranger")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def test_the_store_is_consuls(store: StateStore) -> None:
    assert isinstance(store, FormatStore) and isinstance(store.inner, ConsulStore)
