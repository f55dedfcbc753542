"""Two processes: people call nap, and an account that they can't be holds the keys."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bed import busybox, ldap
from bed.fixture import bring_up
from bed.layout import Bed
from bed.namespaces import run_in
from nap_compose.control.connect import _THROUGH_SUDO
from nap_compose.exits import Exit
from tests.support import machine as machines
from tests.support import over_ssh
from tests.support.figures import Figure
from tests.support.forwarding import echoed, forwarded
from tests.support.machine import Machine
from tests.support.nap import eventually
from tests.support.over_ssh import Desk, Door
from tests.support.pages import scripts

pytestmark = pytest.mark.bed

APP = """\
name: web
services:
  web:
    image: busybox:1
    init: true
    command: sh -c 'echo hello; sleep 1000000'
    configs: [greeting]
    volumes: ["data:/data"]
configs: {greeting: {file: ./greeting.txt}}
volumes: {data: {}}
"""


def quick_app(name: str) -> str:
    """The same under another name, well at once: nobody has to watch whether it stays up."""
    well = 'image: busybox:1\n    healthcheck: {test: ["CMD", "true"], interval: 1s}'
    return APP.replace("name: web", f"name: {name}").replace("image: busybox:1", well)


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("broker", hosts=2, only=("hosts", "ldap")) as bed:
        for host in bed.hosts:
            busybox.load(host, "busybox:1")
        yield bed


@pytest.fixture(scope="module")
def control(bed: Bed) -> Iterator[Machine]:
    """The control machine, set up for the bed, with Bob, Carol and Mallory on it."""
    with machines.machine() as made:
        folder = made.folder
        file = yaml.safe_load(bed.cluster_file.read_text())
        file |= {"state_dir": "/var/lib/nap", "logs": {"dir": "/var/log/nap"}}
        staged = folder / "staged"
        shutil.copytree(bed.directory / "tls", staged / "tls")
        shutil.copytree(
            bed.directory / "ldap", staged / "ldap", ignore=shutil.ignore_patterns("data")
        )
        (staged / "nap").mkdir()
        shutil.copy(bed.directory / "nap" / "secrets.key", staged / "nap" / "secrets.key")
        (staged / "cluster.yml").write_text(yaml.safe_dump(file))
        _copy_into(made, staged, "/etc/nap")
        first = made.nap("root", "cluster", "setup-control")
        assert "made the account nap" in first.err
        made.add("bob", "nap-users")
        made.add("carol", "nap-users")
        made.add("mallory")
        for name in ("bob", "carol"):
            made.nap(name, "login", name, "--password-stdin", stdin=ldap.password_of(bed, name))
        yield made


def _copy_into(made: Machine, source: Path, target: str) -> None:
    tar = subprocess.run(["tar", "-C", source, "-c", "."], check=True, stdout=subprocess.PIPE)
    made.must("mkdir", "-p", target)
    subprocess.run(
        ["nsenter", "--target", str(made.pid), "--mount", "--", "tar", "-C", target, "-x"],
        check=True,
        input=tar.stdout,
    )
    shutil.rmtree(source)


@pytest.fixture(scope="module")
def app(control: Machine) -> Path:
    """Bob's app, brought up through the broker."""
    home = control.home("bob")
    control.write("bob", "app.yml", APP)
    control.write("bob", "greeting.txt", "good morning\n")
    control.nap("bob", "up", "-f", "app.yml")
    return home / "app.yml"


def test_setting_up_again_changes_nothing(control: Machine) -> None:
    assert control.nap("root", "cluster", "setup-control").out == "nothing to do\n"
    assert control.must("stat", "-c", "%U %a", "/etc/nap/cluster.yml") == "nap 600\n"
    assert control.must("stat", "-c", "%U %a", "/etc/nap") == "nap 700\n"
    assert control.must("stat", "-c", "%U %a", "/etc/sudoers.d/nap") == "root 440\n"
    control.must("visudo", "--check", "--quiet")


def test_only_root_sets_it_up(control: Machine) -> None:
    control.nap("bob", "cluster", "setup-control", code=Exit.NOT_ALLOWED)


