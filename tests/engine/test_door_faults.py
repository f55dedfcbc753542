"""What the door says when an engine is away, refuses, breaks off or speaks something else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from nap_compose.cluster.cluster import Host, Tls
from nap_compose.cluster.engine import EngineAway, EngineError, NotFound
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.view import Absence
from nap_compose.errors import NapError, WrongUse
from nap_compose.exits import Exit
from tests.engine.certificates import Authority
from tests.engine.fake_engine import FakeEngine


def away_from(host: Host) -> EngineAway:
    """How asking that host ends."""
    with pytest.raises(EngineAway) as away:
        DockerEngine(host).info()
    assert away.value.exit_code is Exit.PARTIAL
    assert away.value.host == host.name
    return away.value


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# -- nobody there


def test_nothing_listens() -> None:
    port = free_port()
    away = away_from(Host("h1", f"tcp://127.0.0.1:{port}"))
    assert away.why is Absence.UNREACHABLE
    assert str(away) == f"host h1: nothing listens on 127.0.0.1:{port}"


def test_a_name_that_nobody_knows() -> None:
    away = away_from(Host("h1", "tcp://no-such-host.invalid:2376"))
    assert away.why is Absence.UNREACHABLE
    assert away.message == "the name 'no-such-host.invalid' doesn't resolve"


def test_no_socket(tmp_path: Path) -> None:
    away = away_from(Host("local", f"unix://{tmp_path}/none.sock"))
    assert away.why is Absence.UNREACHABLE
    assert away.message == f"there is no socket {tmp_path}/none.sock"
    assert away.hint
    assert "DOCKER_HOST" in away.hint


def test_a_socket_that_nobody_serves(tmp_path: Path) -> None:
    path = tmp_path / "left.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
    away = away_from(Host("local", f"unix://{path}"))
    assert away.why is Absence.UNREACHABLE
    assert away.message == f"nothing listens on {path}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not")
def test_a_socket_that_one_may_not_use() -> None:
    folder = Path(f"/tmp/nap-test-{os.getpid()}")
    folder.mkdir(mode=0o755)
    path = folder / "engine.sock"
    try:
        with FakeEngine(address=str(path)) as engine:
            path.chmod(0o600)
            said = _as_nobody(engine.host())
    finally:
        folder.rmdir()
    who = "only root and members of the group `docker` may"
    assert said == f"refused: you may not use the socket {path}: {who}"


def _as_nobody(host: Host) -> str:
    """What a user without rights is told, in a process of their own."""
    code = f"""
import os
from nap_compose.cluster.cluster import Host
from nap_compose.cluster.engine import EngineAway
from nap_compose.cluster.engine_client import DockerEngine
os.setuid(65534)
try:
    DockerEngine(Host("local", {host.endpoint!r})).info()
except EngineAway as away:
    print(away.why.value, away.message, sep=": ", end="")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("ssh://user@h1", "over ssh yet"),
        ("http://h1:2375", "of no kind that nap knows"),
        ("/var/run/docker.sock", "of no kind that nap knows"),
        ("tcp://:2375", "can't be read"),
        ("tcp://h1:port", "can't be read"),
        ("tcp://h1:2375/path", "can't be read"),
    ],
)
def test_endpoints_that_nap_can_t_speak_to(endpoint: str, said: str) -> None:
    with pytest.raises(WrongUse, match=said) as wrong:
        DockerEngine(Host("h1", endpoint))
    assert wrong.value.hint


# -- somebody else there


@pytest.fixture
def stranger() -> Iterator[tuple[Host, list[bytes]]]:
    """A listener that answers each connection with the bytes in the list, then hangs up."""
    answers = [b""]
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.recv(65536)
                sock.sendall(answers[0])

    threading.Thread(target=serve, daemon=True).start()
    yield Host("h1", f"tcp://127.0.0.1:{listener.getsockname()[1]}"), answers
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_what_isn_t_an_engine(stranger: tuple[Host, list[bytes]], answer: bytes) -> None:
    host, answers = stranger
    answers[0] = answer
    away = away_from(host)
    assert away.why is Absence.BROKEN
    assert away.message.endswith("is no Docker engine")


