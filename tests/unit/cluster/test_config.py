"""The cluster file: every documented key is read, every fault is named with its place."""

from pathlib import Path

import pytest

from nap_compose.cluster import chosen, config
from nap_compose.cluster.cluster import (
    Consul,
    Database,
    Host,
    Moosefs,
    Ports,
    Reserve,
    Storage,
    Tls,
)
from nap_compose.cluster.notify import Notify, Recipient, Webhook
from nap_compose.errors import BadFile, BadFiles, WrongUse

WHOLE = """\
name: lab                       # shows in prompts, records, metrics
hosts:
  h1: {endpoint: tcp://10.0.0.11:2376, labels: {zone: a, disk: ssd, rack: 7}}
  h2: {endpoint: tcp://10.0.0.12:2376, reserve: {cpus: 0.5, memory: 512m}, publish_ip: 192.0.2.7}
  h3:
    endpoint: tcp://10.0.0.13:2376
    tls: {ca: other/ca.pem, cert: /abs/cert.pem, key: other/key.pem}
  h4: {endpoint: unix:///run/docker.sock}
  h5: {endpoint: tcp://10.0.0.15:2375}
tls: {ca: tls/ca.pem, cert: tls/cert.pem, key: tls/key.pem}
network: {driver: auto, pool: 10.128.0.0/9, mtu: null, encrypted: false}
consul:
  url: https://10.0.0.11:8501
  also: [https://10.0.0.12:8501]
  ca: c.pem
  token_file: t
  prefix: nap
database: {url: mysql://nap@db.example:3306/nap, password_file: secrets/db, ca: db.pem}
ldap:
  urls: [ldaps://ldap.example]
  ca: ldap.pem
  base: dc=example,dc=org
  user_filter: (uid={name})
  bind_dn: cn=nap,dc=example,dc=org
  bind_password_file: secrets/ldap
  roles: {admin: "cn=nap-admins,dc=example", user: "cn=nap-users,dc=example", viewer: cn=v}
placement: {strategy: binpack}
storage:
  {default: local, shared: [nfs], moosefs: {master: mfsmaster, mount: /mnt/mfs, root: nap, goal: 2}}
logs: {dir: /var/log/nap, keep: 14d, max_app: 1g, max_total: 20g}
policy: {binds: [/srv/data], gpus: 2, memory: 4g}
quotas: {everybody: {cpus: 4, memory: 8g}}
failover: {after: 90s, replace: false, on_return: stop, unhealthy: 2m}
ports: {range: 20000-32000}
insecure: [h5]
notify: {every: 15s, to: {ops: {webhook: {url_file: hook}, kinds: [host, disk]}}}
key_file: secrets.key
"""


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "cluster.yml"
        path.write_text(text)
        return path

    return write


def faults(path: Path) -> list[tuple[int, int, str, str | None]]:
    with pytest.raises(BadFiles) as caught:
        config.read(path)
    return [
        (fault.place.line, fault.place.column, fault.message, fault.hint)
        for fault in caught.value.faults
    ]


def test_every_documented_key_is_read(write, tmp_path: Path) -> None:
    cluster = config.read(write(WHOLE))
    shared = Tls(tmp_path / "tls/ca.pem", tmp_path / "tls/cert.pem", tmp_path / "tls/key.pem")
    own = Tls(tmp_path / "other/ca.pem", Path("/abs/cert.pem"), tmp_path / "other/key.pem")
    assert cluster.name == "lab"
    assert not cluster.embedded
    assert list(cluster.hosts.values()) == [
        Host("h1", "tcp://10.0.0.11:2376", {"zone": "a", "disk": "ssd", "rack": "7"}, tls=shared),
        Host(
            "h2",
            "tcp://10.0.0.12:2376",
            reserve=Reserve(0.5, 512 << 20),
            tls=shared,
            publish_ip="192.0.2.7",
        ),
        Host("h3", "tcp://10.0.0.13:2376", tls=own),
        Host("h4", "unix:///run/docker.sock"),
        Host("h5", "tcp://10.0.0.15:2375"),
    ]
    assert cluster.network.mtu is None
    assert cluster.consul == Consul(
        "https://10.0.0.11:8501", ("https://10.0.0.12:8501",), tmp_path / "c.pem", tmp_path / "t"
    )
    assert cluster.database == Database(
        "mysql://nap@db.example:3306/nap", tmp_path / "secrets/db", tmp_path / "db.pem"
    )
    assert cluster.ldap is not None
    assert cluster.ldap.roles == {
        "admin": "cn=nap-admins,dc=example",
        "user": "cn=nap-users,dc=example",
        "viewer": "cn=v",
    }
    assert cluster.ldap.bind_password_file == tmp_path / "secrets/ldap"
    assert cluster.strategy == "binpack"
    assert cluster.storage == Storage("local", Moosefs("mfsmaster"), ("nfs",))
    assert (cluster.logs.dir, cluster.logs.keep) == (Path("/var/log/nap"), 14 * 86400)
    assert (cluster.logs.max_app, cluster.logs.max_total) == (1 << 30, 20 << 30)
    assert cluster.ports == Ports(20000, 32000)
    assert cluster.key_file == tmp_path / "secrets.key"
    assert cluster.state_dir == Path("/var/lib/nap")
    assert cluster.file == str(tmp_path / "cluster.yml")
    assert cluster.quotas == {"*": {"cpus": 4_000_000_000, "memory": 8 << 30}}
    ops = Recipient("ops", Webhook(url_file=tmp_path / "hook"), kinds=("host", "disk"))
    assert cluster.notify == Notify({"ops": ops}, 15.0)