def test_people_read_nothing_of_the_keys(control: Machine) -> None:
    for user in ("bob", "mallory"):
        for path in (
            "/etc/nap",
            "/etc/nap/cluster.yml",
            "/etc/nap/nap/secrets.key",
            "/var/lib/nap",
        ):
            assert control.run("ls", path, user=user).out == ""
            assert control.run("cat", path, user=user).code


def test_who_is_in_no_group_can_not_start_it(control: Machine) -> None:
    ended = control.nap("mallory", "ps", code=Exit.NOT_ALLOWED)
    assert "the broker can't be started" in ended.err


def test_sudo_lets_nobody_start_anything_else(control: Machine) -> None:
    for words in (
        [*_THROUGH_SUDO, "--cluster", "/tmp/x"],
        [*_THROUGH_SUDO, ""],
        ["sudo", "-n", "-u", "nap", "id"],
        ["sudo", "-n", "id"],
        ["sudo", "-n", "-u", "nap", "PYTHONPATH=/tmp", *_THROUGH_SUDO[-1:]],
    ):
        ended = control.run(*words, user="bob")
        assert ended.code != 0, words
        assert "uid=" not in ended.out


def test_who_asks_is_who_logged_in(control: Machine) -> None:
    who = json.loads(control.nap("bob", "whoami", "--format", "json").out)
    assert (who["name"], who["role"], who["by"]) == ("bob", "user", "directory")
    control.nap("bob", "login", "--local", code=Exit.NOT_ALLOWED)
    # Another account can't use the token, wherever it has it from.
    token = control.must("cat", control.home("bob") / ".local/state/nap/session")
    control.run("mkdir", "-p", ".local/state/nap", user="carol")
    before = control.must("cat", control.home("carol") / ".local/state/nap/session")
    control.write("carol", ".local/state/nap/session", token)
    control.nap("carol", "whoami", code=Exit.NOT_ALLOWED)
    control.write("carol", ".local/state/nap/session", before)
    control.nap("carol", "whoami")


def test_the_main_job_through_the_broker(control: Machine, app: Path) -> None:
    (row,) = (
        json.loads(line)
        for line in control.nap("bob", "ps", "web", "--format", "json").out.splitlines()
    )
    assert row["Name"] == "bob_web-web-1"
    assert "hello" in control.nap("bob", "logs", "web").out
    assert control.nap("bob", "exec", "web/web", "cat", "/greeting").out == "good morning\n"
    assert control.nap("bob", "exec", "-T", "web/web", "cat", stdin="typed").out == "typed"
    assert control.nap("bob", "exec", "web/web", "sh", "-c", "exit 7", code=7).out == ""
    control.write("bob", "up.txt", "going up")
    control.nap("bob", "cp", "up.txt", "web/web:/data/up.txt")
    control.nap("bob", "cp", "web/web:/data/up.txt", "down.txt")
    assert control.run("cat", "down.txt", user="bob").out == "going up"
    assert control.nap("bob", "run", "-f", app, "--rm", "web", "echo", "one").out == "one\n"
    assert "nothing to do" in control.nap("bob", "up", "-f", app).out
    assert "bob" in control.nap("bob", "history", "web").out
    control.nap("bob", "restart", "-f", app)
    assert control.nap("carol", "ps", "-q").out == ""
    control.nap("carol", "logs", "bob/web/", code=Exit.NOT_ALLOWED)


def test_a_big_stream_arrives_whole(control: Machine, app: Path) -> None:
    count = control.nap(
        "bob", "exec", "-T", "web/web", "sh", "-c", "head -c 30000000 /dev/zero | tr '\\0' x"
    ).out
    assert len(count) == 30_000_000
    ended = control.nap("bob", "exec", "-T", "web/web", "wc", "-c", stdin="y" * 5_000_000)
    assert ended.out.strip() == "5000000"


