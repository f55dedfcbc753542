"""A control machine, its database and Consul's keys are lost and brought back from a backup, by the
commands of the page about it; a newer nap's state is only read."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, consul_acl, consul_api, containers, hosts, ldap
from bed.fixture import bring_up
from bed.layout import Bed
from nap_compose.cluster import config, state_keys
from nap_compose.cluster.state_format import FORMAT
from nap_compose.cluster.stores import open_store
from nap_compose.exits import Exit
from tests.bed.test_nap_records import emptied
from tests.support.apps import Apps, sleeper, write_app
from tests.support.control_machine import ControlMachine
from tests.support.figures import Figure
from tests.support.hosts import inspect, unchanged
from tests.support.nap import PROGRAM, Nap, eventually
from tests.support.pages import texts
from tests.support.watching import FAILOVER, count, known, serving, watching

pytestmark = pytest.mark.bed

ROOT = Path(__file__).parents[2]
OF_A_SYSTEM = ("systemctl", "setup-control", "ssh ")
"""What the commands of a page ask of a machine as a whole, which a test doesn't change."""


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("backup", only=("hosts", "consul", "mariadb", "ldap", "moosefs")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture
def nap(bed: Bed, tmp_path: Path) -> Nap:
    """Bob's nap, on the bed's own cluster file."""
    return somebody(bed, "bob", tmp_path / "home", bed.cluster_file)


@pytest.fixture
def control(bed: Bed, tmp_path: Path) -> ControlMachine:
    machine = ControlMachine(tmp_path / "control")
    machine.make(bed, failover=FAILOVER, policy={"capabilities": ["NET_ADMIN"]})
    return machine


def somebody(bed: Bed, name: str, home: Path, cluster: Path) -> Nap:
    """A person who has just logged in, with a new home."""
    home.mkdir(parents=True)
    password = home.with_suffix(".password")
    password.write_text(ldap.password_of(bed, name))
    password.chmod(0o600)
    nap = Nap(home, cluster)
    nap("login", env={"NAP_USER": name, "NAP_PASSWORD_FILE": str(password)})
    return nap


def web(home: Path, colour: str, **more: Any) -> Path:
    (home / "settings").write_text(f"colour = {colour}\n")
    (home / "pw").write_text("s3cret-of-bob")
    service = sleeper(
        restart="always",
        stop_grace_period="1s",
        deploy={"replicas": 3, "update_config": {"parallelism": 0, "order": "stop-first"}},
        environment={"COLOUR": colour},
        volumes=["./settings:/settings:ro"],
        secrets=["pw"],
        **more,
    )
    return write_app(
        home / "shop.yml", {"web": service}, name="shop", secrets={"pw": {"file": "./pw"}}
    )


def begun(bed: Bed, nap: Nap) -> dict[str, str]:
    """When each replica's process began, as the engines say."""
    rows = nap.rows("bob/shop")
    return {slot: inspect(bed, row)["State"]["StartedAt"] for slot, row in rows.items()}


def lose(bed: Bed, control: ControlMachine, *homes: Path) -> None:
    """The control machine, the database, what Consul has of nap, and people's own files."""
    control.folder.rename(control.folder.with_name("gone"))
    emptied(bed)
    token = consul_acl.token(bed, consul_acl.MANAGEMENT)
    consul_api.call(bed, bed.hosts[0], "DELETE", "/v1/kv/nap/?recurse", token=token)
    for home in homes:
        shutil.rmtree(home)


PREVIOUS = """
import nap_compose.compose.hashing as hashing
digest = hashing._digest
hashing._digest = lambda value: "0:" + digest({"made": "otherwise", **value})
from nap_compose.cli.main import main
main()
"""
"""A nap that makes its hashes in another way."""


def test_what_the_previous_nap_made_stays_as_it_is(bed: Bed, nap: Nap, apps: Apps) -> None:
    web = sleeper(volumes=["data:/data"], configs=["settings"], deploy={"replicas": 2})
    more = {"volumes": {"data": {"driver": "moosefs"}}, "configs": {"settings": {"content": "a"}}}
    file = apps("before", {"web": web, "other": sleeper()}, **more)
    subprocess.run(
        [sys.executable, "-c", PREVIOUS, "up", "-f", file], env=nap.env, cwd=nap.home, check=True
    )
    hashes = [
        inspect(bed, row)["Config"]["Labels"]["com.docker.compose.config-hash"]
        for row in nap.rows("before").values()
    ]
    assert [each[:2] for each in hashes] == ["0:"] * 3
    with unchanged(bed.hosts):
        assert "nothing to do" in nap("up", "-f", file).out
    ids = nap.ids("before")
    more["configs"]["settings"]["content"] = "b"
    nap("up", "-f", apps("before", {"web": web, "other": sleeper()}, **more))
    changed = {slot for slot, id_ in nap.ids("before").items() if ids[slot] != id_}
    assert changed == {"web.1", "web.2"}


def test_a_host_is_upgraded_and_a_call_that_stopped_goes_on(
    bed: Bed, nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    ada = somebody(bed, "ada", tmp_path / "ada", bed.cluster_file)
    nap("up", "-f", apps("walk", {"web": sleeper(deploy={"replicas": 3}, stop_grace_period="1s")}))
    host = nap.rows("walk")["web.1"]["Host"]
    ran = tmp_path / "ran"
    upgrade = ("host", "upgrade", host, "--wait-timeout", "5s", "--")
    failed = ada(*upgrade, "sh", "-c", f"echo $NAP_HOST >> {ran}; exit 3", code=Exit.FAILED)
    assert "ended with code 3" in failed.err and ran.read_text() == f"{host}\n"
    assert {row["Host"] for row in nap.rows("walk").values()}.isdisjoint({host})
    assert "upgrade   begun" in ada("host", "inspect", host).out
    cut = f"echo again >> {ran}; cd {ROOT} && {sys.executable} -m bed partition --name {bed.name}"
    away = ada(*upgrade, "sh", "-c", f"{cut} $NAP_HOST", code=Exit.FAILED)
    assert "so it stays drained" in away.err
    hosts.heal(bed, bed.host(host))
    for command in texts("upgrade.md", "The hosts' engines"):
        control = ControlMachine(bed.directory)
        words = command.replace("h1 --", f"{host} --").replace("inspect h1", f"inspect {host}")
        said = control.shell(words, ada, file=bed.cluster_file)
        if " upgrade " in command:
            assert f"{host} is active" in said and "its command ran already" in said
    assert ran.read_text() == f"{host}\nagain\n", "what came to a good end ran once"
    assert "upgrade" not in ada("host", "inspect", host).out
    assert len(nap.rows("walk")) == 3


FILL = (
    "mkdir -p d/e; echo kept > d/x; chown -R 33:44 d; chmod 700 d/e; ln -s /etc l;"
    "dd if=/dev/urandom of=big bs=1M count=5 2>/dev/null; ln big hard"
)
TELL = (
    "for each in $(find . | sort); do stat -c '%n %F %a %u %g' $each; done;"
    "readlink l; sha256sum big hard d/x"
)
HOOKED = {
    "backup": {
        "before": ["sh", "-c", "echo before >> /log; tee /local/state /moosefs/state < /log"],
        "after": "sh -c 'echo after >> /log'",
    }
}
KINDS = ("local", "moosefs")
"""Of volumes, and the names that they have here."""


def test_volumes_are_saved_and_come_back(bed: Bed, nap: Nap, apps: Apps, tmp_path: Path) -> None:
    """On one host's disk and on the storage of all, of one container."""
    volumes = {kind: {"driver": kind} for kind in KINDS}
    web = sleeper(volumes=[f"{kind}:/{kind}" for kind in KINDS])
    file = apps("vol", {"web": {**web, "x-nap": HOOKED}}, volumes=volumes)
    nap("up", "-f", file)
    for kind in KINDS:
        there_and_back(bed, nap, kind, tmp_path / f"{kind}.tar")
        assert "nothing to do" in nap("up", "-f", file).out
    hooks = {"x-nap": {"backup": {"before": "false", "after": "touch /after"}}}
    changed = {**web, **hooks, "environment": {"COLOUR": "blue"}}
    nap("up", "-f", apps("vol", {"web": changed}, volumes=volumes))
    saved = tmp_path / "unhooked.tar"
    failed = nap("volume", "backup", "vol/local", saved, code=Exit.FAILED)
    assert "ended with code 1" in failed.err and not saved.exists()
    nap("exec", "-T", "vol/web", "ls", "/after")  # what was begun is undone
    nap("volume", "backup", "vol/local", saved, "--no-hooks")


def there_and_back(bed: Bed, nap: Nap, kind: str, saved: Path) -> None:
    """One volume, by the commands of the page; in between it is emptied."""
    (row,) = nap.rows("vol").values()

    def inside(command: str) -> str:
        words = ("sh", "-c", f"cd /{kind}; {command}")
        return containers.execute(bed.host(row["Host"]), row["ID"], *words)[1]

    save, restore = (
        text.replace("shop/data", f"vol/{kind}").replace("data.tar", str(saved)).split()[1:]
        for text in texts("backup.md", "Volumes")
    )
    inside(f"rm /log; {FILL}")
    assert "written" in nap(*save).out
    assert inside("cat /log state").split() == ["before", "after", "before"]
    listed = subprocess.run(["tar", "tf", saved], check=True, capture_output=True, text=True)
    assert "volume/d/x" in listed.stdout, "any tar reads it"
    before = inside(TELL)
    inside("rm -r d big; echo new > new")
    changed = inside(TELL)
    assert changed != before

    # The two ways to the hosts' disks part after this; each is shown one fault.
    whole, is_local = saved.read_bytes(), kind == "local"
    bad = saved.with_suffix(".bad")
    bad.write_bytes(whole[:-1] if is_local else whole[:3_000_000] + b"\xff" + whole[3_000_001:])
    nap("volume", "restore", f"vol/{kind}", bad, "-y", "--stop", code=Exit.WRONG_USE)
    if is_local:
        assert "nobody is there to agree" in nap(*restore, code=Exit.UNANSWERED).err
        without = [word for word in restore if word != "--stop"]
        assert "uses" in nap(*without, "-y", code=Exit.FAILED).err
    assert inside(TELL) == changed, "and the container is the same"
    if is_local:
        nap(*restore, "-y")
    else:
        words = ["-" if word == str(saved) else word for word in restore]
        with saved.open("rb") as stdin:
            subprocess.run([PROGRAM, *words, "-y"], stdin=stdin, env=nap.env, check=True)
    (row,) = nap.rows("vol").values()
    assert inside(TELL) == before


def test_all_is_lost_and_comes_back_and_nothing_is_restarted(
    bed: Bed, control: ControlMachine, tmp_path: Path, figure: Figure
) -> None:
    bob = somebody(bed, "bob", tmp_path / "bob", control.file)
    bob("up", "-f", web(bob.home, "red", cap_add=["NET_ADMIN"]))
    bob("up", "-f", web(bob.home, "green"))
    history = bob("history", "shop").out
    root = Nap(tmp_path, control.file)
    said = ""
    for command in texts("backup.md", "Setting it up"):
        if not any(each in command for each in OF_A_SYSTEM):
            said = control.shell(_of(control, command), root)
    assert "is whole" in said and "files" in said
    archive = shutil.copy(_newest(control), tmp_path / "archive")
    shutil.copy(control.etc / "backup.key", tmp_path / "backup.key")
    key = ("--key-file", tmp_path / "backup.key")
    assert b"s3cret-of-bob" not in Path(archive).read_bytes()
    assert "is alive" in root("backup", "restore", archive, code=Exit.UNANSWERED).err
    before = begun(bed, bob)

    with unchanged(bed.hosts):
        lose(bed, control, bob.home)
        new = ControlMachine(tmp_path / "new")
        new.folder.mkdir()
        cut = tmp_path / "cut"
        cut.write_bytes(Path(archive).read_bytes()[:-100])
        Nap(tmp_path)("--cluster", new.file, "backup", "restore", cut, *key, code=Exit.WRONG_USE)
        assert not new.etc.exists()
        for name in ("archive", "backup.key"):
            shutil.copy(tmp_path / name, new.folder)
        (restore,) = [
            each for each in texts("backup.md", "The control machine is lost")
            if "nap backup restore" in each
        ]  # fmt: skip
        began = time.monotonic()
        said = new.shell(restore.replace(restore.split()[3], "archive"), Nap(tmp_path))
        figure(f"from an archive to a control machine: {time.monotonic() - began:.1f} s")
        assert "newer than the backup" not in said
    ada = somebody(bed, "ada", tmp_path / "ada", new.file)
    assert begun(bed, ada) == before, "nothing was restarted"
    assert _untimed(ada("history", "bob/shop").out) == _untimed(history)
    ada("audit", "verify")
    for command in texts("upgrade.md", "The program"):
        new.shell(command, ada)
    new.change(lambda content: content.pop("policy"))
    bob = somebody(bed, "bob", tmp_path / "bob2", new.file)
    refused = bob("rollback", "shop", "1", code=Exit.NOT_ALLOWED)
    assert "NET_ADMIN" in refused.err, "the policy of today holds for what was restored"

    newer = {"keys": FORMAT + 1}
    with closing(open_store(config.read(new.file))) as store:
        store.put(state_keys.FORMAT, newer)
    with unchanged(bed.hosts):
        for words in (("stop", "shop"), ("down", "shop"), ("restart", "shop")):
            assert "this one only reads" in bob(*words, code=Exit.FAILED).err
        assert len(bob.rows("shop")) == 3
        assert _untimed(bob("history", "shop").out) == _untimed(history)
    token = consul_acl.token(bed, consul_acl.MANAGEMENT)
    consul_api.call(bed, bed.hosts[0], "DELETE", "/v1/kv/nap/v1/format", token=token)
    shutil.rmtree(bob.home)
    with watching(ada) as watcher:
        known(ada, "shop", 3)
        slot, row = next(iter(ada.rows("bob/shop").items()))
        hosts.kill(bed, bed.host(row["Host"]))
        watcher.until(f"{slot} was made on", f"since {row['Host']} is lost", within=120)
        eventually(lambda: count(serving(bed, ada, "shop", "web")) == 3, "three", within=60)
        made = ada.rows("bob/shop")[slot]
        assert "s3cret-of-bob" in _seen(ada, slot, "/run/secrets/pw")
        assert "colour = green" in _seen(ada, slot, "/settings")
        assert made["Host"] != row["Host"]


def _of(control: ControlMachine, command: str) -> str:
    """The same about the archive that there is."""
    words = [
        str(_newest(control)) if word.endswith(".napbackup") else word
        for word in command.split(" ")
    ]
    return " ".join(words)


def _newest(control: ControlMachine) -> Path:
    return sorted((control.folder / "backups").glob("*.napbackup"))[-1]


def _seen(nap: Nap, slot: str, path: str) -> str:
    service, _, number = slot.partition(".")
    return nap("exec", "-T", f"bob/shop/{service}.{number}", "cat", path).out


def _untimed(history: str) -> list[list[str]]:
    """Its rows without how long ago they were."""
    return [line.split()[:2] for line in history.splitlines()]
