"""`ls`, `host ls`, `config`, `version`, `completion`."""

import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest

import nap_compose
from nap_compose.border import AppRow, HostRow
from tests.unit.cli.scripted import Scripted, nap

STATES = {"running": 3, "exited": 1}
APPS = [
    AppRow("", "blog", 1, 0, 1, 2, {"exited": 1}),
    AppRow("", "shop", 2, 3, 4, 7, STATES, "/srv/shop/compose.yaml"),
]
HOSTS = [
    HostRow(
        "h1", "tcp://10.0.0.11:2376", "active", "28.5.2", "linux", "amd64", 4, 8 << 30, 12,
        {"zone": "a"}, "swarm manager",
    ),
    HostRow("h2", "tcp://10.0.0.12:2376", "unreachable", problem="no route to host"),
]  # fmt: skip


def test_apps_of_which_something_runs(empty: Path) -> None:
    control = Scripted(app_rows=APPS)
    assert nap("ls", control=control).out == (
        "NAME   STATUS       CONFIG FILES\nshop   running(3)   /srv/shop/compose.yaml\n"
    )
    assert nap("ls", "-a", "-q", control=control).out == "blog\nshop\n"
    assert nap("ls", "-aq", "--filter", "name=^b", control=control).out == "blog\n"
    assert nap("ls", "--filter", "nme=b", control=control).code == 2
    found = json.loads(nap("ls", "-a", "--format", "json", control=control).out)
    assert found[1] == {
        "Name": "shop",
        "Status": "exited(1), running(3)",
        "ConfigFiles": "/srv/shop/compose.yaml",
        "Owner": "",
        "Services": 2,
        "Running": 3,
        "Containers": 4,
        "Revision": 7,
    }


def test_apps_of_a_cluster(empty: Path) -> None:
    rows = [replace(row, owner=owner) for row, owner in zip(APPS, ("bob", "ada"), strict=True)]
    control = Scripted(owner="ada", app_rows=rows)
    assert nap("ls", "-a", control=control).out == (
        "APP        STATUS                  SERVICES   CONTAINERS   REV\n"
        "bob/blog   exited(1)               1          1            2\n"
        "shop       exited(1), running(3)   2          4            7\n"
    )
    assert nap("ls", "--format", "{{.Name}}={{.Running}}", control=control).out == "shop=3\n"


def test_apps_that_are_but_on_record(empty: Path) -> None:
    rows = [
        AppRow("ada", "far", 0, 0, 0, 3, standing="not seen"),
        AppRow("ada", "old", 0, 0, 0, 2, standing="down"),
        AppRow("ada", "shop", 2, 3, 4, 7, STATES),
    ]
    control = Scripted(owner="ada", app_rows=rows)
    assert nap("ls", "-q", control=control).out == "far\nshop\n"
    assert nap("ls", "-a", control=control).out == (
        "APP    STATUS                  SERVICES   CONTAINERS   REV\n"
        "far    not seen                0          0            3\n"
        "old    down                    0          0            2\n"
        "shop   exited(1), running(3)   2          4            7\n"
    )


def test_hosts_and_what_is_wrong_with_them() -> None:
    control = Scripted(host_rows=HOSTS)
    result = nap("host", "ls", control=control)
    assert result.code == 0
    assert result.out.splitlines() == [
        "HOST   STATE         ENDPOINT               ENGINE   CPUS   MEMORY   CONTAINERS   "
        "OVERLAY         LABELS",
        "h1     active        tcp://10.0.0.11:2376   28.5.2   4      8GiB     12           "
        "swarm manager   zone=a",
        "h2     unreachable   tcp://10.0.0.12:2376   -        -      -        -            -",
    ]
    assert result.err == "nap: warning: host h2: no route to host\n"
    lines = nap("host", "ls", "--format", "json", control=control).out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["h1", "h2"]
    assert json.loads(lines[0])["labels"] == {"zone": "a"}


def test_hosts_fit_the_terminal() -> None:
    for width in (40, 80, 200):
        out = nap("host", "ls", "--no-color", control=Scripted(host_rows=HOSTS), width=width).out
        assert max(map(len, out.splitlines())) <= width
        assert "h2" in out


