"""When engines' certificates end, seen by connecting to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from nap_compose.border import HostRow
from nap_compose.cluster.certificates import (
    certificates_of,
    end_of_engine,
    end_of_file,
    ends_of_engines,
    opens,
    shown_by,
)
from nap_compose.cluster.cluster import Cluster, Host, Logs
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.control.host_certificates import with_certificates
from nap_compose.errors import NapError
from tests.engine.certificates import Authority
from tests.engine.fake_engine import FakeEngine


@pytest.fixture
def host(authority: Authority) -> Iterator[Host]:
    """A host whose engine's certificate is good for one day."""
    server = authority.issue("engine", addresses=("127.0.0.1",))
    client = authority.issue("client")
    with FakeEngine("h1", tls=authority.server_context(server), client_tls=client) as engine:
        yield engine.host()


def test_an_engines_certificate(host: Host, authority: Authority) -> None:
    end = end_of_engine(host)
    assert end == end_of_file(authority.folder / "engine.pem")
    assert end is not None and timedelta() < end - datetime.now(timezone.utc) < timedelta(days=1)
    assert ends_of_engines([host, replace(host, name="plain", tls=None)]) == {host.name: end}


def test_an_engine_that_nobody_should_trust(host: Host, other_authority: Authority) -> None:
    assert end_of_engine(replace(host, tls=other_authority.issue("client"))) is None


def test_an_engine_that_is_gone(authority: Authority) -> None:
    gone = Host("h9", "tcp://127.0.0.1:1", tls=authority.issue("client"))
    assert end_of_engine(gone) is None


def test_what_is_shown_is_seen_whoever_trusts_it(
    host: Host, authority: Authority, other_authority: Authority
) -> None:
    endpoint = endpoint_of(host)
    seen = shown_by(endpoint.name, endpoint.port, tls=other_authority.issue("client"))
    assert (seen,) == certificates_of(authority.folder / "engine.pem")
    assert shown_by("127.0.0.1", 1) is None


def test_who_is_let_in(host: Host, other_authority: Authority) -> None:
    assert opens(host)
    assert host.tls
    stranger = other_authority.issue("client")
    assert not opens(replace(host, tls=stranger)), "nap doesn't trust the engine"
    mixed = replace(stranger, ca=host.tls.ca)
    assert not opens(replace(host, tls=mixed)), "the engine doesn't trust nap"
    assert not opens(replace(host, tls=None))


def test_who_runs_for_months_shows_the_new_one(
    host: Host, authority: Authority, other_authority: Authority
) -> None:
    """Files that don't fit together for a moment, while they are written, change nothing."""
    stranger = other_authority.issue("client")
    former = replace(stranger, ca=authority.ca)
    engine = DockerEngine(replace(host, tls=former))
    with pytest.raises(NapError):
        engine.version()
    new = authority.issue("new")
    former.cert.write_bytes(new.cert.read_bytes())
    with pytest.raises(NapError) as refused:
        engine.version()
    assert "doesn't belong" not in refused.value.message
    former.key.write_bytes(new.key.read_bytes())
    assert engine.version()["Version"]
    engine.close()


def test_a_file_that_holds_none(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nothing")
    assert end_of_file(tmp_path / "cert.pem") is None
    assert end_of_file(tmp_path / "missing.pem") is None
    assert certificates_of(tmp_path / "cert.pem") == ()


def test_host_ls_warns_of_one_that_ends_soon(host: Host, tmp_path: Path) -> None:
    cluster = Cluster("lab", {host.name: host}, tmp_path, Logs(tmp_path))
    row = HostRow(host.name, host.endpoint, "active", engine="28.5.2")
    (shown,) = with_certificates([row], cluster)
    assert shown.warning.startswith("its engine's certificate ends in 0 days")
    (away,) = with_certificates([replace(row, engine="")], cluster)
    assert away == replace(row, engine="")