def test_who_hangs_up(stranger: tuple[Host, list[bytes]]) -> None:
    away = away_from(stranger[0])
    assert away.why is Absence.BROKEN
    assert "closed the connection before it had answered" in away.message


def test_a_proxy_that_lets_nobody_in(stranger: tuple[Host, list[bytes]]) -> None:
    host, answers = stranger
    answers[0] = b'HTTP/1.1 403 Forbidden\r\nContent-Length: 20\r\n\r\n{"message": "denied"}'
    away = away_from(host)
    assert away.why is Absence.REFUSED


# -- TLS


@pytest.fixture
def tls_engine(authority: Authority) -> Iterator[FakeEngine]:
    server = authority.issue("engine", addresses=("127.0.0.1",))
    client = authority.issue("client")
    context = authority.server_context(server)
    with FakeEngine("h1", tls=context, client_tls=client) as engine:
        yield engine


def test_tls_with_a_client_certificate(tls_engine: FakeEngine) -> None:
    door = DockerEngine(tls_engine.host())
    assert door.info()["Name"] == "h1"
    door.close()


def test_an_engine_of_another_ca(
    tls_engine: FakeEngine, authority: Authority, other_authority: Authority
) -> None:
    client = authority.issue("client")
    away = away_from(tls_engine.host(tls=Tls(other_authority.ca, client.cert, client.key)))
    assert away.why is Absence.REFUSED
    assert "isn't signed by the cluster's CA" in away.message


def test_a_client_of_another_ca(
    tls_engine: FakeEngine, authority: Authority, other_authority: Authority
) -> None:
    client = other_authority.issue("client")
    for _ in range(20):  # the refusal comes after the handshake: it must not race with our request
        away = away_from(tls_engine.host(tls=Tls(authority.ca, client.cert, client.key)))
        assert away.why is Absence.REFUSED
        assert "refused our client certificate" in away.message


def test_a_client_certificate_that_has_expired(
    tls_engine: FakeEngine, authority: Authority
) -> None:
    away = away_from(tls_engine.host(tls=authority.issue("old", age=timedelta(days=3))))
    assert away.why is Absence.REFUSED
    assert "refused our client certificate" in away.message
    assert "expired" in away.message


def test_an_engine_s_certificate_that_has_expired(authority: Authority) -> None:
    old = authority.issue("engine-old", addresses=("127.0.0.1",), age=timedelta(days=3))
    client = authority.issue("client")
    with FakeEngine(tls=authority.server_context(old), client_tls=client) as engine:
        away = away_from(engine.host())
    assert away.why is Absence.REFUSED
    assert "has expired" in away.message


def test_a_certificate_for_another_address(authority: Authority) -> None:
    other = authority.issue("engine-other", addresses=("192.0.2.1",))
    client = authority.issue("client")
    with FakeEngine(tls=authority.server_context(other), client_tls=client) as engine:
        away = away_from(engine.host())
    assert away.why is Absence.REFUSED
    assert "made for another name" in away.message
    assert away.hint
    assert "127.0.0.1" in away.hint


def test_plain_where_tls_was_asked_for(fake_engine: FakeEngine, authority: Authority) -> None:
    away = away_from(fake_engine.host(tls=authority.issue("client")))
    assert away.why is Absence.REFUSED
    assert "speaks no TLS where TLS was asked for" in away.message


def test_tls_where_plain_was_asked_for(tls_engine: FakeEngine) -> None:
    away = away_from(Host("h1", tls_engine.endpoint))
    assert away.why is Absence.REFUSED
    assert "speaks TLS, but nap was given no certificates" in away.message


def test_a_tls_server_that_only_sends_an_alert(stranger: tuple[Host, list[bytes]]) -> None:
    host, answers = stranger
    answers[0] = b"\x15\x03\x01\x00\x02\x02\x46"
    away = away_from(host)
    assert away.why is Absence.REFUSED
    assert "speaks TLS" in away.message