def test_a_volume_is_saved_and_brought_back_and_control_state_is_not(
    control: Machine, app: Path
) -> None:
    control.nap("bob", "exec", "-T", "web/web", "sh", "-c", "echo kept > /data/row")
    control.nap("bob", "volume", "backup", "web/data", "data.tar")
    control.nap("bob", "exec", "-T", "web/web", "rm", "/data/row")
    control.nap("bob", "volume", "restore", "web/data", "data.tar", "--stop", "-y")
    assert control.nap("bob", "exec", "-T", "web/web", "cat", "/data/row").out == "kept\n"
    control.nap("carol", "volume", "backup", "bob/web/data", "d.tar", code=Exit.NOT_ALLOWED)
    refused = control.nap("bob", "backup", "create", "all", code=Exit.WRONG_USE)
    assert "it is made by who has them" in refused.err
    assert control.run("ls", user="bob").out.split().count("all") == 0
    made = control.must("find", "/etc/systemd/system", "-name", "nap-backup.*")
    assert len(made.split()) in (0, 2), "where there is systemd, a unit and its timer"


def test_a_port_of_a_container_is_reached_through_the_broker(
    control: Machine, app: Path, figure: Figure
) -> None:
    listen = ("nc", "-ll", "-p", "9000", "-e", "cat")
    control.nap("bob", "exec", "-d", "web/web", *listen)
    with forwarded(control.start("bob", "port-forward", "web/web", ":9000")) as (port,):
        took = echoed(port, 64 << 20)
        figure(f"64 MiB there and back in {took:.1f} s")
    refused = control.nap("carol", "port-forward", "bob/web/web", ":9000", code=Exit.NOT_ALLOWED)
    assert "isn't yours to change" in refused.err


def test_nothing_of_the_persons_environment_gets_behind_the_border(control: Machine) -> None:
    control.write("bob", "evil.py", "raise SystemExit('evil ran')\n")
    control.write("bob", "sitecustomize.py", "import evil\n")
    home = str(control.home("bob"))
    python = machines.PROGRAM.with_name("python")
    ran = control.run(python, "-c", "", user="bob", env={"PYTHONPATH": home})
    assert "evil ran" in ran.err, "a Python that takes the variable runs it"
    env = {
        "PYTHONPATH": home,
        "PYTHONSTARTUP": f"{home}/evil.py",
        "PYTHONHOME": home,
        "DOCKER_HOST": "tcp://127.0.0.1:1",
        "LD_PRELOAD": f"{home}/none.so",
        "BASH_ENV": f"{home}/evil.py",
        "ENV": f"{home}/evil.py",
        "SUDO_UID": "0",
        "SUDO_USER": "root",
        "CONSUL_HTTP_TOKEN": "x",
        "LDAPCONF": f"{home}/evil.py",
        "SSL_CERT_FILE": f"{home}/evil.py",
    }
    # Without nap between: what a person could start by hand.
    for name, value in env.items():
        ended = control.run(*_THROUGH_SUDO, user="bob", stdin="", env={name: value})
        assert (ended.code, ended.out) == (0, ""), (name, ended)
    del env["PYTHONPATH"], env["PYTHONHOME"], env["PYTHONSTARTUP"], env["LD_PRELOAD"]
    who = json.loads(control.nap("bob", "whoami", "--format", "json", env=env).out)
    assert (who["name"], who["role"]) == ("bob", "user")
    # A cluster file of one's own is read by oneself, and has no keys.
    control.nap("bob", "ps", env={"NAP_CLUSTER": "/etc/nap/cluster.yml"}, code=Exit.WRONG_USE)


TAKES_ALL_SEATS = """
import sys
from nap_compose import broker
from nap_compose.auth import seats
while seats.take(broker.SEATS, "bob"):
    pass
print("taken", flush=True)
sys.stdin.read()
"""