def test_a_host_that_answers_is_shown_in_full_whatever_its_swarm_says(empty: Path) -> None:
    host = replace(HOSTS[0], overlay="swarm", problem="the swarm does not have a leader")
    result = nap("host", "ls", control=Scripted(host_rows=[host]), width=200)
    assert "8GiB" in result.out
    assert "host h1: the swarm does not have a leader" in result.err


def test_config_shows_the_file(shop: Path) -> None:
    result = nap("config")
    assert result.code == 0
    assert result.out.startswith("name: shop\n")
    assert json.loads(nap("config", "--format", "json").out)["services"]["db"]["image"] == (
        "mariadb:11"
    )


def test_config_lists(shop: Path) -> None:
    (shop / "compose.yaml").write_text(
        "services:\n"
        '  web: {build: ., image: "x:${TAG:-1}", profiles: [p, q], volumes: ["data:/d"]}\n'
        '  app: {build: ., environment: {A: "${A?is needed}"}}\n'
        "volumes: {data: {}}\n"
    )
    env = {"A": "1", "COMPOSE_PROJECT_NAME": "shop"}
    assert nap("config", "--services", env=env).out == "app\n"
    assert nap("config", "--services", "--profile", "p", env=env).out.split() == ["app", "web"]
    assert nap("config", "--images", env=env).out == "shop-app\n"
    assert nap("config", "--volumes", "--profile", "p", env=env).out == "data\n"
    assert nap("config", "--networks", env=env).out == "default\n"
    assert nap("config", "--profiles", env=env).out == "p\nq\n"
    assert "A=1\n" in nap("config", "--environment", env=env).out
    assert nap("config", "--variables", env=env).out == (
        "NAME   REQUIRED   DEFAULT VALUE   ALTERNATE VALUE\nA      true\nTAG    false      1\n"
    )
    unset = {"COMPOSE_PROJECT_NAME": "shop"}
    assert nap("config", "--variables", env=unset) == nap("config", "--variables", env=env)
    assert "${A?is needed}" in nap("config", "--no-interpolate", env=unset).out
    assert nap("config", "--no-interpolate", "--services", env=unset).out.split() == ["app", "web"]
    assert nap("config", "--no-interpolate", "--networks", env=env).out == "default\n"


def test_config_writes_a_file(shop: Path) -> None:
    assert nap("config", "-o", "out.yaml").out == ""
    assert (shop / "out.yaml").read_text() == nap("config").out
    result = nap("config", "-o", "no/such/folder")
    assert (result.code, result.err) == (
        1,
        "nap: no/such/folder can't be written: No such file or directory\n",
    )


def test_config_hashes_change_with_the_service_alone(shop: Path) -> None:
    before = dict(line.split() for line in nap("config", "--hash", "*").out.splitlines())
    assert set(before) == {"db", "web"}
    path = shop / "compose.yaml"
    path.write_text(path.read_text().replace('{image: "nginx:1"', '{scale: 2, image: "nginx:1"'))
    assert nap("config", "--hash", "web").out.split() == ["web", before["web"]]
    path.write_text(path.read_text().replace("nginx:1", "nginx:2"))
    after = dict(line.split() for line in nap("config", "--hash", "*").out.splitlines())
    assert after["db"] == before["db"]
    assert after["web"] != before["web"]
    assert nap("config", "--hash", "wbe").code == 2


def test_config_names_every_fault(shop: Path) -> None:
    (shop / "compose.yaml").write_text("services:\n  web:\n    imagee: x\n")
    result = nap("config", "-q")
    assert result.code == 2
    assert "nap: compose.yaml:3:5: " in result.err
    assert "image" in result.err


def test_version() -> None:
    number = nap_compose.__version__
    assert nap("version").out == f"nap {number} (Python {platform.python_version()})\n"
    assert nap("version", "--short").out == f"{number}\n"
    assert nap("--version").out == nap("-v").out == f"nap {number}\n"
    assert json.loads(nap("version", "-f", "json").out)["version"] == number


def test_completion_scripts() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_NAP_COMPLETE" in nap("completion", shell).out


def test_help_of_nap_and_of_its_commands(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ((), ("up",), ("host", "ls")):
        assert nap(*words, "--help").code == 0
        assert nap("help", *words).out == capsys.readouterr().out
    result = nap("help", "pss")
    assert (result.code, result.out) == (2, "")
    assert "there is no command 'pss'; did you mean 'ps'?" in result.err
    assert nap("help", "up", "x").code == 2
