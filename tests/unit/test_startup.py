"""Commands import nothing that they don't need: Compose in Python was left for starting slowly."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "yaml",
    "jsonschema",
    "docker",
    "requests",
    "urllib3",
    "consul",
    "pymysql",
    "ldap3",
    "cryptography",
    "sqlite3",
}
SLOW = {
    *("email", "http", "ssl", "hashlib", "logging", "concurrent", "tarfile"),
    *("inspect", "ast", "platform", "ipaddress", "urllib.request", "difflib", "base64"),
}
"""Of the standard library, what takes as long to load as the rest of a short command."""

SHOW = """
import json, sys
from nap_compose.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
loaded = sorted(name for name, it in sys.modules.items() if type(it).__name__ != "_Later")
print(json.dumps({"code": code, "modules": loaded}), file=sys.stderr)
"""


def imports(*words: str, cwd: Path, **env: str) -> tuple[int, set[str]]:
    """The exit code of `nap WORDS`, and the top-level modules that it imported."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    done = subprocess.run(
        # Without what finds the sources that are worked on, which loads much itself.
        [sys.executable, "-S", "-c", SHOW, *words],
        cwd=cwd,
        env={
            **kept,
            "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}",
            "DOCKER_HOST": f"unix://{cwd}/none.sock",
            **env,
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = json.loads(done.stderr.splitlines()[-1])
    return found["code"], {name.partition(".")[0] for name in found["modules"]} | {
        name for name in found["modules"] if name.startswith("nap_compose.")
    }


@pytest.mark.parametrize(
    "words",
    [("--help",), ("--version",), ("version",), ("up", "--help"), ("ps", "--help"), ("host", "-h")],
)
def test_helps_import_nothing_heavy(tmp_path: Path, words: tuple[str, ...]) -> None:
    code, modules = imports(*words, cwd=tmp_path)
    assert code == 0
    assert not modules & HEAVY
    assert "nap_compose.border" not in modules
    assert "nap_compose.orchestration.execute" not in modules


def test_the_help_imports_no_command(tmp_path: Path) -> None:
    _, modules = imports("--help", cwd=tmp_path)
    assert not modules & {f"nap_compose.cli.{verb}" for verb in ("up", "ps", "logs", "config")}


@pytest.mark.parametrize(("line", "expected"), [("nap ", "up"), ("nap up --", "--pull")])
def test_completion_imports_nothing_heavy(tmp_path: Path, line: str, expected: str) -> None:
    words = line.split(" ")
    env = {"_NAP_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    code, modules = imports(cwd=tmp_path, **env)
    assert code == 0
    assert not modules & HEAVY
    done = subprocess.run(
        [sys.executable, "-m", "nap_compose.cli.main"],
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"plain,{expected}" in done.stdout.splitlines()


def test_completion_of_services_reads_no_yaml(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices:\n  web: {image: x}\n")
    env = {"_NAP_COMPLETE": "bash_complete", "COMP_WORDS": "nap logs w", "COMP_CWORD": "2"}
    code, modules = imports(cwd=tmp_path, **env)
    assert code == 0
    assert not modules & HEAVY
    assert "nap_compose.control.local" in modules


@pytest.mark.parametrize(
    "words",
    [
        ("ps",),
        ("ps", "-p", "shop", "--format", "{{.Name}}"),
        ("ls",),
        ("host", "ls"),
        ("images",),
        ("volumes",),
        ("port", "web", "80"),
        ("top",),
        ("stats", "--no-stream"),
        ("events", "--since", "1s", "--until", "0s"),
    ],
)
def test_reading_commands_ask_the_engine_with_nothing_heavy(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\nservices: {web: {image: x}}\n")
    _, modules = imports(*words, cwd=tmp_path)
    assert "nap_compose.control.local" in modules
    assert not modules & HEAVY
    # Nothing is planned, and no key of a file is looked up: those rooms stay shut.
    assert not {name for name in modules if name.startswith("nap_compose.orchestration.")}
    assert "nap_compose.compose.rows" not in modules


@pytest.mark.parametrize("words", [("ps",), ("ls",), ("ps", "-p", "shop")])
def test_what_is_asked_most_loads_nothing_slow(tmp_path: Path, words: tuple[str, ...]) -> None:
    _, modules = imports(*words, cwd=tmp_path)
    assert "nap_compose.control.local" in modules
    assert not modules & SLOW


def test_what_takes_an_app_away_loads_nothing_that_makes_one(tmp_path: Path) -> None:
    _, modules = imports("down", "-p", "shop", cwd=tmp_path)
    assert "nap_compose.control.downward" in modules
    # The trail of who did what is a chain of hashes, and PyYAML wants the other.
    assert not modules & (SLOW - {"hashlib", "base64"})
    assert not modules & {
        "nap_compose.orchestration.bodies.container",
        "nap_compose.orchestration.placement.place",
        "nap_compose.orchestration.steps.containers",
    }


def test_a_cluster_file_costs_yaml_and_no_more(tmp_path: Path) -> None:
    cluster = tmp_path / "cluster.yml"
    text = "name: lab\nhosts: {h1: {endpoint: unix:///nowhere.sock}}\nstate_dir: state\n"
    cluster.write_text(text)
    _, modules = imports("ps", "-p", "shop", "--cluster", str(cluster), cwd=tmp_path)
    assert "nap_compose.control.local" in modules
    assert modules & HEAVY <= {"yaml"}


def test_config_costs_yaml_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: x, ports: ['80:80']}}\n")
    code, modules = imports("config", "-q", cwd=tmp_path)
    assert code == 0
    assert modules & HEAVY <= {"yaml"}
    assert not modules & {"decimal", "traceback"}
    assert "nap_compose.border" not in modules
    assert "nap_compose.cli.checking" not in modules