def test_of_one_persons_brokers_there_are_only_so_many(control: Machine) -> None:
    python = machines.PROGRAM.with_name("python")
    argv = [*control.inside("nap"), python, "-c", TAKES_ALL_SEATS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline() == "taken\n"
        refused = control.nap("bob", "ps", code=Exit.NOT_ALLOWED)
        assert refused.errors == ["nap: 32 of yours are at work already, which is the most"]
        control.nap("carol", "ps")
        busy.communicate()
    control.nap("bob", "ps")


BY_HAND = """
import os
from nap_compose.border import DownRequest, QuotaChange, Target, UpRequest
from nap_compose.compose.model import App
from nap_compose.control.connect import connect
from nap_compose.errors import BadFiles, NapError
from nap_compose.exits import Exit

class Finishes:
    level = 0

def model(**spec):
    web = {"image": "busybox:1", "command": ["sleep", "1000"], **spec}
    return App.of({"name": "evil", "services": {"web": web}})

def up(**spec):
    control.up(UpRequest(model(**spec)), print, Finishes())

control = connect(None, dict(os.environ))
mount = {"type": "bind", "source": "/", "target": "/host"}
for call in (
    lambda: up(privileged=True),
    lambda: up(volumes=[mount]),
    lambda: up(pid="host"),
    lambda: up(cap_add=["SYS_ADMIN"]),
    lambda: up(labels={"traefik.enable": "true"}),
    lambda: control.down(DownRequest("web", "carol"), print, Finishes()),
    lambda: control.take_app(Target("web", "carol")),
    lambda: control.set_quota(QuotaChange("bob", {"containers": None})),
):
    try:
        call()
    except (NapError, BadFiles) as refusal:
        print("refused:" if refusal.exit_code == Exit.NOT_ALLOWED else "failed:", refusal)
control.close()
"""


def test_what_is_sent_by_hand_gets_no_further(control: Machine) -> None:
    """A model that no `nap` read or judged, and calls that it wouldn't make, at the real broker."""
    control.write("bob", "by_hand.py", BY_HAND)
    python = machines.PROGRAM.with_name("python")
    ended = control.run(python, "by_hand.py", user="bob")
    assert ended.code == 0, ended.err
    assert [line.partition(":")[0] for line in ended.out.splitlines()] == ["refused"] * 8, ended.out
    assert control.nap("bob", "ps", "-a", "-q", "-p", "evil").out == ""


PARCELS = """
import hashlib, io, os, tarfile
from pathlib import Path
from nap_compose.border import UpRequest
from nap_compose.compose import beside, loader, parcels
from nap_compose.compose.model import App
from nap_compose.control.connect import connect
from nap_compose.errors import NapError

class Finishes:
    level = 0

def made(*entries):
    told = []
    for name, kind, leads_to in entries:
        body = hashlib.sha256(b"").hexdigest() if kind == file else leads_to
        mode = 0 if kind == link else 0o755
        told.append(parcels.Entry(name, words[kind], mode, 0, 0, body))
    return tar(*entries), parcels.digest(told)

def tar(*entries):
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, kind, leads_to in entries:
            head = tarfile.TarInfo(name)
            head.type, head.linkname, head.mode = kind, leads_to, 0o755
            archive.addfile(head)
    return whole.getvalue()

link, folder, file = tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.REGTYPE
words = {link: "link", folder: "folder", file: "file"}
to_the_root = made(("content", link, "/"))
beside_others = made(
    ("content", folder, ""), ("content/x", link, "../../.."), ("content/x/carol_web", file, "")
)
os.makedirs("parcel", exist_ok=True)
found = loader.load([Path("parcel.yml").absolute()], env={})
seen = beside.survey(
    found.app, env={}, relative=found.relative, ships=True, digests=lambda piece: ""
)
((key, told),) = seen.app.content.items()
control = connect(None, dict(os.environ))
for each, digest in (to_the_root, beside_others):
    content = {key: {**told, "digest": digest}}
    app = App.of(seen.app.document, seen.app.working_dir, seen.app.files, (), content)
    try:
        control.up(UpRequest(app, supply=lambda key: each), print, Finishes())
        print("taken")
    except NapError as refusal:
        print("refused:", refusal)
control.close()
"""


def test_a_parcel_made_by_hand_leads_nowhere_on_a_host(control: Machine, bed: Bed) -> None:
    """What is brought to a host is unpacked beside others' files, and mounted from there."""
    service = "{image: 'busybox:1', command: sleep 1000, volumes: ['./parcel:/k:ro']}"
    control.write("bob", "parcel.yml", f"name: parcel\nservices: {{web: {service}}}\n")
    control.write("bob", "parcels.py", PARCELS)
    ended = control.run(machines.PROGRAM.with_name("python"), "parcels.py", user="bob")
    assert ended.code == 0, ended.err
    refused = [line for line in ended.out.splitlines() if line.startswith(("refused", "taken"))]
    assert len(refused) == 2 and all("isn't taken" in line for line in refused), ended.out
    assert control.nap("bob", "ps", "-a", "-q", "-p", "parcel").out == ""
    for host in bed.hosts:
        find = ("sh", "-c", "find /var/lib/nap/files -type l -o -name 'carol*'")
        found = run_in(bed, host, *find, capture_output=True, check=False)
        assert found.stdout == "", host.name


@pytest.mark.parametrize(
    "words",
    [
        ("config", "-f", "/etc/nap/cluster.yml"),
        ("up", "-f", "/etc/nap/nap/secrets.key"),
        ("--env-file", "/etc/nap/nap/secrets.key", "config"),
        ("--project-directory", "/etc/nap", "config"),
        ("config", "-f", "link"),
        ("--env-file", "link", "config"),
        ("cp", "/etc/nap/nap/secrets.key", "web/web:/data/k"),
        ("cp", "-L", "link", "web/web:/data/k"),
        ("cp", "-L", "folder", "web/web:/data/k"),
        ("cp", "-a", "folder/nap", "web/web:/data/k"),
        ("up", "--plan", "link"),
    ],
    ids=" ".join,
)
def test_files_of_the_account_can_not_be_had_by_name(control: Machine, app: Path, words) -> None:
    _link(control)
    ended = control.run(machines.PROGRAM, *words, user="bob")
    assert ended.code
    _holds_no_key(control, ended.out + ended.err)
    there = control.nap("bob", "exec", "-T", "web/web", "ls", "-R", "/data").out
    assert "secrets" not in there


def test_a_link_that_is_copied_as_one_leads_nowhere(control: Machine, app: Path) -> None:
    _link(control)
    control.nap("bob", "cp", "link", "web/web:/data/copied")
    ended = control.run(
        machines.PROGRAM, "exec", "-T", "web/web", "cat", "/data/copied", user="bob"
    )
    assert ended.code
    _holds_no_key(control, ended.out + ended.err)


@pytest.mark.parametrize(
    "words",
    [
        ("config", "-f", "app.yml", "-o", "/etc/nap/made"),
        ("config", "-f", "app.yml", "-o", "link"),
        ("config", "-f", "app.yml", "-o", "folder/made"),
        ("plan", "-f", "app.yml", "-o", "link"),
        ("cp", "web/web:/etc/passwd", "link"),
        ("cp", "web/web:/etc/passwd", "folder/made"),
        ("cp", "web/web:/etc/passwd", "/var/lib/nap/made"),
        ("export", "web/web", "-o", "link"),
    ],
    ids=" ".join,
)
def test_nothing_of_the_account_is_written(control: Machine, app: Path, words) -> None:
    _link(control)
    sums = ("sh", "-c", "find /etc/nap /var/lib/nap/secrets* -type f -exec md5sum {} + | sort")
    before = control.run(*sums).out
    assert "secrets.key" in before
    control.run(machines.PROGRAM, *words, user="bob")
    assert control.run(*sums).out == before


def test_nobody_makes_another_name_for_a_key(control: Machine) -> None:
    assert control.run("ln", "/etc/nap/nap/secrets.key", "hard", user="bob").code
    for variable, words in (
        ("NAP_PASSWORD_FILE", ("login", "bob")),
        ("NAP_REGISTRY_PASSWORD_FILE", ("registry", "login", "-u", "x", "registry.example")),
    ):
        env = {variable: "/etc/nap/nap/secrets.key"}
        ended = control.run(machines.PROGRAM, *words, user="bob", env=env)
        assert ended.code == Exit.WRONG_USE
        assert "can't be read" in ended.err


@pytest.mark.parametrize(
    "lines",
    [
        "env_file: [/etc/nap/nap/secrets.key]",
        "extends: {file: /etc/nap/cluster.yml, service: web}",
        "label_file: [/etc/nap/nap/secrets.key]",
        "env_file: [link]",
        "volumes: ['./link:/k:ro']",
        "security_opt: ['seccomp=/etc/nap/cluster.yml']",
        "volumes: ['./folder:/k:ro']",
        "volumes: ['./folder:/k']",
        "extends: {file: link, service: web}",
        "label_file: [link]",
        "build: {context: /etc/nap, dockerfile_inline: 'FROM busybox:1\\nCOPY . /k'}",
        "build: {context: folder, dockerfile_inline: 'FROM busybox:1\\nCOPY . /k'}",
        "build: {context: ., dockerfile: /etc/nap/nap/secrets.key}",
        "build: {context: ., dockerfile: link}",
        "build: {context: ., additional_contexts: {k: /etc/nap}}",
        "build: {context: 'file:///etc/nap'}",
    ],
)
def test_nor_by_what_a_file_names(control: Machine, lines: str) -> None:
    _link(control)
    image = "" if lines.startswith("build") else "image: busybox:1"
    text = f"name: spy\nservices:\n  web:\n    {image}\n    {lines}\n"
    control.write("bob", "spy.yml", text)
    ended = control.run(machines.PROGRAM, "up", "-f", "spy.yml", user="bob")
    assert ended.code
    _holds_no_key(control, ended.out + ended.err)


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {image: busybox:1, configs: [k]}}\nconfigs: {k: {file: KEY}}",
        "services: {web: {image: busybox:1, secrets: [k]}}\nsecrets: {k: {file: KEY}}",
        "services: {web: {image: busybox:1}}\ninclude: [KEY]",
        "services: {web: {image: busybox:1}}\ninclude: [{path: app.yml, env_file: KEY}]",
    ],
)
@pytest.mark.parametrize("path", ["/etc/nap/nap/secrets.key", "link", "folder/nap/secrets.key"])
def test_nor_by_what_stands_beside_services(control: Machine, text: str, path: str) -> None:
    _link(control)
    control.write("bob", "spy.yml", f"name: spy\n{text.replace('KEY', path)}\n")
    ended = control.run(machines.PROGRAM, "up", "-f", "spy.yml", user="bob")
    assert ended.code
    _holds_no_key(control, ended.out + ended.err)