def test_a_handshake_that_nobody_answers(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nap_compose.cluster.engine_pool.CONNECT_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        away = away_from(Host("h1", f"tcp://127.0.0.1:{port}", tls=authority.issue("client")))
    assert away.why is Absence.TIMEOUT
    assert "TLS handshake" in away.message


@pytest.mark.parametrize("missing", ["ca", "cert", "key"])
def test_tls_files_that_aren_t_there(
    tls_engine: FakeEngine, authority: Authority, tmp_path: Path, missing: str
) -> None:
    client = authority.issue("client")
    files = {"ca": client.ca, "cert": client.cert, "key": client.key}
    files[missing] = tmp_path / "gone.pem"
    with pytest.raises(NapError, match=r"gone\.pem can't be read: No such file") as wrong:
        DockerEngine(tls_engine.host(tls=Tls(**files))).info()
    assert not isinstance(wrong.value, EngineAway)


def test_a_key_of_another_certificate(tls_engine: FakeEngine, authority: Authority) -> None:
    client, other = authority.issue("client"), authority.issue("client-2")
    with pytest.raises(NapError, match="doesn't belong to the certificate"):
        DockerEngine(tls_engine.host(tls=Tls(client.ca, client.cert, other.key))).info()


def test_files_that_hold_no_certificates(
    tls_engine: FakeEngine, authority: Authority, tmp_path: Path
) -> None:
    client, text = authority.issue("client"), tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(NapError, match="holds no CA certificate"):
        DockerEngine(tls_engine.host(tls=Tls(text, client.cert, client.key))).info()
    with pytest.raises(NapError, match="no certificate and unencrypted key"):
        DockerEngine(tls_engine.host(tls=Tls(client.ca, text, client.key))).info()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_has_no_say_in_whom_to_trust(
    tls_engine: FakeEngine,
    authority: Authority,
    other_authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    tls_engine.add_image("app:1")
    client = authority.issue("client")
    good = DockerEngine(tls_engine.host())
    wrong = DockerEngine(tls_engine.host(tls=Tls(other_authority.ca, client.cert, client.key)))

    monkeypatch.setenv(variable, str(other_authority.ca))  # would shut the right engine out
    assert good.info()["Name"] == "h1"
    assert b"".join(good.save_image("app:1"))

    monkeypatch.setenv(variable, str(authority.ca))  # would let the wrong one in
    for ask in (wrong.info, lambda: list(wrong.save_image("app:1"))):
        with pytest.raises(EngineAway) as away:
            ask()
        assert away.value.why is Absence.REFUSED


def test_a_proxy_in_the_environment_isn_t_used(
    fake_engine: FakeEngine, door: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_engine.add_image("app:1")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert door.info()
    assert b"".join(door.save_image("app:1"))


# -- versions


@pytest.mark.parametrize(
    ("engine_api", "agreed"), [("1.40", "1.40"), ("1.41", "1.41"), ("1.51", "1.51")]
)
def test_the_version_is_the_engine_s_as_far_as_nap_knows_it(engine_api: str, agreed: str) -> None:
    with FakeEngine(api=engine_api) as engine:
        door = DockerEngine(engine.host())
        assert door.api == agreed
        door.info()
        assert [each.version for each in engine.calls()] == ["", agreed]
        door.close()


def test_the_first_answer_tells_the_version(fake_engine: FakeEngine, door: DockerEngine) -> None:
    assert door.info()["Name"] == "local"
    assert door.api == "1.51"
    door.networks()
    asked = [(each.path, each.version) for each in fake_engine.calls()]
    assert asked == [("/info", ""), ("/networks", "1.51")]


def test_an_answer_in_a_newer_version_than_nap_knows_isn_t_read() -> None:
    with FakeEngine(api="1.99", oldest_api="1.44") as engine:
        door = DockerEngine(engine.host())
        door.info()
        asked = [(each.path, each.version) for each in engine.calls()]
        assert asked == [("/info", ""), ("/info", "1.51")]
        assert engine.connections() == 1
        door.close()


def test_a_first_question_that_fails_has_the_version_asked_for(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    with pytest.raises(NotFound):
        door.inspect_container("nobody")
    paths = [each.path for each in fake_engine.calls()]
    assert paths == ["/containers/nobody/json", "/version", "/containers/nobody/json"]


def test_a_newer_engine_is_asked_to_speak_what_nap_knows() -> None:
    with FakeEngine(api="1.99", oldest_api="1.44") as engine:
        assert DockerEngine(engine.host()).api == "1.51"


def test_engines_too_old_and_too_new() -> None:
    with FakeEngine(api="1.39") as engine, pytest.raises(EngineError, match="too old") as old:
        DockerEngine(engine.host()).info()
    assert "1.39" in old.value.message
    assert "1.40" in old.value.message
    with FakeEngine(api="1.60", oldest_api="1.52") as engine:
        with pytest.raises(EngineError, match="too new") as new:
            DockerEngine(engine.host()).info()
        assert new.value.hint == "update nap"


def test_an_engine_that_was_replaced_by_another_release(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    assert door.api == "1.51"
    fake_engine.api = "1.41"
    assert door.create_network({"Name": "n"})
    assert door.api == "1.41"
    assert len(door.networks({"name": ["^n$"]})) == 1


# -- connections


def test_one_connection_serves_many_calls(fake_engine: FakeEngine, door: DockerEngine) -> None:
    for _ in range(20):
        door.info()
    assert fake_engine.connections() == 1


def test_a_kept_connection_that_the_engine_closed(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    door.info()
    fake_engine.cut()
    time.sleep(0.05)
    door.create_network({"Name": "n"})  # seen before sending, so even a change is safe
    assert len(fake_engine.calls("POST", "/networks/create")) == 1


def test_a_kept_connection_that_closes_as_it_is_used(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    door.info()
    fake_engine.fault("GET", "/info", drop=True, times=1)
    assert door.info()["Name"] == "local"  # asked again
    fake_engine.fault("POST", "/networks/create", drop=True, times=1)
    with pytest.raises(EngineAway) as away:
        door.create_network({"Name": "n"})  # may have been done: not asked again
    assert away.value.why is Absence.BROKEN
    assert len(fake_engine.calls("POST", "/networks/create")) == 1


def test_a_fresh_connection_that_is_closed_isn_t_tried_again(
    fake_engine: FakeEngine, door: DockerEngine
) -> None:
    fake_engine.fault("GET", "/info", drop=True)
    with pytest.raises(EngineAway):
        door.info()
    assert len(fake_engine.calls("GET", "/info")) == 1


def test_an_answer_that_breaks_off(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.fault("GET", "/info", cut=20)
    with pytest.raises(EngineAway, match="broke off") as away:
        door.info()
    assert away.value.why is Absence.BROKEN


def test_an_engine_that_hangs(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.fault("GET", "/info", hang=True)
    door.networks()
    with pytest.raises(EngineAway) as away:
        door._object("/info", timeout=0.3)
    assert away.value.why is Absence.TIMEOUT
    assert away.value.message.endswith("within 0.3 s")


def test_an_engine_s_error_without_json(
    stranger: tuple[Host, list[bytes]], fake_engine: FakeEngine, door: DockerEngine
) -> None:
    fake_engine.fault("GET", "/info", status=503, message="")
    with pytest.raises(EngineError) as error:
        door.info()
    assert error.value.status == 503
    assert "without a word" in error.value.message


def test_fifty_threads_on_one_engine(fake_engine: FakeEngine, door: DockerEngine) -> None:
    fake_engine.add_image("app:1")
    fake_engine.latency = 0.005

    def live(number: int) -> str:
        made = door.create_container(f"c{number}", {"Image": "app:1", "Labels": {"n": str(number)}})
        door.start_container(made)
        (found,) = door.containers({"label": [f"n={number}"]})
        assert found["Id"] == made == door.inspect_container(f"c{number}")["Id"]
        door.remove_container(made, force=True)
        return made

    with ThreadPoolExecutor(50) as pool:
        made = list(pool.map(live, range(200)))
    assert len(set(made)) == 200
    assert door.containers() == []
    time.sleep(0.1)
    assert fake_engine.connections() <= 8  # the burst's other connections were let go


def test_the_door_brings_no_docker_py_along() -> None:
    """Commands that only look must not pay for it."""
    code = (
        "import sys\n"
        "import nap_compose.cluster.engines, nap_compose.cluster.observe\n"
        "print([m for m in ('docker', 'requests', 'urllib3', 'cryptography') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
