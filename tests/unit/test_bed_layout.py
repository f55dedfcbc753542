"""Names, addresses and folders of a bed: nothing here needs a bed."""

import pytest

from bed import layout
from bed.errors import BedError
from bed.fixture import why_not
from bed.layout import LONGEST_LINK_NAME, PARTS, Bed


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAP_BED_DIR", "/x")
    monkeypatch.setenv("NAP_BED_CACHE", str(tmp_path / "cache"))


def make(name="one", used=(), **shape):
    shape = {"size": 3, "network": "swarm", "engine": "20", "parts": PARTS, **shape}
    return layout.create(name, set(used), **shape)


def test_hosts_have_addresses_and_zones():
    bed = Bed("one", layout.directory_of("one"), "10.213.7.0/24", size=4)
    assert [host.name for host in bed.hosts] == ["h1", "h2", "h3", "h4"]
    assert [host.ip for host in bed.hosts] == [f"10.213.7.{n}" for n in (11, 12, 13, 14)]
    assert [host.zone for host in bed.hosts] == ["a", "b", "c", "a"]
    assert bed.hosts[0].endpoint == "tcp://10.213.7.11:2376"
    assert bed.control_ip == "10.213.7.1"
    assert bed.registry == "10.213.7.1:5000"


def test_saved_and_loaded_again(tmp_path, monkeypatch):
    monkeypatch.setenv("NAP_BED_DIR", str(tmp_path))
    monkeypatch.setattr(layout, "LONGEST_SOCKET_PATH", 500)
    bed = make(network="consul", parts=("consul", "hosts"))
    assert bed.parts == ("hosts", "consul")
    assert layout.load("one") == bed
    assert layout.everyone() == [bed]
    layout.forget("one")
    assert layout.load("one") is None


def test_subnets_differ(tmp_path, monkeypatch):
    monkeypatch.setenv("NAP_BED_DIR", str(tmp_path))
    monkeypatch.setattr(layout, "LONGEST_SOCKET_PATH", 500)
    one = make("one", used={"10.213.0.0/24", "192.0.2.1"})
    two = make("two", used={"10.213.0.0/24"})
    assert [one.subnet, two.subnet] == ["10.213.1.0/24", "10.213.2.0/24"]
    with pytest.raises(BedError, match="no subnet is free"):
        make("three", used={"10.0.0.0/8"})


def test_parts_are_only_ever_added():
    bed = Bed("one", layout.directory_of("one"), "10.213.7.0/24", parts=("hosts", "registry"))
    assert bed.with_parts(("consul",)).parts == ("hosts", "consul", "registry")


@pytest.mark.parametrize("name", ["a", "lab", "a-rather-long-name-of-a-bed"])
def test_link_names_fit(name):
    link = Bed(name, layout.directory_of(name), "10.213.7.0/24").link
    assert link.startswith("nap-")
    assert len(link) <= LONGEST_LINK_NAME


@pytest.mark.parametrize("name", ["", "Lab", "a_b", "../etc", "1st", "a" * 32, "a b"])
def test_bad_names_are_refused(name):
    with pytest.raises(BedError, match="can't name a bed"):
        layout.directory_of(name)


def test_a_folder_too_deep_for_sockets_is_refused(monkeypatch):
    monkeypatch.setenv("NAP_BED_DIR", "/x" * 60)
    with pytest.raises(BedError, match="set NAP_BED_DIR to a shorter one"):
        layout.directory_of("lab")


def test_shapes_that_cannot_be():
    with pytest.raises(BedError, match="1 to 50 hosts, not 0"):
        make(size=0)
    with pytest.raises(BedError, match="use --network swarm"):
        make(network="consul", engine="28")


def test_why_not(monkeypatch):
    monkeypatch.setattr("bed.fixture.os.geteuid", lambda: 1000)
    assert "run it as root" in why_not()
    monkeypatch.setattr("bed.fixture.sys.platform", "darwin")
    assert "needs Linux, and this is darwin" in why_not()