def test_the_least_that_works(write) -> None:
    cluster = config.read(write("name: lab\nhosts: {h1: {endpoint: tcp://127.0.0.1:2375}}\n"))
    assert cluster.hosts == {"h1": Host("h1", "tcp://127.0.0.1:2375")}
    assert cluster.consul is None
    assert cluster.logs.dir == Path("/var/log/nap")


def test_every_fault_is_named_with_its_place(write) -> None:
    path = write(
        "name: lab\n"
        "hosts:\n"
        "  h1: {endpont: tcp://10.0.0.1:2376}\n"
        "  h2: {endpoint: http://10.0.0.1, reserve: {memory: lots}}\n"
        "storage: {default: ceph}\n"
        "ports: {range: 9-1}\n"
    )
    assert faults(path) == [
        (3, 8, "hosts.h1: unknown key 'endpont'", "did you mean 'endpoint'?"),
        (3, 7, "hosts.h1: 'endpoint' is missing", None),
        (
            4,
            18,
            "hosts.h2.endpoint: 'http://10.0.0.1' is not an endpoint: tcp://HOST:PORT, "
            "unix:///PATH or ssh://USER@HOST",
            None,
        ),
        (
            4,
            53,
            "hosts.h2.reserve.memory: 'lots' is no size; write it like 512m or 1.5g",
            None,
        ),
        (5, 20, "storage.default: 'ceph' is none of local, moosefs", "known here: local, moosefs"),
        (6, 16, "ports.range: '9-1' is no range of ports; write it like 20000-32000", None),
    ]


def one(text: str) -> str:
    return "name: lab\nhosts: {h1: {endpoint: tcp://127.0.0.1:2375}}\n" + text


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        (
            "database: {url: mysql://nap@db/nap, password: hunter2}",
            3,
            37,
            "database: unknown key 'password'",
            "secrets don't stand in this file: put it in a file and name that with 'password_file'",
        ),
        (
            "ldap: {urls: [ldap://l], base: x, roles: {admin: cn=a,dc=b}}",
            3,
            55,
            "ldap.roles: unknown key 'dc=b'",
            "within { }, text that holds a comma needs quotes",
        ),
        (
            "tls: {ca: ca.pem}\ntls: {ca: ca.pem}",
            4,
            1,
            "'tls' stands here twice, first in line 3",
            None,
        ),
        ("consul:\n  also: []", 4, 3, "consul: 'url' is missing", None),
        ("consul: {url: }", 3, 10, "consul: 'url' needs a value", None),
        ("network: bridge", 3, 10, "network: expected a mapping, found 'bridge'", None),
        (
            "network: {encrypted: yes}",
            3,
            22,
            "network.encrypted: expected true or false, found 'yes'",
            None,
        ),
        ("network: {mtu: 12}", 3, 16, "network.mtu: 12 is not from 68 to 65535", None),
        (
            "network: {pool: 10.0.0.1/8}",
            3,
            17,
            "network.pool: no range of addresses such as 10.128.0.0/9: "
            "10.0.0.1/8 has host bits set",
            None,
        ),
        (
            "insecure: [h9]",
            3,
            11,
            "insecure: 'h9' is neither a host nor one of consul, database, ldap",
            None,
        ),
        (
            "storage: {default: moosefs}",
            3,
            10,
            "storage: the default is moosefs, but 'moosefs' is not set up here",
            None,
        ),
        (
            "storage: {shared: [nfs, local]}",
            3,
            25,
            "storage.shared[1]: 'local' is no plugin, nor a type of file systems such as nfs",
            None,
        ),
        (
            "storage: {shared: [moosefs]}",
            3,
            20,
            "storage.shared[0]: 'moosefs' is shared anyway",
            None,
        ),
        (
            "logs: {keep: 14}",
            3,
            14,
            "logs.keep: '14' is no duration; write it like 30s, 1m30s or 14d",
            None,
        ),
        ("? [a]\n: b", 3, 3, "a key must be text", None),
    ],
)
def test_a_fault_and_its_hint(write, text, line, column, message, hint) -> None:
    found = faults(write(one(text)))
    assert (line, column, message, hint) in found


def test_an_unknown_key_without_a_near_one_lists_the_known(write) -> None:
    ((line, column, message, hint),) = faults(write(one("placement: {xyz: 1}")))
    assert (line, column, message) == (3, 13, "placement: unknown key 'xyz'")
    assert hint == "known here: disk_limit, probe_image, strategy"


