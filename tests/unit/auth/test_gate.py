"""The gate: how old the directory's word may be, and what holds while it is away."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from nap_compose.auth.gate import Gate
from nap_compose.auth.ldap import DirectoryAway, WrongPassword
from nap_compose.auth.people import Person
from nap_compose.cluster.cluster import Cluster, Ldap, Logs
from nap_compose.errors import NotAllowed

GROUPS = {"admin": "cn=admins", "user": "cn=users"}
LDAP = Ldap(("ldaps://ldap.example",), "dc=example", roles=GROUPS)


BOB = Person("id-bob", "bob", "uid=bob", ("cn=users", "cn=web"))


@dataclass
class Scripted:
    """A directory of one person, that says how often it was asked."""

    bob: Person | None = BOB
    away: bool = False
    asked: int = 0

    def login(self, name: str, password: str) -> Person:
        if self.away:
            raise DirectoryAway("away")
        if self.bob is None or (name, password) != ("bob", "right"):
            raise WrongPassword("wrong")
        return self.bob

    def person(self, person_id: str) -> Person | None:
        self.asked += 1
        if self.away:
            raise DirectoryAway("away")
        return self.bob if self.bob and self.bob.id == person_id else None


@dataclass
class World:
    folder: Path
    directory: Scripted = field(default_factory=Scripted)
    now: float = 1_000_000.0
    enrolled: list[tuple[str, str]] = field(default_factory=list)

    def gate(self, token: str = "", caller: str = "sysbob", *, holds_keys: bool = False) -> Gate:
        def enrol(person: Person, role: str) -> str:
            self.enrolled.append((person.id, role))
            return "bob"

        cluster = Cluster("lab", {}, self.folder, Logs(self.folder), ldap=LDAP)
        return Gate(
            cluster,
            LDAP,
            caller,
            token,
            holds_keys=holds_keys,
            enrol=enrol,
            directory=self.directory,
            now=lambda: self.now,
        )

    def log_in(self) -> str:
        return self.gate().login("bob", "right").token


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_who_logged_in_is_who_the_directory_says(world: World) -> None:
    who = world.gate(world.log_in()).who(changing=True)
    assert (who.name, who.owner, who.role, who.by) == ("bob", "bob", "user", "directory")
    assert (who.id, who.groups) == ("id-bob", ("users", "web"))
    assert world.enrolled == [("id-bob", "user")]


def test_without_a_session_nobody_passes(world: World) -> None:
    for token in ("", "made-up"):
        with pytest.raises(NotAllowed, match="aren't logged in"):
            world.gate(token).who(changing=False)


@pytest.mark.parametrize(("changing", "after"), [(True, 60), (False, 300)])
def test_the_directory_is_asked_again_in_time(world: World, changing: bool, after: int) -> None:
    token = world.log_in()
    world.now += after - 1
    world.gate(token).who(changing=changing)
    assert world.directory.asked == 0
    world.now += 1
    world.gate(token).who(changing=changing)
    assert world.directory.asked == 1
    world.gate(token).who(changing=changing)
    assert world.directory.asked == 1


def test_who_is_gone_from_the_directory_is_out(world: World) -> None:
    token = world.log_in()
    world.directory.bob = None
    world.now += 60
    with pytest.raises(NotAllowed, match="no longer in the directory"):
        world.gate(token).who(changing=True)
    with pytest.raises(NotAllowed, match="aren't logged in"):
        world.gate(token).who(changing=False)


def test_who_left_the_groups_is_out(world: World) -> None:
    token = world.log_in()
    assert world.directory.bob
    world.directory.bob = replace(world.directory.bob, groups=("cn=web",))
    world.now += 60
    with pytest.raises(NotAllowed, match="none of the groups"):
        world.gate(token).who(changing=True)


def test_a_new_role_counts_at_the_next_change(world: World) -> None:
    token = world.log_in()
    assert world.directory.bob
    world.directory.bob = replace(world.directory.bob, groups=("cn=admins",))
    world.now += 60
    assert world.gate(token).who(changing=True).role == "admin"


def test_with_the_directory_away_looking_goes_on_for_a_while(world: World) -> None:
    token = world.log_in()
    world.directory.away = True
    world.now += 60
    with pytest.raises(DirectoryAway):
        world.gate(token).who(changing=True)
    world.now += 840
    assert world.gate(token).who(changing=False).name == "bob"
    world.now += 1
    with pytest.raises(DirectoryAway):
        world.gate(token).who(changing=False)


def test_a_clock_set_back_makes_no_old_word_new(world: World) -> None:
    token = world.log_in()
    world.now -= 1000
    world.gate(token).who(changing=False)
    assert world.directory.asked == 1


def test_logging_out_ends_it_for_every_copy(world: World) -> None:
    token = world.log_in()
    world.gate(token).logout()
    with pytest.raises(NotAllowed):
        world.gate(token).who(changing=False)


def test_logging_in_again_ends_the_session_before(world: World) -> None:
    first = world.log_in()
    world.gate(first).login("bob", "right")
    with pytest.raises(NotAllowed):
        world.gate(first).who(changing=False)


def test_a_name_that_is_somebody_elses_gets_no_session(world: World, tmp_path: Path) -> None:
    gate = world.gate()

    def enrol(person: Person, role: str) -> str:
        raise NotAllowed("the name belongs to somebody else")

    gate._enrol = enrol
    with pytest.raises(NotAllowed, match="somebody else"):
        gate.login("bob", "right")
    assert not list(tmp_path.glob("sessions/*"))


def test_a_name_is_tried_as_one_however_it_is_spelt(world: World) -> None:
    spelt = ("bob", " BOB", "bob\t", "\uff42\uff4f\uff42", "Bob \u00a0", "bob\u2003")
    refused = []
    for number, name in enumerate(spelt):
        with pytest.raises(NotAllowed) as told:  # each from another account on the machine
            world.gate(caller=f"sys{number}").login(name, "wrong")
        refused.append(str(told.value))
    assert refused == ["wrong"] * 3 + ["too many wrong passwords"] * 3


def test_only_who_holds_the_keys_gets_in_without_the_directory(world: World) -> None:
    world.directory.away = True
    with pytest.raises(NotAllowed, match="keys"):
        world.gate().login_locally()
    begun = world.gate(caller="root", holds_keys=True).login_locally()
    who = world.gate(begun.token, "root", holds_keys=True).who(changing=True)
    assert (who.name, who.role, who.by) == ("root", "admin", "local")
    with pytest.raises(NotAllowed):
        world.gate(begun.token, "root").who(changing=False)
    world.now += 3600
    with pytest.raises(NotAllowed, match="over"):
        world.gate(begun.token, "root", holds_keys=True).who(changing=True)
