"""What lies beside the Compose file, on real hosts: content, secrets, data, and where it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, docker_api, images
from bed.fixture import bring_up
from bed.layout import Bed, Host
from bed.namespaces import run_in
from nap_compose.exits import Exit
from tests.support.apps import Apps, on_zone, sleeper
from tests.support.hosts import everything, unchanged
from tests.support.nap import Nap

pytestmark = pytest.mark.bed

SECRET = "c0rrect-horse-battery"


@pytest.fixture(scope="module", params=["swarm", "consul"])
def bed(request: pytest.FixtureRequest) -> Iterator[Bed]:
    parts = ("hosts",) if request.param == "swarm" else ("hosts", "consul")
    with bring_up(f"files-{request.param}", network=request.param, only=parts) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


def inside(nap: Nap, app: str, service: str, *words: str) -> str:
    return nap("exec", "-T", f"{app}/{service}", *words).out


def reach(name: str) -> str:
    """What pings a name until it answers: hosts hear of each other's containers in a moment."""
    return f"for n in $(seq 30); do ping -c 1 -W 2 {name} && exit; sleep 1; done; exit 1"


def everything_told(bed: Bed, nap: Nap, app: str) -> str:
    """All that an engine shows of an app's containers, and all that nap wrote down of it."""
    shown: list[Any] = []
    for host in bed.hosts:
        for each in docker_api.call(host, "GET", "/containers/json", query={"all": "1"}):
            shown.append(docker_api.call(host, "GET", f"/containers/{each['Id']}/json"))
    kept = [path for path in bed.cluster_file.parent.joinpath("nap").rglob("*") if path.is_file()]
    kept += [path for path in nap.home.joinpath("state").rglob("*") if path.is_file()]
    text = b"".join(path.read_bytes() for path in kept).decode("latin-1")
    logs = nap("logs", app).out
    return json.dumps(shown) + text + logs