def _link(control: Machine) -> None:
    """Two links of Bob's: to the key, and to the folder around it."""
    control.run("ln", "-sfn", "/etc/nap/nap/secrets.key", "link", user="bob")
    control.run("ln", "-sfn", "/etc/nap", "folder", user="bob")


def _holds_no_key(control: Machine, text: str) -> None:
    assert control.must("cat", "/etc/nap/nap/secrets.key").strip() not in text


@pytest.fixture(scope="module")
def kept(control: Machine) -> str:
    """The file in which a line of Bob's app `told` is kept, with all that stands beside it."""
    control.write("bob", "told.yml", quick_app("told"))
    control.write("bob", "greeting.txt", "good morning\n")
    control.nap("bob", "up", "-f", "told.yml")
    control.must("install", "-d", "-o", "nap", control.home("nap"))
    control.nap("nap", "logs", "collect", "--once")
    (file,) = control.must("find", "/var/log/nap/bob/told/services", "-name", "*.log").split()
    assert "hello" in control.must("cat", file)
    return file


LOOKS = (
    ("logs", "bob/told"),
    ("logs", "bob/told", "--deploy"),
    ("logs", "bob/told", "--containers", "--tail", "1"),
    ("logs", "search", "bob/told", "hello"),
    ("logs", "stats", "bob/told"),
    ("logs", "status", "bob/told"),
)

