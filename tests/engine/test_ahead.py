"""Connections that are begun before the first question: used, given up, or found to be broken."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nap_compose.cluster.cluster import Cluster, Host, Logs, Tls
from nap_compose.cluster.engine import EngineAway
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.engine_pool import BEGUN_LIMIT, CONNECT_TIMEOUT
from nap_compose.cluster.engines import ClusterEngines
from nap_compose.cluster.observe import observe
from nap_compose.cluster.view import Absence
from tests.engine.certificates import Authority
from tests.engine.fake_engine import FakeEngine

HELLO = b"\x16\x03"
"""What a TLS handshake begins with."""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A host that takes connections and says nothing."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(8)
        sock.settimeout(20)
        yield sock


@pytest.fixture
def client(authority: Authority) -> Tls:
    return authority.issue("client")


@pytest.fixture
def tls_engine(authority: Authority, client: Tls) -> Iterator[FakeEngine]:
    context = authority.server_context(authority.issue("engine", addresses=("127.0.0.1",)))
    with FakeEngine("h1", tls=context, client_tls=client) as engine:
        yield engine


def at(sock: socket.socket, tls: Tls | None = None, name: str = "h1") -> Host:
    return Host(name, f"tcp://127.0.0.1:{sock.getsockname()[1]}", tls=tls)


def cluster_of(*hosts: Host) -> Cluster:
    folder = Path("/nowhere")
    return Cluster("lab", {host.name: host for host in hosts}, folder, Logs(folder))


@pytest.mark.parametrize("tls", [True, False])
def test_the_first_question_takes_what_was_begun(
    tls: bool, tls_engine: FakeEngine, fake_engine: FakeEngine
) -> None:
    fake = tls_engine if tls else fake_engine
    engines = ClusterEngines(cluster_of(fake.host()))
    (name,) = engines.names
    engines.begin([name])
    assert engines.on(name).info()["ServerVersion"]
    engines.begin([name])  # there is one already
    assert engines.on(name).containers() == []
    assert fake.connections() == 1
    engines.close()


def test_the_handshake_begins_before_anybody_asks(silent: socket.socket, client: Tls) -> None:
    engines = ClusterEngines(cluster_of(at(silent, client)))
    engines.begin(["h1"])
    taken, _ = silent.accept()
    with taken:
        taken.settimeout(20)
        assert taken.recv(2) == HELLO


def test_who_had_time_enough_isnt_waited_for_again(
    silent: socket.socket, client: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = DockerEngine(at(silent, client))
    begun = engine.begin()
    assert begun is not None
    begun.greet()
    # Whoever waits here, waits for an hour.
    monkeypatch.setattr("nap_compose.cluster.engine_pool.CONNECT_TIMEOUT", 3600.0)
    monkeypatch.setattr("nap_compose.cluster.engine_pool.BEGUN_LIMIT", 7200.0)
    begun.at -= 3600.0
    with pytest.raises(EngineAway, match="didn't go through with the TLS handshake") as away:
        engine.info()
    assert away.value.why is Absence.TIMEOUT


def test_an_answer_that_came_in_time_is_in_time_however_late_it_is_read(
    tls_engine: FakeEngine,
) -> None:
    """nap itself may be what is slow."""
    engine = DockerEngine(tls_engine.host())
    begun = engine.begin()
    assert begun is not None
    begun.greet()
    poll = select.poll()
    poll.register(begun, select.POLLIN)
    assert poll.poll(20_000)
    begun.at -= CONNECT_TIMEOUT + 1
    assert engine.info()
    engine.close()


def test_one_that_was_closed_meanwhile_costs_nothing(fake_engine: FakeEngine) -> None:
    engine = DockerEngine(fake_engine.host())
    assert engine.begin() is not None
    fake_engine.stop()
    fake_engine.start()
    assert engine.info()
    engine.close()


def test_one_that_was_begun_long_ago_isnt_used(silent: socket.socket) -> None:
    engine = DockerEngine(at(silent))
    begun = engine.begin()
    assert begun is not None
    begun.at -= BEGUN_LIMIT
    silent.close()
    with pytest.raises(EngineAway, match="nothing listens"):
        engine.info()


def test_where_nobody_listens_it_is_said_as_ever() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        host = at(sock)
    engine = DockerEngine(host)
    engine.begin()
    with pytest.raises(EngineAway, match="nothing listens"):
        engine.info()


def test_a_name_that_nobody_knows_begins_nothing() -> None:
    engine = DockerEngine(Host("h1", "tcp://no-such-host.invalid:2376"))
    assert engine.begin() is None
    with pytest.raises(EngineAway, match="doesn't resolve"):
        engine.info()


def test_the_dead_are_greeted_before_their_turn(
    fake_engine: FakeEngine, silent: socket.socket, client: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of hosts that have to wait for their turn, each is greeted at once: when theirs comes, the
    dead have been waited for."""
    monkeypatch.setattr("nap_compose.cluster.observe.AT_ONCE", 1)
    cluster = cluster_of(fake_engine.host(), at(silent, client, "dead"))
    engines = ClusterEngines(cluster)
    greeted: list[bytes] = []

    def before_anybody_is_asked(*args: object, **options: object) -> Iterator[object]:
        taken, _ = silent.accept()
        with taken:
            taken.settimeout(20)
            greeted.append(taken.recv(2))
        return iter(())

    monkeypatch.setattr("nap_compose.cluster.observe.ask_each", before_anybody_is_asked)
    observe(engines, cluster)
    assert greeted == [HELLO]
    engines.close()