def test_content_and_secrets_are_where_their_container_is(
    bed: Bed, nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    (tmp_path / "html" / "deep").mkdir(parents=True)
    for number in range(1000):
        (tmp_path / "html" / f"page-{number}").write_text(f"page {number}")
    (tmp_path / "app.conf").write_text("colour=red\n")
    (tmp_path / "pw.txt").write_text(SECRET)
    services = {
        "web": sleeper(
            user="33:34",
            volumes=["./app.conf:/etc/app.conf", "./html:/html:ro"],
            secrets=[{"source": "pw", "mode": 0o400, "uid": "33", "gid": "34"}],
            configs=[{"source": "inline", "target": "/etc/inline", "mode": 0o444}],
            links=["db:database"],
            **on_zone("b"),
        ),
        "db": sleeper(**on_zone("c")),
        "key": sleeper(secrets=["pw"], **on_zone("c")),
    }
    top = {"secrets": {"pw": {"file": "./pw.txt"}}, "configs": {"inline": {"content": "x=1"}}}
    file = apps("site", services, **top)
    nap("up", "-f", file)
    assert inside(nap, "site", "web", "cat", "/run/secrets/pw") == SECRET
    assert inside(nap, "site", "web", "stat", "-c", "%a %u %g", "/run/secrets/pw") == "400 33 34\n"
    assert inside(nap, "site", "key", "stat", "-c", "%a %u", "/run/secrets/pw") == "444 0\n"
    assert inside(nap, "site", "web", "cat", "/etc/inline") == "x=1"
    assert len(inside(nap, "site", "web", "ls", "/html").split()) == 1001
    assert inside(nap, "site", "web", "cat", "/html/page-999") == "page 999"
    nap("exec", "-T", "site/web", "touch", "/html/new", code=1)
    nap("exec", "-T", "-u", "0", "site/web", "sh", "-c", reach("database"))
    for host in bed.hosts:
        on_disk = run_in(
            bed, host, "grep", "-rl", SECRET, "/var/lib/nap", capture_output=True
        ).stdout
        assert on_disk == "", f"{host.name} has the secret on its disk"
    assert SECRET not in everything_told(bed, nap, "site")

    before = nap.ids("site")
    with unchanged(bed.hosts):
        nap("up", "-f", file)
    (tmp_path / "app.conf").write_text("colour=blue\n")
    nap("up", "-f", file)
    after = nap.ids("site")
    assert {slot for slot in before if before[slot] != after[slot]} == {"web.1"}
    assert inside(nap, "site", "web", "cat", "/etc/app.conf") == "colour=blue\n"

    (tmp_path / "app.conf").unlink()
    nap("rollback", "site")
    assert inside(nap, "site", "web", "cat", "/etc/app.conf") == "colour=red\n"

    # A host that restarted has lost what lay in its memory: each verb that starts brings it again.
    for verb in ("start", "restart"):
        nap("stop", "site", "-t", "1")
        for host in bed.hosts:
            run_in(bed, host, "sh", "-c", "rm -rf /run/nap/secrets/*", check=True)
        nap(verb, "site")
        assert inside(nap, "site", "web", "cat", "/run/secrets/pw") == SECRET
        found = inside(nap, "site", "web", "stat", "-c", "%a %u %g", "/run/secrets/pw")
        assert found == "400 33 34\n"
        assert inside(nap, "site", "key", "cat", "/run/secrets/pw") == SECRET

    nap("down", "site", "-v", "-t", "1")
    for host in bed.hosts:
        found = run_in(
            bed, host, "find", "/var/lib/nap", "/run/nap", "-type", "f", "-size", "+0",
            capture_output=True,
        )  # fmt: skip
        assert found.stdout == ""


@pytest.mark.parametrize("bed", ["swarm"], indirect=True)
def test_what_former_revisions_had_is_pruned(
    bed: Bed, nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    (tmp_path / "pw.txt").write_text(SECRET)
    web = sleeper(volumes=["./app.conf:/etc/app.conf"], secrets=["pw"], **on_zone("b"))
    web["deploy"]["update_config"] = {"monitor": "0s", "order": "stop-first"}
    for number in range(1, 6):
        (tmp_path / "app.conf").write_text(f"a={number}")
        nap("up", "-f", apps("former", {"web": web}, secrets={"pw": {"file": "./pw.txt"}}))
    assert said_on(bed, bed.hosts[1]) == ["a=1", "a=2", "a=3", "a=4", "a=5"]
    line = f"files 2 of {nap.owner}/former on h2 (6B): "
    with unchanged(bed.hosts):
        assert files_pruned(nap, "--dry-run") == [f"{line}would go"]
    assert said_on(bed, bed.hosts[1]) == ["a=1", "a=2", "a=3", "a=4", "a=5"]
    assert files_pruned(nap) == [f"{line}removed"]
    assert said_on(bed, bed.hosts[1]) == ["a=3", "a=4", "a=5"]
    assert nap("prune", "--older-than", "0s").out == "nothing to remove\n"
    assert inside(nap, "former", "web", "cat", "/run/secrets/pw") == SECRET


def files_pruned(nap: Nap, *words: str) -> list[str]:
    """What pruning says of shipped files; images of other apps may go with them."""
    lines = nap("prune", "--older-than", "0s", *words).out.splitlines()
    return [line for line in lines if line.startswith("files ")]


def said_on(bed: Bed, host: Host) -> list[str]:
    """What the shipped `app.conf` of each revision says, as they lie on a host."""
    words = ("grep", "-rh", "^a=", "/var/lib/nap/files")
    return sorted(run_in(bed, host, *words, capture_output=True).stdout.split())


@pytest.mark.parametrize("bed", ["swarm"], indirect=True)
def test_a_container_outside_the_app_is_reached_by_a_link(bed: Bed, nap: Nap, apps: Apps) -> None:
    networks = {"shared": {"name": "shared", "external": True}}
    nap("up", "-f", apps("base", {"db": sleeper(networks=["shared"], **on_zone("a"))},
                         networks={"shared": {"name": "shared"}}))  # fmt: skip
    web = sleeper(networks=["shared"], external_links=["base-db-1:legacy"], **on_zone("b"))
    file = apps("user", {"web": web}, networks=networks)
    apps.files = dict(reversed(apps.files.items()))  # who uses the network goes first
    nap("up", "-f", file)
    inside(nap, "user", "web", "sh", "-c", reach("legacy"))


def test_what_can_not_be_brought_changes_nothing(
    bed: Bed, nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(b"x" * ((16 << 20) + 1))
    (tmp_path / "many").mkdir()
    for number in range(1001):
        (tmp_path / "many" / f"{number}").touch()
    file = apps(
        "bad",
        {
            "a": sleeper(volumes=["./none:/none:ro"]),
            "b": sleeper(volumes=["./large:/large"]),
            "c": sleeper(secrets=["unset"]),
        },
        secrets={"unset": {"environment": "NOT_SET_ANYWHERE"}},
    )
    with unchanged(bed.hosts):
        told = nap("up", "-f", file, code=Exit.WRONG_USE).err
        assert "none isn't there" in told
        assert "large is larger than nap takes along: 16MiB" in told
        assert '"NOT_SET_ANYWHERE" required by secret "unset" is not set' in told
        file = apps("bad", {"a": sleeper(volumes=["./many:/many"])})
        told = nap("up", "-f", file, code=Exit.WRONG_USE).err
        assert "1,000 files are the most" in told
        assert "x-nap" in told


def test_a_full_disk_is_said_and_taken_back(bed: Bed, nap: Nap, apps: Apps, tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(b"x" * (3 << 20))
    file = apps("full", {"web": sleeper(volumes=["./big.bin:/big"], **on_zone("b"))})
    host = bed.hosts[1]
    run_in(bed, host, "mkdir", "-p", "/var/lib/nap", check=True)
    run_in(bed, host, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/var/lib/nap", check=True)
    try:
        before = everything(bed.hosts)
        told = nap("up", "-f", file, code=Exit.FAILED).err
        assert "the disk is full" in told
        assert "docker system df" in told
        assert everything(bed.hosts) == before
    finally:
        run_in(bed, host, "umount", "/var/lib/nap", check=True)
    nap("up", "-f", file)
    assert inside(nap, "full", "web", "wc", "-c", "/big").split()[0] == str(3 << 20)


def test_a_host_without_memory_for_secrets_is_refused(
    bed: Bed, nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    (tmp_path / "pw.txt").write_text(SECRET)
    file = apps(
        "nomem",
        {"web": sleeper(secrets=["pw"], **on_zone("c"))},
        secrets={"pw": {"file": "./pw.txt"}},
    )
    host = bed.hosts[2]
    run_in(bed, host, "mkdir", "-p", "/run/nap/secrets", "/var/lib/on-disk", check=True)
    run_in(bed, host, "mount", "--bind", "/var/lib/on-disk", "/run/nap/secrets", check=True)
    try:
        assert "would lie on a disk" in nap("up", "-f", file, code=Exit.FAILED).err
        found = run_in(bed, host, "grep", "-r", SECRET, "/var/lib/on-disk", capture_output=True)
        assert found.stdout == ""
    finally:
        run_in(bed, host, "umount", "/run/nap/secrets", check=True)


def test_a_database_keeps_its_rows(bed: Bed, nap: Nap, apps: Apps, tmp_path: Path) -> None:
    """`./data` is filled once; a second `up` and a changed local file leave the rows alone."""
    images.load(bed.hosts[0], ["mariadb:10.11"])
    (tmp_path / "data").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "note").write_text("from the folder")
    db = {
        "image": "mariadb:10.11",
        "environment": {"MARIADB_ROOT_PASSWORD": "pw", "MARIADB_DATABASE": "shop"},
        "volumes": ["./data:/var/lib/mysql"],
        "healthcheck": {"test": ["CMD", "healthcheck.sh"], "interval": "1s", "retries": 120},
        **on_zone("a"),
    }
    notes = sleeper(volumes=["./notes:/notes"], **on_zone("b"))
    file = apps("rows", {"db": db, "notes": notes})
    nap("up", "-f", file)
    assert inside(nap, "rows", "notes", "cat", "/notes/note") == "from the folder"
    inside(nap, "rows", "notes", "sh", "-c", "echo -n written here > /notes/note")
    client = ("mariadb", "-uroot", "-ppw", "shop", "-Ne")
    inside(nap, "rows", "db", *client, "create table t (n int); insert into t values (42)")
    (tmp_path / "notes" / "note").write_text("changed since")
    (tmp_path / "data" / "ibdata1").write_text("never to be seen")
    nap("up", "-f", file)
    db["environment"]["ANOTHER"] = "one"  # so that the container is made anew
    notes["environment"] = {"ANOTHER": "one"}
    nap("up", "-f", apps("rows", {"db": db, "notes": notes}))
    assert inside(nap, "rows", "db", *client, "select n from t") == "42\n"
    assert inside(nap, "rows", "notes", "cat", "/notes/note") == "written here"
