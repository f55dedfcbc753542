"""The docs say what the code does: every key, code, command and link."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml

from nap_compose.cli.output.template.form import Form
from nap_compose.cli.output.template.functions import FUNCTIONS
from nap_compose.cluster import cluster, config, notify
from nap_compose.errors import WrongUse
from nap_compose.exits import Exit
from tools import compose_keys, policy_table

ROOT = Path(__file__).resolve().parents[3]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SECTIONS = {
    "hosts": cluster.Host,
    "tls": cluster.Tls,
    "network": cluster.Network,
    "consul": cluster.Consul,
    "database": cluster.Database,
    "ldap": cluster.Ldap,
    "storage": cluster.Storage,
    "logs": cluster.Logs,
    "policy": cluster.Policy,
    "failover": cluster.Failover,
    "backup": cluster.Backup,
    "prune": cluster.Prune,
    "notify": notify.Notify,
}
NOT_KEYS = {"embedded", "file", "strategy", "disk_limit", "probe_image"}
"""Fields of Cluster that the file has under another name, or not at all."""


OPERATIONS = (
    *("install.md", "cluster.md", "first-app.md", "moving-in.md", "host-died.md", "disk-full.md"),
    *("someone-leaves.md", "certificates.md", "upgrade.md", "backup.md"),
)
TYPED_WHOLE = ("first-app.md", "moving-in.md", "someone-leaves.md")


def section(title: str) -> str:
    """What stands under a heading of the cluster file's reference."""
    text = (ROOT / "docs" / "cluster-file.md").read_text()
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"no section {title}"
    return found[1]


def keys(title: str) -> set[str]:
    """The keys in a section's table, in their short form (`moosefs.goal` is goal too)."""
    named = re.findall(r"`([a-z_.]+)`", "".join(re.findall(r"^\|([^|]*)\|", section(title), re.M)))
    return {part for key in named for part in (key, *key.split("."))}


def test_every_key_at_the_top() -> None:
    wanted = {field.name for field in fields(cluster.Cluster)} - NOT_KEYS
    wanted |= {"tls", "placement", "quotas"}
    assert keys("At the top") == wanted


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_of_a_section(name: str) -> None:
    wanted = {field.name for field in fields(SECTIONS[name])} - {"name"}
    for field in fields(SECTIONS[name]):
        if field.name in ("moosefs", "reserve"):
            inner = {"moosefs": cluster.Moosefs, "reserve": cluster.Reserve}[field.name]
            assert is_dataclass(inner)
            wanted |= {each.name for each in fields(inner)}
    assert wanted <= keys(f"`{name}`")


def test_defaults_are_those_of_the_code(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yml"
    file.write_text(
        "name: lab\nhosts: {h1: {endpoint: 'tcp://10.0.0.11:2376'}}\n"
        "consul: {url: 'https://c:8501'}\nstorage: {moosefs: {master: m}}\n"
        "ldap: {urls: ['ldaps://l'], base: dc=x}\n"
    )
    read = config.read(file)
    assert read.consul
    assert read.ldap
    assert read.storage.moosefs
    found = {
        "pool": read.network.pool,
        "driver": read.network.driver,
        "prefix": read.consul.prefix,
        "user_filter": read.ldap.user_filter,
        "strategy": read.strategy,
        "default": read.storage.default,
        "mount": read.storage.moosefs.mount,
        "goal": str(read.storage.moosefs.goal),
        "dir": str(read.logs.dir),
        "keep": f"{read.logs.keep / 86400:.0f}d",
        "max_app": f"{read.logs.max_app >> 30}g",
        "max_total": f"{read.logs.max_total >> 30}g",
        "range": f"{read.ports.first}-{read.ports.last}",
        "state_dir": str(read.state_dir),
    }
    text = (ROOT / "docs" / "cluster-file.md").read_text()
    for key, default in found.items():
        line = re.search(rf"^\| `(?:moosefs\.)?{key}` .*\| (.*) \|$", text, re.MULTILINE)
        assert line, key
        assert f"`{default}`" in line[1], key


def test_every_exit_code() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text()
    assert re.findall(r"^\| (\d+) \|", text, re.MULTILINE) == [str(code.value) for code in Exit]


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_cluster_files_in_the_docs_are_valid(doc: Path, tmp_path: Path) -> None:
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", doc.read_text(), re.DOTALL)):
        text = re.sub(r"^ {3}", "", block, flags=re.M) if block.startswith("   ") else block
        if "hosts" in (yaml.safe_load(text) or {}):
            file = tmp_path / f"{number}.yml"
            file.write_text(text)
            assert config.read(file).hosts


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_links_lead_somewhere(doc: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", doc.read_text()):
        assert (doc.parent / target).exists(), target


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_commands_in_the_docs_are_there(doc: Path) -> None:
    from nap_compose.cli.commands import COMMANDS

    for verb in re.findall(r"(?:^|`|\$ |# )nap ([a-z]+)\b", doc.read_text(), re.MULTILINE):
        if verb not in ("is", "takes", "uses"):
            assert verb in COMMANDS, verb
    makefile = (ROOT / "Makefile").read_text()
    for goal in re.findall(r"(?:^[#$] |`)make ([a-z-]+)", doc.read_text(), re.MULTILINE):
        assert f"\n{goal}:" in makefile, goal


def test_the_page_of_compose_keys_is_what_the_table_says() -> None:
    """Where this fails, run tools/compose_keys.py."""
    assert compose_keys.PAGE.read_text(encoding="utf-8") == compose_keys.page()


def test_every_function_of_a_template() -> None:
    text = (ROOT / "docs" / "looking.md").read_text()
    (row,) = re.findall(r"^\| functions \|(.*)\|$", text, re.M)
    assert re.findall(r"`(\w+)`", row) == sorted(FUNCTIONS)
    (row,) = re.findall(r"^\| not supported \|(.*)\|$", text, re.M)
    for name in re.findall(r"`(\w+)`", row):
        with pytest.raises(WrongUse):
            Form("{{" + name + " .Name}}")


def test_what_is_said_of_absences_was_tried() -> None:
    """Each row names, where no reader sees it, the tests on real hosts that show it."""
    rows = (ROOT / "docs" / "when-away.md").read_text().splitlines()
    told = [row for row in rows if row.startswith("| ") and not row.startswith("| away")]
    named = [re.findall(r"test_\w+\.py", row) for row in told]
    assert len(told) > 10 and all(named)
    assert {name for names in named for name in names} <= {
        path.name for path in (ROOT / "tests" / "bed").glob("test_*.py")
    }


@pytest.mark.parametrize("page", OPERATIONS)
def test_operations_are_scripts_that_run_on_real_hosts(page: str) -> None:
    """Each part of such a page that has commands is named by a test that types them."""
    _, *parts = re.split(r"^## (.*)\n", (ROOT / "docs" / page).read_text(), flags=re.MULTILINE)
    typed = {
        title for title, text in zip(parts[::2], parts[1::2], strict=True) if "```console" in text
    }
    tests = [path.read_text() for path in (ROOT / "tests" / "bed").glob("test_*.py")]
    tests = [text for text in tests if f'"{page}"' in text]
    assert tests
    if page not in TYPED_WHOLE:
        named = {title for title in typed for text in tests if f'"{title}"' in text}
        assert typed - named == set()


def test_the_table_of_the_policy_is_as_the_rules_are() -> None:
    assert (ROOT / "docs" / "policy.md").read_text() == policy_table.page()
