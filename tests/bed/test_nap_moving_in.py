"""Apps that the real Compose started on a host move into the cluster with their data, and back."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bed import busybox, docker_api, ldap
from bed.fixture import bring_up
from bed.images import delivery
from bed.layout import Bed
from nap_compose.exits import Exit
from tests.peer.compose import program
from tests.support.apps import sleeper, write_app
from tests.support.figures import Figure
from tests.support.nap import Nap, eventually

pytestmark = [
    pytest.mark.bed,
    pytest.mark.skipif(program() is None, reason="the real Compose isn't installed"),
]

PAGE = Path(__file__).parents[2] / "docs" / "moving-in.md"
HOST = "h2"


@dataclass
class Compose:
    """The real Compose on one host's own engine."""

    bed: Bed
    folder: Path

    def __call__(self, *words: str | Path) -> str:
        env = {
            "HOME": str(self.folder),
            "PATH": os.defpath,
            "DOCKER_HOST": f"unix://{self.bed.host(HOST).socket}",
        }
        done = subprocess.run(
            [str(program()), *words],
            cwd=self.folder,
            env=env,
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("moving-in", hosts=2, only=("hosts", "ldap")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        delivery.load(bed.host(HOST), ["mariadb:10.11"])
        yield bed


@pytest.fixture
def compose(bed: Bed, tmp_path: Path) -> Compose:
    return Compose(bed, tmp_path)


def logged_in(bed: Bed, folder: Path, name: str) -> Nap:
    home = folder / name
    home.mkdir()
    secret = home / "password"
    secret.write_text(ldap.password_of(bed, name))
    secret.chmod(0o600)
    nap = Nap(home, bed.cluster_file)
    nap("login", env={"NAP_USER": name, "NAP_PASSWORD_FILE": str(secret)})
    return nap


@pytest.fixture
def ada(bed: Bed, tmp_path: Path) -> Nap:
    return logged_in(bed, tmp_path, "ada")


def writer(folder: Path, name: str = "notes", **service: object) -> Path:
    """An app that keeps a file in a volume."""
    return write_app(
        folder / f"{name}.yml",
        {"web": sleeper(volumes=["data:/data"], restart="always", **service)},
        name=name,
        volumes={"data": {}},
    )


def states(bed: Bed) -> dict[str, str]:
    """The containers of the host's own Compose, with their states."""
    listed = docker_api.call(bed.host(HOST), "GET", "/containers/json", query={"all": "1"})
    return {
        each["Names"][0].lstrip("/"): each["State"]
        for each in listed
        if not each["Labels"].get("io.nap.app")
    }


def volumes(bed: Bed) -> set[str]:
    listed = docker_api.call(bed.host(HOST), "GET", "/volumes")["Volumes"] or ()
    return {each["Name"] for each in listed}


def test_the_page_does_what_it_says(bed: Bed, ada: Nap, compose: Compose, figure: Figure) -> None:
    text = PAGE.read_text()
    file = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert file
    (compose.folder / "compose.yml").write_text(file[1])
    (ada.home / "compose.yml").write_text(file[1])
    said = {}
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for where, line in re.findall(r"^(h2)?\$ (.*)$", block, re.M):
            command, _, remark = line.partition("  # ")
            code = int(re.sub(r"\D", "", remark) or 0)
            words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', command)]
            if where:
                assert words[:2] == ["docker", "compose"]
                said[line] = compose(*words[2:])
            else:
                assert words[0] == "nap"
                said[line] = ada(*words[1:], code=code).out
    for sentence in re.findall(r".*it was down for .*", "\n".join(said.values())):
        figure(sentence)
    counted = next(out for line, out in said.items() if "count(*)" in line)
    assert counted.split()[-1] == "4", "three rows of before, and one from the cluster"
    assert set(states(bed)) == set(), "it stays, and nothing of the old is left"
    assert ada.rows("shop")["db.1"]["Host"] == HOST
    rows = ada("exec", "shop/db", "mariadb", "-psecret", "shop", "-Ne", "select count(*) from sold")
    assert rows.out.split() == ["4"]
    ada("down", "-v", "shop")
    assert "shop_data" not in volumes(bed), "it is the app's own by now"


def test_it_is_moved_in_for_a_user_and_theirs_from_then_on(
    bed: Bed, ada: Nap, compose: Compose, tmp_path: Path
) -> None:
    file = writer(tmp_path)
    compose("-f", file, "up", "-d")
    compose("-f", file, "exec", "-T", "web", "sh", "-c", "echo kept > /data/note")
    bob = logged_in(bed, tmp_path, "bob")
    refused = bob("adopt", "-f", file, "--host", HOST, "-y", code=Exit.NOT_ALLOWED)
    assert "this is for admins" in refused.err
    unanswered = ada("adopt", "-f", file, "--host", HOST, "--owner", "bob", code=Exit.UNANSWERED)
    assert "nothing was done" in unanswered.err
    assert states(bed) == {"notes-web-1": "running"}
    ada("adopt", "-f", file, "--host", HOST, "--owner", "bob", "-y")
    assert states(bed) == {"notes-web-1": "exited"}
    assert bob("exec", "notes/web", "cat", "/data/note").out == "kept\n"
    # A change of bob's own passes the policy, which no other name of a volume would.
    bob("up", "-f", writer(tmp_path, environment={"A": "1"}))
    assert bob("exec", "notes/web", "sh", "-c", "echo more >> /data/note; echo $A").out == "1\n"
    bob("volume", "backup", "notes/data", bob.home / "notes.tar")
    assert b"kept\nmore\n" in (bob.home / "notes.tar").read_bytes(), "beside the old container"
    stolen = write_app(
        tmp_path / "thief.yml",
        {"web": sleeper(volumes=["data:/data"])},
        name="thief",
        volumes={"data": {"external": True, "name": "notes_data"}},
    )
    assert "bob_notes_data" in bob("up", "-f", stolen, code=Exit.FAILED).err
    assert "is kept and needs its volumes" in bob("down", "-v", "notes", code=Exit.FAILED).err
    assert "for admins" in bob("adopt", "--back", "notes", "-y", code=Exit.NOT_ALLOWED).err
    ada("adopt", "--back", "bob/notes", "-y")
    assert states(bed) == {"notes-web-1": "running"}
    assert compose("-f", file, "exec", "-T", "web", "cat", "/data/note") == "kept\nmore\n"
    told = docker_api.call(bed.host(HOST), "GET", "/containers/notes-web-1/json")
    assert told["HostConfig"]["RestartPolicy"]["Name"] == "always"
    compose("-f", file, "down", "-v")


def test_what_does_not_get_well_runs_as_before(
    bed: Bed, ada: Nap, compose: Compose, tmp_path: Path
) -> None:
    file = writer(tmp_path)
    compose("-f", file, "up", "-d")
    ill = {"healthcheck": {"test": ["CMD", "false"], "interval": "200ms", "retries": 2}}
    ended = ada("adopt", "-f", writer(tmp_path, **ill), "--host", HOST, "-y", code=Exit.FAILED)
    assert f"notes runs on {HOST} again, as before" in ended.err
    assert states(bed) == {"notes-web-1": "running"}
    assert ada.rows("notes") == {}
    compose("-f", file, "down", "-v")


def test_fresh_begins_beside_it_and_anonymous_volumes_are_not_left_unasked(
    bed: Bed, ada: Nap, compose: Compose, tmp_path: Path
) -> None:
    file = writer(tmp_path)
    compose("-f", file, "up", "-d")
    refused = ada("up", "-f", file, code=Exit.FAILED).err
    assert f"nap adopt --host {HOST}" in refused and "--fresh" in refused
    ada("up", "-f", file, "--fresh")
    assert states(bed) == {"notes-web-1": "running"}
    assert "notes_data" in volumes(bed)
    assert "already" in ada("adopt", "-f", file, "--host", HOST, "-y", code=Exit.WRONG_USE).err
    ada("down", "-v", "notes")
    compose("-f", file, "down", "-v")
    bare = write_app(tmp_path / "bare.yml", {"web": sleeper(volumes=["/data"])}, name="bare")
    compose("-f", bare, "up", "-d")
    words = ("adopt", "-f", bare, "--host", HOST, "-y")
    assert "in an anonymous volume" in ada(*words, code=Exit.FAILED).err
    ada(*words, "--leave-anonymous")
    ada("adopt", "--done", "bare")
    ada("down", "-v", "bare")
    assert states(bed) == {}


def test_one_that_was_cut_off_goes_on_or_back(
    bed: Bed, ada: Nap, compose: Compose, tmp_path: Path
) -> None:
    file = writer(tmp_path, init=False, stop_grace_period="4s", command="sleep 1000000")
    compose("-f", file, "up", "-d")
    words = ("adopt", "-f", file, "--host", HOST, "-y")

    def cut_off() -> None:
        with ada.start(*words) as moving:
            moving.until("notes-web-1 on h2: stopping")
            moving.signal(signal.SIGKILL)

    def goes(*words: str | Path) -> bool:
        with ada.start(*words) as again:
            ended = again.ended()
        assert ended.code in (0, Exit.LOCKED), ended
        return ended.code == 0

    cut_off()
    assert "hasn't moved in yet" in ada("adopt", "--done", "notes", code=Exit.WRONG_USE).err
    eventually(lambda: goes("adopt", "--back", "notes", "-y"), "it is back", within=120)
    assert states(bed) == {"notes-web-1": "running"}
    cut_off()
    eventually(lambda: goes(*words), "it has moved in", within=120)
    assert ada.rows("notes")["web.1"]["State"] == "running"
    assert states(bed) == {"notes-web-1": "exited"}
    ada("adopt", "--done", "notes")
    ada("down", "-v", "notes")
    assert "notes_data" not in volumes(bed)
