"""Founding a cluster: who joins whom, which certificates are made, what the cluster file says."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509

from nap_compose.cluster import config, pki
from nap_compose.cluster.certificates import certificates_of
from nap_compose.cluster.pki import Authority, Pair
from nap_compose.cluster.private_files import replace_file
from nap_compose.cluster.view import HostView, SwarmView
from nap_compose.control.founding.joining import Join, Role, joins, managers_for, roles
from nap_compose.control.founding.material import Material
from nap_compose.errors import BadFile, NapError
from tests.support import views


def hosts(number: int, **swarms: SwarmView) -> list[HostView]:
    names = [f"h{n}" for n in range(1, number + 1)]
    return [views.host(name, swarm=swarms.get(name, SwarmView())) for name in names]


def manager(managers: int, swarm: str = "s1") -> SwarmView:
    return SwarmView(swarm, "n", control=True, managers=managers)


@pytest.mark.parametrize(("number", "managers"), [(1, 1), (2, 1), (3, 3), (6, 3), (7, 5), (50, 5)])
def test_how_many_managers(number: int, managers: int) -> None:
    assert managers_for(number) == managers


def test_three_strangers_begin_a_swarm() -> None:
    assert joins(views.view(*hosts(3))) == (
        Join("h1", True),
        Join("h2", True, "h1"),
        Join("h3", True, "h1"),
    )


def test_the_fourth_is_a_worker() -> None:
    assert [join.manager for join in joins(views.view(*hosts(5)))] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_seven_have_five_managers_from_the_start() -> None:
    found = joins(views.view(*hosts(7)))
    assert [join.host for join in found if join.manager] == ["h1", "h2", "h3", "h4", "h5"]
    assert {join.through for join in found} == {"", "h1"}


def test_the_seventh_makes_two_more_managers_and_takes_them_along() -> None:
    six = {f"h{n}": manager(3) if n <= 3 else worker() for n in range(1, 8)}
    found = roles(views.view(*hosts(7, **six)))
    assert found == (role("h4", manager=True), role("h5", manager=True))
    seven = {f"h{n}": manager(5) if n <= 5 else worker() for n in range(1, 8)}
    assert roles(views.view(*hosts(7, **seven))) == ()
    found = roles(views.view(*hosts(7, **seven)), without="h1")
    assert found == (role("h5", manager=False), role("h1", manager=False))
    found = roles(views.view(*hosts(7, **seven)), without="h7")
    assert found == (role("h4", manager=False), role("h5", manager=False))


def test_a_host_alone_needs_no_swarm() -> None:
    assert joins(views.view(*hosts(1))) == ()


def test_a_newcomer_joins_through_a_manager_that_is_there() -> None:
    there = hosts(4, h2=manager(3), h3=manager(3), h4=manager(3))
    assert joins(views.view(*there)) == (Join("h1", False, "h2"),)


def test_a_swarm_of_one_manager_gets_more() -> None:
    there = hosts(3, h2=manager(1))
    assert joins(views.view(*there)) == (Join("h1", True, "h2"), Join("h3", True, "h2"))


def worker(swarm: str = "s1") -> SwarmView:
    return SwarmView(swarm, "n", control=False, managers=0)


def role(host: str, *, manager: bool) -> Role:
    return Role(host, "n", manager)


def test_hosts_that_came_one_by_one_become_managers_together() -> None:
    three = hosts(3, h1=manager(2), h2=worker(), h3=manager(2))
    assert roles(views.view(*three)) == (role("h2", manager=True),)
    two = hosts(2, h1=manager(1), h2=worker())
    assert roles(views.view(*two)) == (), "two would stand no loss at all"


def test_a_manager_that_leaves_is_followed_by_a_worker() -> None:
    managers = dict.fromkeys(("h1", "h2", "h3"), manager(3))
    five = hosts(5, **managers, h4=worker(), h5=worker())
    assert roles(views.view(*five), without="h1") == (
        role("h4", manager=True),
        role("h1", manager=False),
    )
    assert roles(views.view(*five), without="h5") == ()


def test_of_three_managers_one_stays_when_two_hosts_do() -> None:
    three = hosts(3, **dict.fromkeys(("h1", "h2", "h3"), manager(3)))
    assert roles(views.view(*three), without="h3") == (
        role("h2", manager=False),
        role("h3", manager=False),
    )


def test_the_only_manager_leaves() -> None:
    two = hosts(2, h1=manager(1), h2=worker())
    assert roles(views.view(*two), without="h1") == (
        role("h2", manager=True),
        role("h1", manager=False),
    )


def test_hosts_without_a_manager_keep_their_roles() -> None:
    assert roles(views.view(*hosts(3))) == ()


def test_all_are_in_already() -> None:
    there = hosts(3, h1=manager(3), h2=manager(3), h3=manager(3))
    assert joins(views.view(*there)) == ()


def test_hosts_of_two_swarms_are_refused() -> None:
    there = hosts(3, h1=manager(1), h2=manager(1, "s2"))
    with pytest.raises(NapError, match="several swarms"):
        joins(views.view(*there))


def test_workers_of_unknown_managers_are_refused() -> None:
    there = hosts(2, h1=SwarmView("s1", "n", control=False))
    with pytest.raises(NapError, match="none of these hosts is a manager"):
        joins(views.view(*there))


def test_engines_with_a_cluster_store_need_no_swarm() -> None:
    there = [views.host(name, cluster_store="consul://10.0.0.1:8500") for name in ("h1", "h2")]
    assert joins(views.view(*there)) == ()


# -- certificates and files ---------------------------------------------------------------------


def test_a_cluster_begins_without_hosts(material: Material) -> None:
    list(material.make("lab", {}))
    assert config.read(material.file, hostless=True).hosts == {}
    with pytest.raises(BadFile, match="a cluster needs a host"):
        config.read(material.file)


HOSTS = {"h1": "10.0.0.11", "on": "two.example", "6": "fd00::6"}


@pytest.fixture
def material(tmp_path: Path) -> Material:
    return Material(tmp_path / "nap")


def test_the_cluster_file_is_one_that_nap_reads(material: Material) -> None:
    made = list(material.make("lab", HOSTS))
    assert len(made) == 7
    cluster = config.read(material.file)
    assert cluster.name == "lab"
    assert {name: host.endpoint for name, host in cluster.hosts.items()} == {
        "h1": "tcp://10.0.0.11:2376",
        "on": "tcp://two.example:2376",
        "6": "tcp://[fd00::6]:2376",
    }
    assert all(host.tls and host.tls.ca == material.ca.cert for host in cluster.hosts.values())


def test_what_is_made_is_made_once(material: Material) -> None:
    list(material.make("lab", HOSTS))
    written = {path: path.stat().st_mtime_ns for path in material.folder.rglob("*.pem")}
    file = material.file.read_text() + "insecure: []\n"
    material.file.write_text(file)
    assert list(material.make("lab", HOSTS)) == []
    kept = {path for path, at in written.items() if path.stat().st_mtime_ns == at}
    assert {path for path in written if path.name == "cert.pem"} <= kept
    assert material.file.read_text() == file


def test_keys_are_for_their_owner_alone(material: Material) -> None:
    list(material.make("lab", HOSTS))
    keys = [*material.folder.rglob("*key.pem"), material.folder / "secrets.key"]
    assert len(keys) == 7
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o600}


def test_a_server_is_believed_at_its_addresses(material: Material) -> None:
    list(material.make("lab", HOSTS))
    cert = x509.load_pem_x509_certificate((material.of_host("h1") / "cert.pem").read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {"10.0.0.11", "h1"}
    context = ssl.create_default_context(cafile=str(material.ca.cert))
    context.load_cert_chain(material.client.cert, material.client.key)


def test_a_new_address_makes_a_new_certificate(material: Material) -> None:
    list(material.make("lab", {"h1": "10.0.0.11"}))
    made = list(material.make("lab", {"h1": "10.0.0.99"}))
    assert made == [f"made the certificate of h1: {material.of_host('h1')}"]


def test_certificates_that_end_soon_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority.opened(Pair(tmp_path / "ca.pem", tmp_path / "ca-key.pem"), "nap lab CA")
    pair = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    monkeypatch.setattr(pki, "SERVER_DAYS", pki.RENEWED - 1)
    assert authority.signed(pair, "h1", ["10.0.0.11"])
    monkeypatch.undo()
    assert authority.signed(pair, "h1", ["10.0.0.11"])
    assert not authority.signed(pair, "h1", ["10.0.0.11"])
    cert = x509.load_pem_x509_certificate(pair.cert.read_bytes())
    left = cert.not_valid_after_utc - datetime.now(timezone.utc)
    assert left > timedelta(days=pki.SERVER_DAYS - 2)


def test_a_broken_authority_is_named(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    pair.cert.write_text("nothing")
    with pytest.raises(BadFile, match="no certificate with its key"):
        Authority.opened(pair, "nap lab CA")


def test_another_ca_follows_and_both_are_trusted(material: Material) -> None:
    list(material.make("lab", HOSTS))
    first, second = _of(material.ca), _of(material.next_ca)
    brought = certificates_of(material.of_host("h1") / "ca.pem")
    assert brought == (*first, *second), "engines trust the next one from their first day on"
    material.follow()
    authority = material.authority("lab")
    assert _of(material.ca) == (*second, *first) and material.former
    assert pki.belong_together(material.ca)
    assert _of(material.next_ca) not in (first, second), "one more follows"
    assert not authority.is_good(material.client), "it is the former's"
    assert len(list(material.make_hosts(authority, HOSTS))) == len(HOSTS)
    material.settle()
    assert _of(material.ca) == second and not material.former


@pytest.mark.parametrize("written", [1, 2])
def test_a_change_of_ca_that_was_cut_short(
    material: Material, written: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(material.make("lab", HOSTS))
    first, second = _of(material.ca), _of(material.next_ca)
    replace, done = replace_file, 0

    def cut(path: Path, content: bytes, mode: int) -> None:
        nonlocal done
        replace(path, content, mode)
        done += 1
        if done == written:
            raise KeyboardInterrupt

    monkeypatch.setattr("nap_compose.control.founding.material.replace_file", cut)
    with pytest.raises(KeyboardInterrupt):
        material.follow()
    monkeypatch.undo()
    material.authority("lab")
    assert _of(material.ca) == (*second, *first)
    assert pki.belong_together(material.ca)
    assert _of(material.next_ca) != second


def test_an_engines_certificate_ends_with_the_cas(material: Material) -> None:
    list(material.make("lab", HOSTS))
    (ca,), (own,) = _of(material.ca), _of(material.pair_of("h1"))
    assert own.not_valid_after_utc == ca.not_valid_after_utc
    (client,) = _of(material.client)
    assert client.not_valid_after_utc < own.not_valid_after_utc


def _of(pair: Pair) -> tuple[x509.Certificate, ...]:
    return certificates_of(pair.cert)
