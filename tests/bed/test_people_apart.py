"""What keeps people apart on shared hosts: private images, and what is an owner's own."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import ldap3
import pytest
import yaml
from docker import APIClient

from bed import busybox, docker_api, registry
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.exits import Exit
from tests.support import pages
from tests.support.apps import on_zone, sleeper, write_app
from tests.support.nap import Nap, eventually
from tests.support.people import People, in_group

pytestmark = pytest.mark.bed

NOT_ALLOWED = Exit.NOT_ALLOWED
ACCOUNT = {"username": "ada", "password": "s3cret"}
"""The registry's one account."""
LOGINS = "ada:$2b$05$.biy9MhPv1XusR.VZHXvhOt/XP5eRckGpcBRLcdFmWVccfktjku/y\n"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("apart", hosts=2, only=("hosts", "ldap", "registry")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture(scope="module")
def people(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> People:
    people = People(bed, tmp_path_factory.mktemp("people"))
    for name in ("ada", "bob", "carol"):
        people.in_session(name)
    return people


@pytest.fixture(scope="module")
def private(bed: Bed) -> str:
    """An image that its registry gives to one account, and that is on no host."""
    registry.stop(bed)
    registry.start(bed, logins=LOGINS)
    name = f"{bed.registry}/private/tool"
    file = tarfile.TarInfo("Dockerfile")
    text = b"FROM busybox:1\nRUN echo secret > /secret\n"
    file.size = len(text)
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        tar.addfile(file, io.BytesIO(text))
    context.seek(0)
    first = bed.hosts[0]
    with closing(APIClient(f"unix://{first.socket}", version="auto")) as engine:
        list(engine.build(fileobj=context, custom_context=True, tag=f"{name}:1", rm=True))
        pushed = engine.push(name, "1", stream=True, decode=True, auth_config=ACCOUNT)
        assert not [answer for answer in pushed if "error" in answer]
        engine.remove_image(f"{name}:1", force=True)
    return f"{name}:1"


QUICK = {"healthcheck": {"test": ["CMD", "true"], "interval": "1s"}}
"""It is well at once, so that nobody has to watch whether it stays up."""


def app_of(nap: Nap, name: str, image: str, **more: object) -> Path:
    return write_app(
        nap.home / f"{name}.yml", {"web": sleeper(image=image, **QUICK, **more)}, name=name
    )


def logs_in_at_registry(nap: Nap, bed: Bed, password: str, code: int = 0) -> list[str]:
    file = nap.home / "registry.password"
    file.write_text(password + "\n")
    ended = nap("registry", "login", bed.registry, "-u", ACCOUNT["username"], code=code,
                env={"NAP_REGISTRY_PASSWORD_FILE": str(file)})  # fmt: skip
    return ended.errors or ended.said


def containers(bed: Bed) -> int:
    return sum(len(docker_api.call(host, "GET", "/containers/json?all=1")) for host in bed.hosts)


def image_id(host: Host, name: str) -> str:
    return str(docker_api.call(host, "GET", f"/images/{name}/json")["Id"])


class TestAPrivateImage:
    """In the order in which it happens."""

    def test_without_a_login_it_is_not_to_be_had(self, people, bed, private):
        bob = people("bob")
        ended = bob("up", "-f", app_of(bob, "shop", private), code=Exit.FAILED)
        assert "can't be pulled" in ended.err
        assert "nap registry login" in ended.err
        assert containers(bed) == 0

    def test_a_login_that_the_registry_refuses_is_not_kept(self, people, bed, private):
        bob = people("bob")
        said = logs_in_at_registry(bob, bed, "wrong", code=NOT_ALLOWED)
        assert "doesn't take this login" in said[0]
        assert json.loads(bob("registry", "ls", "--format", "json").out) == []
        env = {"NAP_REGISTRY_PASSWORD_FILE": "/etc/hostname"}
        ended = bob("registry", "login", "-u", "x", "a b", code=Exit.WRONG_USE, env=env)
        assert "is no registry" in ended.err

    def test_with_one_the_owners_hosts_pull_it(self, people, bed, private):
        bob = people("bob")
        logs_in_at_registry(bob, bed, ACCOUNT["password"])
        bob("up", "-f", app_of(bob, "shop", private))
        (row,) = json.loads(bob("registry", "ls", "--format", "json").out)
        assert (row["user"], row["registry"], row["name"]) == ("bob", bed.registry, "ada")
        assert json.loads(people("carol")("registry", "ls", "--format", "json").out) == []
        assert len(json.loads(people("ada")("registry", "ls", "--format", "json").out)) == 1

    def test_the_password_rests_nowhere_in_clear(self, people, bed, private):
        kept = (bed.directory / "nap").rglob("*")
        text = ACCOUNT["password"].encode()
        assert not [file for file in kept if file.is_file() and text in file.read_bytes()]
        assert ACCOUNT["password"] not in people("ada")("audit", "--format", "json").out

    @pytest.mark.parametrize("how", ["name", "id", "digest"])
    def test_another_one_gets_it_from_no_host(self, people, bed, private, how):
        carol = people("carol")
        there = next(host for host in bed.hosts if _has(host, private))
        found = docker_api.call(there, "GET", f"/images/{private}/json")
        image = {"name": private, "id": found["Id"], "digest": found["RepoDigests"][0]}[how]
        before = containers(bed)
        app = app_of(carol, "spy", image)
        for words in (("up",), ("plan",), ("run", "web", "cat", "/secret")):
            ended = carol("-f", app, *words, code=NOT_ALLOWED if words[0] != "run" else 125)
            assert "came with somebody's login" in ended.err, ended
        assert containers(bed) == before

    def test_nor_by_a_build_that_begins_from_it(self, people, bed, private):
        carol = people("carol")
        build = {"dockerfile_inline": f"FROM {private}\nRUN cat /secret", "context": "."}
        file = write_app(carol.home / "built.yml", {"web": {"build": build}}, name="built")
        ended = carol("-f", file, "build", code=Exit.FAILED)
        assert "can't be built" in ended.err
        copies = {**build, "dockerfile_inline": f"FROM busybox:1\nCOPY --from={private} /secret /x"}
        write_app(file, {"web": {"build": copies}}, name="built")
        assert "can't be built" in carol("-f", file, "build", code=Exit.FAILED).err

    def test_what_it_was_shown_stands_while_the_registry_is_away(self, people, bed, private):
        ada, bob = people("ada"), people("bob")
        registry.stop(bed)
        try:
            (row,) = bob.rows("shop").values()
            ada("host", "drain", row["Host"])
            (moved,) = bob.rows("shop").values()
            assert (moved["State"], moved["Host"] != row["Host"]) == ("running", True)
            ada("host", "activate", row["Host"])
            bob("up", "-f", app_of(bob, "shop", private, environment={"NEW": "1"}))
            carol = people("carol")
            carol("up", "-f", app_of(carol, "spy", private), code=NOT_ALLOWED)
        finally:
            registry.start(bed, logins=LOGINS)

    def test_who_is_let_by_the_registry_gets_it_and_later_no_more(self, people, bed, private):
        carol = people("carol")
        logs_in_at_registry(carol, bed, ACCOUNT["password"])
        carol("up", "-f", app_of(carol, "spy", private))
        carol("registry", "logout", bed.registry)
        assert "you have no login" in carol("registry", "logout", bed.registry, code=2).err
        carol("up", "-f", app_of(carol, "spy", private))  # nothing is made
        app = app_of(carol, "spy", private, environment={"NEW": "1"})
        assert "came with somebody's login" in carol("up", "-f", app, code=NOT_ALLOWED).err
        (row,) = carol.rows("spy").values()
        assert row["State"] == "running"
        carol("down", "spy")
        people("bob")("down", "shop")

    def test_an_image_that_others_have_under_a_free_name_stays_free(self, people, bed, private):
        """Nobody makes an image theirs by pushing it to a private place."""
        bob, carol = people("bob"), people("carol")
        first = bed.hosts[0]
        name = f"{bed.registry}/private/busybox"
        with closing(APIClient(f"unix://{first.socket}", version="auto")) as engine:
            engine.tag("busybox:1", name, "1")
            pushed = engine.push(name, "1", stream=True, decode=True, auth_config=ACCOUNT)
            assert not [answer for answer in pushed if "error" in answer]
        bob("up", "-f", app_of(bob, "shop", f"{name}:1"))
        carol("up", "-f", app_of(carol, "free", "busybox:1"))
        carol("down", "free")
        bob("down", "shop")


def _has(host: Host, image: str) -> bool:
    return any(
        image in (each["RepoTags"] or ()) for each in docker_api.call(host, "GET", "/images/json")
    )


@pytest.fixture(scope="module")
def given(people: People) -> People:
    bob = people("bob")
    for name in ("shop", "other"):
        bob("up", "-f", TestAGivenApp.app(bob, name))
        bob("exec", f"{name}/web", "sh", "-c", f"echo {name} > /data/what")
    said = bob("app", "give", "shop", "carol").out
    assert "offered to carol" in said
    people("carol")(*said.split("nap ", 1)[1].split())
    return people


class TestAGivenApp:
    """It keeps its maker's name on the hosts, and reaches none of the maker's other apps."""

    @staticmethod
    def app(nap, name, *, volume="", network=""):
        mounts = ["data:/data", *(["theirs:/theirs"] if volume else [])]
        top = {"volumes": {"data": {}}, "networks": {"default": {}}}
        if volume:
            top["volumes"]["theirs"] = {"external": True, "name": volume}
        if network:
            top["networks"]["theirs"] = {"external": True, "name": network}
        nets = list(top["networks"])
        service = sleeper(volumes=mounts, networks=nets, **QUICK, **on_zone("a"))
        return write_app(nap.home / f"{name}.yml", {"web": service}, name=name, **top)

    @pytest.mark.parametrize("thing", ["volume", "network"])
    def test_neither_reaches_what_is_the_others(self, given, thing):
        bob, carol = given("bob"), given("carol")
        key = {"volume": "data", "network": "default"}[thing]
        ended = carol("up", "-f", self.app(carol, "shop", **{thing: f"other_{key}"}), code=4)
        assert f"the {thing} bob_other_{key} is bob/other's, and shop is carol's" in ended.err
        ended = bob("up", "-f", self.app(bob, "other", **{thing: f"shop_{key}"}), code=4)
        assert f"the {thing} bob_shop_{key} is carol/shop's, and other is bob's" in ended.err
        ended = bob("-f", self.app(bob, "third", **{thing: f"shop_{key}"}), "run", "web", "ls",
                    code=125)  # fmt: skip
        assert "is carol/shop's" in ended.err

    def test_its_own_and_what_is_the_owners_are_there_as_before(self, given):
        bob, carol = given("bob"), given("carol")
        carol("up", "-f", self.app(carol, "shop"))
        assert carol("exec", "shop/web", "cat", "/data/what").out == "shop\n"
        bob("up", "-f", self.app(bob, "third", volume="other_data", network="other_default"))
        assert bob("exec", "third/web", "cat", "/theirs/what").out == "other\n"
        bob("down", "-v", "third")
        bob("down", "-v", "other")
        carol("down", "-v", "shop")


class TestEverythingHasAnEnd:
    def test_what_a_file_says_nothing_of(self, people, bed):
        bob = people("bob")
        bob("up", "-f", app_of(bob, "plain", "busybox:1", tmpfs=["/fast"]))
        (row,) = bob.rows("plain").values()
        host = next(each for each in bed.hosts if each.name == row["Host"])
        there = docker_api.call(host, "GET", f"/containers/{row['ID']}/json")["HostConfig"]
        assert there["PidsLimit"] == 1024
        assert there["LogConfig"]["Config"] == {"max-file": "3", "max-size": str(10 << 20)}
        assert there["Tmpfs"] == {"/fast": f"size={1 << 30}"}
        endless = app_of(bob, "plain", "busybox:1", logging={"options": {"max-size": "2g"}})
        assert "which is the most" in bob("up", "-f", endless, code=NOT_ALLOWED).err
        bob("down", "plain")

    def test_who_asks_too_often_is_told_when_to_ask_again(self, people, bed):
        content = yaml.safe_load(bed.cluster_file.read_text())
        content["policy"] = {"changes": 2}
        file = bed.directory / "slow.yml"
        file.write_text(yaml.safe_dump(content))
        carol = people.in_session("carol", file)
        answers = [carol.start("restart", "nothing") for _ in range(4)]
        ended = []
        for each in answers:
            with each as running:
                ended.append(running.ended())
        refused = [each for each in ended if "changes in a minute" in each.err]
        assert refused, ended
        assert {each.code for each in refused} == {NOT_ALLOWED}
        assert "try again in " in refused[0].err
        ada = people.in_session("ada", file)
        for _ in range(8):
            ada("ps")
        for file in bed.directory.glob("nap/state/rates/*"):
            file.unlink()


class TestAnOwnerAsTheyAreToday:
    def test_who_is_no_admin_any_more_gets_nothing_made_that_only_admins_may(self, people, bed):
        ada, carol = people("ada"), people("carol")
        with in_group(bed, "nap-admins", "carol", ldap3.MODIFY_ADD):
            people.logs_in(carol, "carol")
            carol("up", "-f", app_of(carol, "mighty", "busybox:1", cpu_shares=512))
        (row,) = carol.rows("mighty").values()
        ended = ada("host", "drain", row["Host"], code=Exit.FAILED)
        ada("host", "activate", row["Host"])
        assert "services.web.cpu_shares: a weight against others' containers" in ended.err
        assert carol.ids("mighty") == {"web.1": row["ID"]}
        carol("down", "mighty")

    def test_who_has_left_has_apps_that_run_on_and_take_no_change(self, people, bed):
        ada, bob, carol = people("ada"), people("bob"), people("carol")
        bob("up", "-f", app_of(bob, "wiki", "busybox:1"))
        bob("share", "wiki", "carol", "--operate")
        carol("restart", "bob/wiki/")
        with in_group(bed, "nap-users", "bob", ldap3.MODIFY_DELETE):
            eventually(lambda: not _may(bob, "ps"), "bob is out")
            ended = carol("restart", "bob/wiki/", code=NOT_ALLOWED)
            assert "bob has left, so bob/wiki takes no change until it is handed over" in ended.err
            (row,) = ada.rows("bob/wiki/").values()
            assert "bob" in carol("logs", "bob/wiki").out
            ada("host", "drain", row["Host"])
            (moved,) = ada.rows("bob/wiki/").values()
            assert (moved["State"], moved["Host"] != row["Host"]) == ("running", True)
            ada("host", "activate", row["Host"])
            ada("app", "give", "bob/wiki", "carol")
            carol("restart", "wiki")
        carol("down", "wiki")
        people.logs_in(bob, "bob")


def _may(nap: Nap, *words: str) -> bool:
    with nap.start(*words) as running:
        return running.ended().code == 0


class TestSomeoneLeaves:
    """By the commands of the page for it, in its order."""

    @pytest.fixture
    def leaver(self, people, bed):
        ada, bob, carol = people("ada"), people("bob"), people("carol")
        people.logs_in(carol, "carol")
        people.logs_in(bob, "bob")
        (carol.home / "token").write_text("s3cret-token")
        service = sleeper(
            **QUICK,
            volumes=["data:/data"],
            secrets=["token"],
            environment={"DB_PASSWORD": "s3cret-db"},
        )
        service["x-nap"] = {"secret_env": ["DB_PASSWORD"]}
        top = {"volumes": {"data": {}}, "secrets": {"token": {"file": "./token"}}}
        file = write_app(carol.home / "market.yml", {"web": service}, name="market", **top)
        carol("up", "-f", file)
        carol("share", "market", "bob")
        secret = {"x-nap": {"secret_env": ["WIKI_PASSWORD"]}}
        bob("up", "-f", app_of(bob, "notes", "busybox:1",
                               environment={"WIKI_PASSWORD": "s3cret-wiki"}, **secret))  # fmt: skip
        bob("share", "notes", "carol", "--operate")
        logs_in_at_registry(carol, bed, ACCOUNT["password"])
        yield people
        ada("down", "-v", "bob/market")
        ada("down", "-v", "bob/notes")

    def commands(self) -> list[list[str]]:
        return [
            text.replace("shop", "market").removeprefix("nap ").split()
            for text in pages.texts("someone-leaves.md")
        ]

    def test_what_the_page_says_is_so(self, leaver, bed, private):
        ada, bob, carol = leaver("ada"), leaver("bob"), leaver("carol")
        before = carol.ids("market")
        assert "this is for admins" in bob("user", "offboard", "carol", "--keep", code=4).err
        said = [ada(*words) for words in self.commands()]
        first, _, moved = said[:3]
        assert "registry   " + bed.registry in first.out
        for line in (
            "app        carol/market: runs on (1 containers run)",
            "             volumes    carol_market_data",
            "             shared     bob (view)",
            "lent       bob/notes (operate)",
            "  carol/market: secret token",
            "  carol/market: environment DB_PASSWORD",
            f"  {bed.registry}: the account's password",
            "  bob/notes: environment WIKI_PASSWORD",
        ):
            assert line in first.out.splitlines()
        assert "nothing was done" in first.err
        assert "s3cret" not in "".join(each.out + each.err for each in said)
        assert "app        carol/market: is bob's now (1 containers run)" in moved.out
        assert "still in the directory" in moved.out
        # Nothing was restarted, and nobody else has it now.
        assert bob.ids("market") == before
        assert "aren't logged in" in carol("ps", code=NOT_ALLOWED).err
        leaver.logs_in(carol, "carol")
        carol("logs", "bob/market/web", code=NOT_ALLOWED)
        carol("restart", "bob/notes/", code=NOT_ALLOWED)
        kept = json.loads(ada("registry", "ls", "--format", "json").out)
        assert "carol" not in {row["user"] for row in kept}
        audit = ada("audit", "--format", "json").out
        for verb in ("user offboard", "app give", "app unshare"):
            assert verb in audit
        # It can be done again, and there is nothing more to do.
        again = ada("user", "offboard", "carol", "--to", "bob")
        assert "app        none is carol's" in again.out

    def test_what_can_not_go_is_said_before_anything_is_done(self, people, bed):
        ada, bob, carol = people("ada"), people("bob"), people("carol")
        people.logs_in(carol, "carol")
        for nap in (bob, carol):
            nap("up", "-f", app_of(nap, "same", "busybox:1"))
        ended = ada("user", "offboard", "carol", "--to", "bob", code=Exit.WRONG_USE)
        assert "bob has an app same already" in ended.err
        carol("ps")
        assert "nobody called nobody" in ada("user", "offboard", "nobody", "--keep", code=2).err
        assert "choose one" in ada("user", "offboard", "carol", "--keep", "--stop", code=2).err
        stopped = ada("user", "offboard", "carol", "--stop")
        assert "carol/same: is stopped" in stopped.out
        (row,) = ada.rows("carol/same/").values()
        assert row["State"] == "exited"
        for app in ("bob/same", "carol/same"):
            ada("down", "-v", app)
