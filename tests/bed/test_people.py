"""Logging in at a real directory: who gets in, how, for how long, and what everybody may see."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ldap3
import pytest

from bed import busybox, ldap, ldap_entries, tls
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.exits import Exit
from tests.support.apps import sleeper, write_app
from tests.support.nap import PROGRAM, Nap, eventually
from tests.support.people import People
from tests.support.terminal import OnTerminal

pytestmark = pytest.mark.bed

RECHECK = 0.5
NOT_ALLOWED = Exit.NOT_ALLOWED


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("people", hosts=2, only=("hosts", "ldap")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def people(bed: Bed, tmp_path: Path) -> People:
    for file in bed.directory.glob("nap/state/attempts/*"):
        file.unlink()
    return People(bed, tmp_path)


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []

        def take() -> None:
            while True:
                try:
                    taken.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"ldaps://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        for each in taken:
            each.close()


def who(nap: Nap) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(nap("whoami", "--format", "json").out)
    return found


@pytest.mark.parametrize(
    ("name", "role", "groups"),
    [
        ("ada", "admin", ["nap-admins"]),
        ("bob", "user", ["nap-users", "web"]),
        ("vic", "viewer", ["nap-viewers"]),
    ],
)
def test_each_gets_in_with_their_role(people, name, role, groups):
    nap = people(name)
    assert f"you are {name} ({role})" in people.logs_in(nap, name).out
    found = who(nap)
    assert (found["name"], found["role"], sorted(found["groups"])) == (name, role, groups)
    assert found["by"] == "directory"
    nap("logout")
    assert nap("whoami", code=NOT_ALLOWED).errors == ["nap: you aren't logged in"]


def test_at_a_terminal_both_are_asked_for_and_the_password_is_not_shown(people):
    nap, password = people("bob"), ldap.password_of(people.bed, "bob")
    with OnTerminal([str(PROGRAM), "login"], env=nap.env, cwd=nap.home) as terminal:
        terminal.until("Name: ")
        terminal.type("bob\n")
        terminal.until("Password of bob: ")
        terminal.type(f"{password}\n")
        shown = terminal.until("you are bob (user)")
        assert terminal.ended() == 0
    assert password.encode() not in shown
    assert who(nap)["name"] == "bob"


def test_the_name_is_that_of_the_entry(people):
    nap = people("bob")
    people.logs_in(nap, "BOB", ldap.password_of(people.bed, "bob"))
    assert who(nap)["name"] == "bob"
    assert who(nap)["owner"] == "bob"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("bob", "wrong"),
        ("bob", ""),
        ("bob", "\n"),
        ("nobody", "wrong"),
        ("*", "wrong"),
        ("*)(uid=*", "wrong"),
        ("bob)(objectClass=*", "wrong"),
        ("b\\2a", "wrong"),
        ("x" * 5000, "wrong"),
    ],
)
def test_who_does_not_get_in(people, name, password):
    nap = people("mallory")
    ended = people.logs_in(nap, name, password, code=NOT_ALLOWED)
    assert ended.errors == ["nap: the name or the password is wrong"]
    nap("whoami", code=NOT_ALLOWED)


def test_without_a_name_nobody_is_asked_for(people):
    people.logs_in(people("mallory"), "", "wrong", code=Exit.WRONG_USE)


def test_bobs_password_with_another_filter_is_still_bobs(people):
    nap = people("mallory")
    bobs = ldap.password_of(people.bed, "bob")
    for name in ("*", "b*", "*)(uid=bob", "bob)(|(uid=*)"):
        people.logs_in(nap, name, bobs, code=NOT_ALLOWED)
        for file in people.bed.directory.glob("nap/state/attempts/*"):
            file.unlink()


def test_somebody_in_no_group_is_not_let_in(people):
    ended = people.logs_in(people("zoe"), "zoe", code=NOT_ALLOWED)
    assert "zoe is in none of the groups" in ended.errors[0]


def test_wrong_passwords_slow_down(people):
    nap = people("mallory")
    wait = 0
    while wait < 3:  # a short wait may be over before the next try has begun
        ended = people.logs_in(nap, "bob", "wrong", code=NOT_ALLOWED)
        found = re.search(r"try again in (\d+) s", ended.err)
        wait = int(found[1]) if found else 0
    assert ended.errors == ["nap: too many wrong passwords"]
    people.logs_in(people("bob"), "bob", code=NOT_ALLOWED)  # the right one has to wait as well
    time.sleep(wait)
    people.in_session("bob")


def test_the_session_is_for_its_owner_alone(people):
    nap = people.in_session("bob")
    file = nap.home / "state" / "nap" / "session"
    assert file.stat().st_mode & 0o777 == 0o600
    kept = people.bed.directory / "nap" / "state" / "sessions"
    assert kept.stat().st_mode & 0o777 == 0o700
    token = next(iter(json.loads(file.read_text()).values()))
    assert all(token not in each.read_text() for each in kept.iterdir())
    file.chmod(0o644)
    nap("whoami", code=NOT_ALLOWED)


def test_a_session_that_was_tampered_with_is_none(people):
    nap = people.in_session("bob")
    file = nap.home / "state" / "nap" / "session"
    tokens = json.loads(file.read_text())
    for change in (lambda token: token[:-1], lambda _: "", lambda token: token[::-1]):
        file.write_text(json.dumps({key: change(token) for key, token in tokens.items()}))
        nap("ps", code=NOT_ALLOWED)
    file.write_text("{")
    nap("ps", code=NOT_ALLOWED)
    file.write_text(json.dumps(tokens))
    nap("ps")


def test_a_session_ends_when_it_is_not_used_and_after_its_time(people):
    idle = people.cluster("idle", idle="1500ms")
    nap = people.in_session("bob", idle)
    time.sleep(1.6)
    assert nap("ps", code=NOT_ALLOWED).errors == ["nap: your session is over"]
    short = people.cluster("short", session="3s")
    nap = people.in_session("bob", short)
    nap("ps")
    time.sleep(3.1)
    assert nap("ps", code=NOT_ALLOWED).errors == ["nap: your session is over"]


def test_who_leaves_the_group_loses_access_at_the_next_check(people):
    nap = people.in_session("carol")
    group = "cn=nap-users,ou=groups," + ldap_entries.BASE
    with ldap.as_root(people.bed) as root:
        changed = {"member": [(ldap3.MODIFY_DELETE, [ldap_entries.person("carol")])]}
        assert root.modify(group, changed)
        try:
            eventually(lambda: _refused(nap), "carol is out", within=5 * RECHECK + 2)
            people.logs_in(nap, "carol", code=NOT_ALLOWED)
        finally:
            back = {"member": [(ldap3.MODIFY_ADD, [ldap_entries.person("carol")])]}
            assert root.modify(group, back)
    people.logs_in(nap, "carol")


def test_who_is_gone_from_the_directory_is_out(people):
    somebody = "uid=tmp,ou=people," + ldap_entries.BASE
    group = "cn=nap-users,ou=groups," + ldap_entries.BASE
    with ldap.as_root(people.bed) as root:
        person = {"cn": "T", "sn": "T", "userPassword": "secret of tmp"}
        assert root.add(somebody, ["inetOrgPerson"], person)
        assert root.modify(group, {"member": [(ldap3.MODIFY_ADD, [somebody])]})
        nap = people("tmp")
        people.logs_in(nap, "tmp", "secret of tmp")
        assert root.delete(somebody)
        root.modify(group, {"member": [(ldap3.MODIFY_DELETE, [somebody])]})
        eventually(lambda: _refused(nap), "they are out", within=5 * RECHECK + 2)
        # Somebody new gets the name, and none of the old one's apps.
        assert root.add(somebody, ["inetOrgPerson"], person)
        assert root.modify(group, {"member": [(ldap3.MODIFY_ADD, [somebody])]})
        ended = people.logs_in(nap, "tmp", "secret of tmp", code=Exit.FAILED)
        assert "belongs to somebody else" in ended.errors[0]
        assert root.delete(somebody)
        root.modify(group, {"member": [(ldap3.MODIFY_DELETE, [somebody])]})


def _refused(nap: Nap) -> bool:
    with nap.start("ps") as looking:
        return looking.ended().code == NOT_ALLOWED


def test_start_tls(people):
    plain = ldap.start_tls_url(people.bed)
    people.in_session("bob", people.cluster("starttls", urls=[plain], start_tls=True))
    refused = people("bob", people.cluster("clear", urls=[plain]))("ps", code=Exit.WRONG_USE)
    assert "in clear text" in refused.errors[0]


@pytest.mark.parametrize("kind", ["ldaps", "starttls"])
def test_a_wrong_authority_is_not_trusted(people, kind, tmp_path_factory):
    other = tmp_path_factory.mktemp("ca")
    wrong = tls.authority(Bed(name="other", directory=other, subnet="10.213.250.0/24"))
    urls = [ldap.start_tls_url(people.bed) if kind == "starttls" else ldap.url(people.bed)]
    cluster = people.cluster(
        f"wrong-{kind}", urls=urls, ca=str(wrong), start_tls=kind == "starttls"
    )
    ended = people.logs_in(people("bob", cluster), "bob", code=Exit.PARTIAL)
    assert "certificate verify failed" in ended.errors[0]
    assert ldap.password_of(people.bed, "bob") not in ended.err


def test_a_first_server_that_says_nothing_is_passed_over(people, silent):
    cluster = people.cluster("silent", urls=[silent, ldap.url(people.bed)])
    began = time.monotonic()
    people.in_session("bob", cluster)
    assert time.monotonic() - began < 20


def test_with_every_server_away_looking_goes_on_and_nothing_is_changed(people, silent):
    nap = people.in_session("bob")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    # Same cluster file: sessions stay, the servers go.
    people.cluster("quick", recheck="500ms", urls=[f"ldaps://127.0.0.1:{port}", silent])
    time.sleep(RECHECK + 0.1)
    app = write_app(people.folder / "app.yml", {"web": {"image": "busybox"}}, name="shop")
    ended = nap("up", "-f", app, code=Exit.PARTIAL)
    assert "the directory doesn't answer" in ended.errors[0]
    time.sleep(5 * RECHECK)
    nap("ps")
    people.logs_in(nap, "bob", code=Exit.PARTIAL)
    root = people("root", people.cluster("quick", recheck="500ms", urls=[silent]))
    root("login", "--local")
    assert who(root)["by"] == "local"
    root("host", "cordon", "h1")
    root("host", "activate", "h1")


def test_a_group_in_a_group_counts_where_that_is_set(people):
    inner = "cn=juniors,ou=groups," + ldap_entries.BASE
    group = "cn=nap-users,ou=groups," + ldap_entries.BASE
    with ldap.as_root(people.bed) as root:
        assert root.add(inner, ["groupOfNames"], {"member": [ldap_entries.person("zoe")]})
        assert root.modify(group, {"member": [(ldap3.MODIFY_ADD, [inner])]})
        try:
            people.logs_in(people("zoe"), "zoe", code=NOT_ALLOWED)
            nap = people.in_session("zoe", people.cluster("nested", nested_groups=True))
            assert sorted(who(nap)["groups"]) == ["juniors", "nap-users"]
        finally:
            assert root.modify(group, {"member": [(ldap3.MODIFY_DELETE, [inner])]})
            assert root.delete(inner)


AD = {
    "user_filter": "(&(sAMAccountName={name})(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
    "name_attribute": "sAMAccountName",
    "id_attribute": "objectGUID",
}
"""As the docs have it for Active Directory."""


@pytest.fixture
def dana(people) -> Iterator[str]:
    """Somebody with the attributes that people have in Active Directory; gives her dn."""
    dn, group = f"cn=Dana D,ou=people,{ldap_entries.BASE}", ldap_entries.ROLES["user"]
    entry = {"sn": "D", "userPassword": "secret of dana", "sAMAccountName": "dana",
             "userAccountControl": 512, "objectGUID": bytes(range(200, 216))}  # fmt: skip
    with ldap.as_root(people.bed) as root:
        assert root.add(dn, ["inetOrgPerson", "user"], entry), root.result
        assert root.modify(group, {"member": [(ldap3.MODIFY_ADD, [dn])]})
        yield dn
        assert root.delete(dn)
        root.modify(group, {"member": [(ldap3.MODIFY_DELETE, [dn])]})


def test_somebody_as_in_active_directory(people, dana):
    nap = people("dana", people.cluster("ad", recheck="500ms", **AD))
    people.logs_in(nap, "DANA", "secret of dana")
    found = who(nap)
    assert (found["name"], found["role"]) == ("dana", "user")
    assert found["id"] == "cbcac9c8-cdcc-cfce-d0d1-d2d3d4d5d6d7"
    time.sleep(5 * RECHECK)
    nap("ps")  # found again by an id that is no text
    with ldap.as_root(people.bed) as root:
        assert root.modify(dana, {"userAccountControl": [(ldap3.MODIFY_REPLACE, [514])]})
    eventually(lambda: _refused(nap), "the disabled account is out", within=5 * RECHECK + 2)
    people.logs_in(nap, "dana", "secret of dana", code=NOT_ALLOWED)


def test_a_server_that_knows_no_chains_of_groups_lets_nobody_in(people, dana):
    rule = "(member:1.2.840.113556.1.4.1941:={dn})"
    nap = people("dana", people.cluster("chain", group_filter=rule, **AD))
    ended = people.logs_in(nap, "dana", "secret of dana", code=NOT_ALLOWED)
    assert "dana is in none of the groups" in ended.errors[0]


def test_only_admins_set_hosts(people):
    for name in ("bob", "vic"):
        nap = people.in_session(name)
        nap("host", "ls")
        for words in (("cordon", "h1"), ("drain", "h1"), ("label", "h1", "a=b")):
            assert "this is for admins" in nap("host", *words, code=NOT_ALLOWED).errors[0]
    ada = people.in_session("ada")
    ada("host", "cordon", "h1")
    ada("host", "activate", "h1")


@pytest.fixture(scope="module")
def both(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    people = People(bed, tmp_path_factory.mktemp("both"))
    for name in ("bob", "carol"):
        nap = people.in_session(name)
        service = sleeper(command=f"sh -c 'echo this is {name}; sleep 1000000'")
        service["volumes"] = ["data:/data"]
        app = write_app(nap.home / "web.yml", {"web": service}, name="web", volumes={"data": {}})
        nap("up", "-f", app)
    for name in ("ada", "vic"):
        people.in_session(name)
    yield people
    for name in ("bob", "carol"):
        people(name)("down", "--volumes", "-p", "web")


class TestTwoWithOneName:
    """Bob and Carol each have an app `web` with a service `web`, and nothing of theirs meets."""

    def test_each_sees_their_own(self, both):
        for name in ("bob", "carol"):
            (row,) = both(name).rows("web").values()
            assert row["Name"] == f"{name}_web-web-1"
            assert f"this is {name}" in both(name)("logs", "web").out
            assert both(name)("ls", "-q").out.split() == ["web"]
            assert both(name)("volumes", "-q").out.split() == [f"{name}_web_data"]

    def test_each_finds_their_own_by_its_name_and_reaches_nothing_else(self, both):
        pings = {name: self.pings(both(name), "web") for name in ("bob", "carol")}
        for name, other in (("bob", "carol"), ("carol", "bob")):
            own = both(name)("exec", "-T", "web/web", "hostname", "-i").out.split()
            assert self.address(pings[name]) in own and " 0% packet loss" in pings[name]
            assert "100% packet loss" in self.pings(both(name), self.address(pings[other]))

    @staticmethod
    def pings(nap, whom):
        return nap("exec", "-T", "web/web", "sh", "-c", f"ping -c 1 -W 1 {whom} 2>&1 || true").out

    @staticmethod
    def address(ping):
        return re.search(r"\(([0-9.]+)\)", ping)[1]

    def test_nobody_else_sees_them_but_admins(self, both):
        assert both("vic")("ls", "-q").out == ""
        assert both("vic")("ps", "-q").out == ""
        assert both("ada")("ls", "-q").out.split() == ["bob/web", "carol/web"]
        assert "this is carol" in both("ada")("logs", "carol/web").out

    @pytest.mark.parametrize(
        "words",
        [
            ("logs", "carol/web"),
            ("stop", "carol/web/"),
            ("down", "carol/web"),
            ("history", "carol/web"),
            ("diff", "carol/web"),
            ("rollback", "carol/web"),
            ("exec", "carol/web/web", "id"),
            ("attach", "carol/web/web"),
            ("export", "carol/web/web", "-o", "x.tar"),
            ("cp", "carol/web/web:/etc/passwd", "x"),
            ("port", "carol/web/web", "80"),
            ("share", "carol/web", "bob"),
        ],
        ids=lambda words: words[0],
    )
    def test_another_ones_app_is_out_of_reach(self, both, words):
        code = 125 if words[0] in ("exec", "attach") else None
        for name in ("bob", "vic"):
            with both(name).start(*words) as running:
                ended = running.ended()
            assert ended.code in ((code,) if code else (NOT_ALLOWED, Exit.WRONG_USE)), ended
            assert "this is carol" not in ended.out
        (row,) = both("carol").rows("web").values()
        assert row["State"] == "running"

    def test_a_share_to_view_and_then_to_operate(self, both):
        carol, bob, vic = both("carol"), both("bob"), both("vic")
        carol("share", "web", "bob")
        assert bob("ls", "-q").out.split() == ["web", "carol/web"]
        assert "this is carol" in bob("logs", "carol/web").out
        assert "isn't yours to change" in bob("restart", "carol/web/", code=NOT_ALLOWED).errors[0]
        carol("share", "web", "@web", "--operate")  # bob's group
        carol("share", "web", "@nap-viewers", "--operate")
        bob("restart", "carol/web/")
        assert bob("exec", "carol/web/web", "echo", "hi").out == "hi\n"
        assert "this is carol" in vic("logs", "carol/web").out
        assert "changes nothing" in vic("restart", "carol/web/", code=NOT_ALLOWED).errors[0]
        rows = json.loads(carol("share", "web", "--format", "json").out)
        assert {row["grantee"]: row["access"] for row in rows} == {
            "bob": "view",
            "@web": "operate",
            "@nap-viewers": "operate",
        }
        for grantee in ("bob", "@web", "@nap-viewers"):
            carol("unshare", "web", grantee)
        assert bob("ls", "-q").out.split() == ["web"]

    def test_a_share_with_nobody_known_is_refused(self, both):
        ended = both("carol")("share", "web", "bbo", code=Exit.WRONG_USE)
        assert "did you mean bob?" in ended.err
        both("vic")("up", "-f", both("carol").home / "web.yml", code=NOT_ALLOWED)


class TestWhatUsersMayAsk:
    """Bob is a user: what would make him root on a host is refused, whichever way he asks."""

    @pytest.mark.parametrize(
        ("line", "where"),
        [
            ("privileged: true", "privileged"),
            ("volumes: ['/:/host']", "volumes"),
            ("pid: host", "pid"),
            ("cap_add: [SYS_ADMIN]", "cap_add"),
            ("security_opt: ['apparmor=unconfined']", "security_opt"),
        ],
    )
    def test_the_refusal_names_the_line(self, both, line, where):
        bob = both("bob")
        file = bob.home / "evil.yml"
        file.write_text(f"name: evil\nservices:\n  web:\n    image: busybox:1\n    {line}\n")
        ended = bob("up", "-f", file, code=NOT_ALLOWED)
        assert "evil.yml:5:" in ended.errors[0]
        assert f"services.web.{where}" in ended.errors[0]
        assert bob("ps", "-a", "-q", "-p", "evil").out == ""
        assert where in bob("config", "--check", "-f", file, code=Exit.WRONG_USE).out

    def test_nor_by_a_flag(self, both):
        bob = both("bob")
        app = bob.home / "web.yml"
        for flags in (("-v", "/:/host"), ("--cap-add", "SYS_ADMIN")):
            ended = bob("run", "-f", app, "--rm", *flags, "web", "id", code=Exit.NO_ANSWER)
            assert "not allowed" in ended.err
        ended = bob("exec", "--privileged", "web/web", "id", code=Exit.NO_ANSWER)
        assert "for admins only" in ended.err

    def test_nobody_gets_into_a_container_that_they_could_not_make(self, both):
        ada, bob = both("ada"), both("bob")
        file = write_app(
            ada.home / "tool.yml", {"web": sleeper(volumes=["/tmp:/host"])}, name="tool"
        )
        ada("up", "-f", file)
        try:
            ada("share", "tool", "bob", "--operate")
            for words in (("exec", "ada/tool/web", "id"), ("attach", "ada/tool/web")):
                assert "not allowed" in bob(*words, code=Exit.NO_ANSWER).err
            bob("export", "ada/tool/web", "-o", "x.tar", code=NOT_ALLOWED)
            (bob.home / "put.txt").write_text("put")
            for words in (
                ("cp", "ada/tool/web:/host", "got"),
                ("cp", "put.txt", "ada/tool/web:/host/put-by-bob"),
            ):
                assert "not allowed" in bob(*words, code=NOT_ALLOWED).err
            assert not (bob.home / "got").exists()
            assert not (bob.home / "x.tar").exists() or not (bob.home / "x.tar").stat().st_size
            bob("rollback", "ada/tool", code=Exit.FAILED)  # there is nothing to go back to
            bob("restart", "ada/tool/")
        finally:
            ada("down", "-p", "tool")