FORGED_LOOKS = """
import os
from nap_compose.border import LogRequest, SearchRequest, Target
from nap_compose.control.connect import connect
from nap_compose.errors import NapError

control = connect(None, dict(os.environ))
for target in (
    Target("told", "bob"),
    Target("told", "bob", "web", 1),
    Target("../bob/told"),
    Target("told", "carol/../bob"),
    Target("told", "carol", "../../../bob/told/services/web"),
    Target("", "bob"),
    Target("told", "BOB"),
):
    lines = LogRequest(target, services=(target.service,) if target.service else ())
    for call in (
        lambda: list(control.logs(lines, print)),
        lambda: list(control.search(SearchRequest(lines, "hello"), print)),
        lambda: control.count_lines(SearchRequest(lines), print).rows,
        lambda: control.kept_services(target),
        lambda: control.collected(target).rows,
    ):
        try:
            print("had:", target, call())
        except NapError as refusal:
            print("refused:", refusal)
control.close()
"""


class TestAnothersKeptLogs:
    """What is kept of what Bob's containers printed, and what Carol gets of it; in turn."""

    def test_by_name_it_is_refused(self, control: Machine, kept: str) -> None:
        for asked in LOOKS:
            ended = control.nap("carol", *asked, code=Exit.NOT_ALLOWED)
            assert "bob/told isn't yours to view" in ended.errors[0], asked
            assert not ended.out
        for spelled in ("told", "bob_told"):
            ended = control.nap("carol", "logs", "search", spelled, "hello", code=Exit.FAILED)
            assert f"nothing is kept of what {spelled} printed" in ended.errors[0]
        control.nap("carol", "logs", "../bob/told", code=Exit.WRONG_USE)

    def test_what_is_sent_by_hand_gets_no_more(self, control: Machine, kept: str) -> None:
        control.write("carol", "looks.py", FORGED_LOOKS)
        ended = control.run(machines.PROGRAM.with_name("python"), "looks.py", user="carol")
        assert ended.code == 0, ended.err
        told = ended.out.splitlines()
        assert len(told) == 35 and all(line.startswith("refused:") for line in told), ended.out

    def test_nor_does_who_looks_on_the_disk(self, control: Machine, kept: str) -> None:
        assert control.must("stat", "-c", "%U %a", kept) == "nap 640\n"
        assert control.must("stat", "-c", "%a", "/var/log/nap") == "700\n"
        for path in (kept, *map(str, Path(kept).parents[:5])):
            for words in (("cat", path), ("ls", path), ("grep", "-r", "hello", path)):
                ended = control.run(*words, user="carol")
                assert ended.code and not ended.out, (words, ended)

    def test_a_share_to_view_makes_it_possible_until_it_is_taken_back(
        self, control: Machine, kept: str
    ) -> None:
        control.nap("bob", "share", "told", "carol")
        for asked in LOOKS:
            assert "web" in control.nap("carol", *asked).out, asked
        control.nap("bob", "unshare", "told", "carol")
        for asked in LOOKS[2:4]:
            assert not control.nap("carol", *asked, code=Exit.NOT_ALLOWED).out

    def test_the_same_goes_for_an_app_that_is_gone(self, control: Machine, kept: str) -> None:
        control.nap("bob", "down", "told", "--volumes")
        gone = ("logs", "search", "bob/told", "hello")
        assert control.nap("carol", *gone, code=Exit.NOT_ALLOWED).out == ""
        assert control.nap("carol", "logs", "bob/told", code=Exit.NOT_ALLOWED).out == ""
        assert "hello" in control.nap("bob", "logs", "search", "told", "hello").out
        control.nap("bob", "share", "told", "carol")
        assert "hello" in control.nap("carol", *gone).out
        control.nap("bob", "unshare", "told", "carol")
        assert control.nap("carol", *gone, code=Exit.NOT_ALLOWED).out == ""


