"""The cluster file changed by command: a host in or out, and every other line as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.cluster import config
from nap_compose.control.founding.clusterfile import add_host, remove_host
from nap_compose.errors import NapError

BLOCK = """\
# ours
name: lab   # the lab
hosts:
  h1: {endpoint: 'unix:///a'}  # in the cellar
  # the big one
  h2:
    endpoint: unix:///b
    labels:
      zone: a

# below
network: {driver: bridge}
"""
FLOW = "name: lab\nhosts: {h1: {endpoint: 'unix:///a'}, h2: {endpoint: 'unix:///b'}}  # both\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cluster.yml"


def test_a_host_comes_behind_the_others(file: Path) -> None:
    file.write_text(BLOCK)
    assert add_host(file, "h3", "unix:///c", {"zone": "b c"})
    added = '  h3: {endpoint: unix:///c, labels: {zone: "b c"}}\n'
    assert file.read_text() == BLOCK.replace("      zone: a\n", f"      zone: a\n{added}")
    assert config.read(file).hosts["h3"].labels == {"zone": "b c"}
    assert not add_host(file, "h3", "unix:///c", {})


def test_a_host_goes_and_comments_stay(file: Path) -> None:
    file.write_text(BLOCK)
    assert remove_host(file, "h2")
    assert "# the big one\n\n# below" in file.read_text()
    assert list(config.read(file).hosts) == ["h1"]
    assert not remove_host(file, "h2")


def test_what_was_added_and_removed_leaves_no_trace(file: Path) -> None:
    for text in (BLOCK, FLOW):
        file.write_text(text)
        add_host(file, "h3", "tcp://[fd00::6]:2376", {})
        assert config.read(file).hosts["h3"].endpoint == "tcp://[fd00::6]:2376"
        remove_host(file, "h3")
        assert file.read_text() == text


@pytest.mark.parametrize("name", ["h1", "h2"])
def test_a_host_out_of_a_list_on_one_line(file: Path, name: str) -> None:
    file.write_text(FLOW)
    remove_host(file, name)
    assert list(config.read(file).hosts) == [{"h1": "h2", "h2": "h1"}[name]]
    assert "# both" in file.read_text()


def test_the_first_host(file: Path) -> None:
    file.write_text("name: lab\nhosts: {}\nnetwork: {driver: bridge}\n")
    add_host(file, "on", "unix:///a", {})  # a name that YAML takes for something else
    assert list(config.read(file).hosts) == ["on"]
    assert config.read(file).network.driver == "bridge"


def test_a_file_without_an_end_of_line(file: Path) -> None:
    file.write_text("name: lab\nhosts:\n  h1: {endpoint: 'unix:///a'}")
    add_host(file, "h2", "unix:///b", {})
    assert list(config.read(file).hosts) == ["h1", "h2"]


def test_what_would_not_be_valid_is_not_written(file: Path) -> None:
    text = "name: lab\nhosts:\n  h1: {endpoint: 'unix:///a'}\n  h2: {endpoint: 'unix:///b'}\n"
    file.write_text(f"{text}insecure: [h2]\n")
    with pytest.raises(NapError, match="wouldn't be valid any more: insecure"):
        remove_host(file, "h2")
    assert file.read_text() == f"{text}insecure: [h2]\n"
    assert list(file.parent.iterdir()) == [file]


def test_mode_stays(file: Path) -> None:
    file.write_text(BLOCK)
    file.chmod(0o640)
    add_host(file, "h3", "unix:///c", {})
    assert file.stat().st_mode & 0o777 == 0o640


def test_hosts_that_an_anchor_gives(file: Path) -> None:
    file.write_text("name: lab\nhosts: &h {h1: &e {endpoint: 'unix:///a'}, h2: *e}\n")
    with pytest.raises(NapError):
        remove_host(file, "h1")  # h2 leans on it
    assert "h1" in config.read(file).hosts