@pytest.mark.parametrize(
    ("text", "where"),
    [("name: [", ":2:1"), ("name: lab\n\thosts: 1\n", ":2:1"), ("a: 1\n--- \nb: 2\n", ":2:1")],
)
def test_broken_yaml_says_where(write, text: str, where: str) -> None:
    path = write(text)
    with pytest.raises(BadFile, match="not valid YAML") as caught:
        config.read(path)
    assert str(caught.value).startswith(f"{path}{where}: ")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yml"
    path.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(BadFile, match="not valid YAML"):
        config.read(path)


def test_an_empty_file_shows_the_least(write) -> None:
    with pytest.raises(BadFile, match="is empty") as caught:
        config.read(write("# nothing yet\n"))
    assert "hosts: {h1:" in str(caught.value.hint)


def test_a_folder_is_no_cluster_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="Is a directory"):
        config.read(tmp_path)


def test_no_hosts_is_a_fault(write) -> None:
    ((line, _, message, _),) = faults(write("name: lab\nhosts: {}\n"))
    assert (line, message) == (2, "hosts: a cluster needs a host")


@pytest.mark.parametrize(
    ("recipient", "fault"),
    [
        ("{kinds: [host]}", "one of webhook, mail, command says how to reach them"),
        ("{command: [x], webhook: {url: 'http://x/'}}", "one of webhook, mail, command"),
        ("{webhook: {}}", "a webhook needs `url`"),
        ("{webhook: {url: 'file:///etc/passwd'}}", "is not an address such as"),
        ("{command: [x], kinds: [hosts]}", "is none of host, failover"),
        ("{mail: {smtp: x, from: a@b, to: [c@d]}}", "is no server such as"),
        ("{mail: {smtp: 'x:25', from: a@b, to: []}}", "names nobody"),
        ("{mail: {smtp: 'x:25', from: a@b, to: [c@d], user: u}}", "need each other"),
        (
            "{mail: {smtp: 'x:25', from: a@b, to: [c@d], user: u, password_file: p, tls: none}}",
            "in clear text",
        ),
        ("{mail: {smtp: 'x:25', from: a@b, to: [c@d], password: p}}", "secrets don't stand"),
    ],
)
def test_who_is_told_has_one_way_that_works(write, recipient: str, fault: str) -> None:
    ((_line, _, message, hint),) = faults(write(one(f"notify: {{to: {{ops: {recipient}}}}}")))
    assert fault in f"{message} {hint}"


def test_an_alias_within_itself_is_a_fault(write) -> None:
    assert faults(write(one("notify: &p {inner: *p}")))


def test_the_option_goes_before_the_variable(tmp_path: Path) -> None:
    option, variable = tmp_path / "option.yml", tmp_path / "variable.yml"
    option.touch()
    variable.touch()
    assert chosen.find(str(option), {"NAP_CLUSTER": str(variable)}) == option
    assert chosen.find(None, {"NAP_CLUSTER": str(variable)}) == variable


def test_a_named_cluster_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="there is no cluster file") as caught:
        chosen.find(None, {"NAP_CLUSTER": str(tmp_path / "gone.yml")})
    assert "NAP_CLUSTER" in str(caught.value.hint)


def test_without_a_cluster_file_nap_is_embedded(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(chosen, "USUAL", tmp_path / "none.yml")
    assert chosen.find(None, {}) is None


def test_embedded_keeps_its_state_with_the_person(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "DOCKER_HOST": "unix:///run/x.sock"}
    cluster = chosen.embedded(home)
    assert cluster.embedded
    assert cluster.hosts == {"local": Host("local", "unix:///run/x.sock")}
    assert cluster.state_dir == tmp_path / ".local/state/nap"
    assert cluster.logs.dir == tmp_path / ".local/state/nap/logs"
    assert chosen.embedded({**home, "XDG_STATE_HOME": "/s"}).state_dir == Path("/s/nap")
    assert chosen.embedded({**home, "XDG_STATE_HOME": "rel"}).state_dir == cluster.state_dir
    assert chosen.embedded({**home, "NAP_STATE_DIR": "/n"}).state_dir == Path("/n")


def test_quotas_by_whose_they_are(tmp_path: Path) -> None:
    file = tmp_path / "cluster.yml"
    least = "name: lab\nhosts: {h1: {endpoint: 'tcp://10.0.0.11:2376'}}\n"
    file.write_text(
        least + "quotas:\n  everybody: {containers: 20, cpus: 1.5}\n"
        "  users: {Ada.L: {memory: 16g, ports: unlimited}}\n  groups: {staff: {storage: 1t}}\n"
    )
    assert config.read(file).quotas == {
        "*": {"containers": 20, "cpus": 1_500_000_000},
        "ada-2el": {"memory": 16 << 30, "ports": -1},
        "@staff": {"storage": 1 << 40},
    }
    for wrong, told in (
        ("everybody: {disks: 3}", "unknown key 'disks'"),
        ("users: {ada: {cpus: many}}", "'many' is no number of cpus"),
        ("groups: [staff]", "expected a mapping"),
    ):
        file.write_text(least + f"quotas:\n  {wrong}\n")
        with pytest.raises(BadFile, match=told) as caught:
            config.read(file)
        assert "4:" in str(caught.value)