@pytest.fixture(scope="module")
def door(control: Machine, bed: Bed) -> Iterator[Door]:
    """The control machine's sshd, set up as the docs have it for who is to have nap alone."""
    (conf,) = scripts("people.md", "From another machine")
    with over_ssh.sshd(control, bed.control_ip, conf) as made:
        yield made


@pytest.fixture(scope="module")
def desk(bed: Bed, door: Door) -> Iterator[Desk]:
    with over_ssh.desk(bed, bed.hosts[0], door) as made:
        yield made


class TestFromAnotherMachine:
    """Bob at his own desk, through a real sshd; in the order in which it happens."""

    def test_a_machine_that_can_not_be_told_is_told_nothing(self, desk: Desk) -> None:
        unknown = desk.nap("ps", code=Exit.NOT_ALLOWED)
        assert "the control machine's key isn't known" in unknown.errors[0]
        assert "`ssh -n bob@control true`" in unknown.err
        desk.knows_the_machine()

    def test_a_key_that_opens_nothing(self, desk: Desk, door: Door) -> None:
        shut = desk.nap("ps", code=Exit.NOT_ALLOWED)
        assert "the control machine doesn't let you in" in shut.errors[0]
        door.lets_in("bob", desk.key)
        assert "nap login" in desk.nap("ps", code=Exit.NOT_ALLOWED).err, "there is no session yet"

    def test_the_main_job(self, desk: Desk, bed: Bed) -> None:
        password = ldap.password_of(bed, "bob")
        desk.nap("login", "bob", "--password-stdin", stdin=password)
        desk.machine.write("bob", "app.yml", quick_app("far"))
        desk.machine.write("bob", "greeting.txt", "good evening\n")
        desk.nap("up", "-f", "app.yml")
        assert json.loads(desk.nap("ps", "far", "--format", "json").out)["State"] == "running"
        assert "hello" in desk.nap("logs", "far").out
        assert desk.nap("exec", "far/web", "cat", "/greeting").out == "good evening\n"
        assert desk.nap("exec", "-T", "far/web", "sh", "-c", "exit 7", code=7).out == ""
        assert desk.nap("exec", "-T", "far/web", "cat", stdin="typed").out == "typed"
        assert "there is no app none" in desk.nap("logs", "none", code=Exit.WRONG_USE).err

    def test_files_go_there_and_back_byte_for_byte(self, desk: Desk, figure: Figure) -> None:
        desk.run("sh", "-c", "head -c 8388608 /dev/urandom > sent")
        began = time.monotonic()
        desk.nap("cp", "sent", "far/web:/data/kept")
        desk.nap("cp", "far/web:/data/kept", "back")
        figure(f"8 MiB there and back over ssh in {time.monotonic() - began:.1f} s")
        assert desk.run("cmp", "sent", "back").code == 0
        assert desk.run("stat", "-c", "%s", "back").out == "8388608\n"

    def test_what_ssh_brings_along_ends_before_the_broker_and_so_does_ctrl_c(
        self, desk: Desk, door: Door
    ) -> None:
        door.lets_in("mallory", desk.key)
        theirs = desk.run("ssh", "-l", "mallory", "control", "env").out.splitlines()
        assert set(over_ssh.SENT) <= set(theirs), "sshd takes them"
        following = desk.start("logs", "-f", "far")
        try:
            assert following.stdout is not None
            assert any("hello" in line for line in iter(following.stdout.readline, ""))
            (broker,) = door.brokers()
            kept = Path(f"/proc/{broker}/environ").read_bytes().split(b"\0")
            assert [each.partition(b"=")[0] for each in kept if each] == [b"SUDO_UID"]
            following.send_signal(signal.SIGINT)
            assert following.wait(machines.PATIENCE) == Exit.INTERRUPTED
        finally:
            following.kill()
            following.communicate()
        eventually(lambda: not door.brokers(), "it has ended too")

    def test_ssh_opens_nothing_but_the_broker(self, desk: Desk, door: Door) -> None:
        assert "(mallory)" in desk.run("ssh", "-l", "mallory", "control", "id").out
        for words in (
            ("control", "id"),
            ("-T", "control"),
            ("control", *_THROUGH_SUDO, "--cluster", "/tmp/x"),
            ("-s", "control", "sftp"),
        ):
            ended = desk.run("ssh", *words)
            assert (ended.code, ended.out) == (0, ""), (words, ended)
        assert not desk.run("ssh", "-tt", "control").out, "there is no terminal to be had"
        through = ("-W", f"{door.address}:{door.port}", "control")
        assert "SSH-2.0" in desk.run("ssh", "-l", "mallory", *through).out
        ended = desk.run("ssh", *through)
        assert ended.code and not ended.out, ended

    def test_a_way_that_breaks_off_and_one_that_is_gone(self, desk: Desk, door: Door) -> None:
        following = desk.start("logs", "-f", "far")
        try:
            assert following.stdout is not None
            assert any("hello" in line for line in iter(following.stdout.readline, ""))
            door.cut()
            _, said = following.communicate(timeout=machines.PATIENCE)
        finally:
            following.kill()
        assert "the other side of the border has ended" in said
        assert following.returncode == Exit.FAILED
        desk.nap("down", "far", "--volumes")
        door.closed()
        gone = desk.nap("ps", code=Exit.PARTIAL)
        assert "the control machine can't be reached" in gone.errors[0]


def test_down(control: Machine, app: Path) -> None:
    control.nap("bob", "down", "-f", app, "--volumes")
    assert control.nap("bob", "ps", "-a", "-q").out == ""
