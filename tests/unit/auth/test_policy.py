"""What users may ask of a host: every key and field has a class, and no form gets round it."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nap_compose.auth.policy import bodies
from nap_compose.auth.policy.keys import KEYS, judge
from nap_compose.auth.policy.owned import Owned
from nap_compose.auth.policy.rules import FREE, INSIDE, Bounds
from nap_compose.cluster.cluster import Ports
from nap_compose.cluster.labels import Identity, write
from nap_compose.cluster.policy import Policy
from nap_compose.compose.keys import TOP
from nap_compose.compose.loader import load
from nap_compose.compose.model import App
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table
from nap_compose.errors import BadFile
from nap_compose.orchestration.bodies.container import container_body
from nap_compose.orchestration.bodies.making import Making
from nap_compose.orchestration.bodies.shared import network_body, volume_body
from nap_compose.orchestration.wanted import Slot

BOUNDS = Bounds()
OWNED = Owned("bob", lambda _: False)

SERVICE: dict[str, str] = {
    "annotations": "{a: b}",
    "blkio_config": "{weight: 10}",
    "build.cache_to": "['type=local,dest=/']",
    "build.entitlements": "[network.host]",
    "build.isolation": "hyperv",
    "build.network": "host",
    "build.privileged": "true",
    "build.shm_size": "1000g",
    "build.ssh": "[default]",
    "build.ulimits": "{rtprio: {soft: 1, hard: 99}}",
    "build": "{context: ., privileged: true}",
    "cap_add": "[SYS_ADMIN]",
    "cgroup": "host",
    "cgroup_parent": "/x",
    "cpu_rt_period": "1000",
    "cpu_rt_runtime": "1000",
    "cpu_shares": "100000",
    "cpuset": "'0'",
    "deploy.resources.reservations.devices": "[{capabilities: [gpu], count: 1}]",
    "deploy.resources.reservations.generic_resources": "[{discrete_resource_spec: "
    "{kind: nvidia.com/GPU, value: 1}}]",
    "device_cgroup_rules": "['a *:* rwm']",
    "devices": "['/dev/sda:/dev/sda']",
    "gpus": "all",
    "ipc": "host",
    "isolation": "hyperv",
    "labels": "{traefik.enable: 'true'}",
    "logging": "{driver: syslog}",
    "logging.options": "{syslog-address: 'udp://x'}",
    "network_mode": "host",
    "networks": "{default: {driver_opts: {a: b}}}",
    "oom_kill_disable": "true",
    "oom_score_adj": "-500",
    "pid": "host",
    "pids_limit": "-1",
    "ports": "['80:80']",
    "post_start": "[{command: id, privileged: true}]",
    "pre_stop": "[{command: id, privileged: true}]",
    "privileged": "true",
    "provider": "{type: x}",
    "runtime": "sysbox",
    "security_opt": "['apparmor=unconfined']",
    "shm_size": "2g",
    "storage_opt": "{size: 1g}",
    "sysctls": "{kernel.panic: 1}",
    "tmpfs": "['/t:size=1m,nr_blocks=9999999']",
    "ulimits": "{rtprio: 99}",
    "use_api_socket": "true",
    "userns_mode": "host",
    "uts": "host",
    "volumes": "['/:/host']",
    "volumes_from": "['container:other']",
}
"""For each key of a service that isn't free, what a user may not have of it."""

MORE: list[tuple[str, str]] = [
    ("build", "{context: ., network: host}"),
    ("build", "{context: ., entitlements: [security.insecure]}"),
    ("build", "{context: ., labels: {traefik.enable: 'true'}}"),
    ("cap_add", "[ALL]"),
    ("cap_add", "[cap_sys_admin]"),
    ("cap_add", "[CHOWN, NET_ADMIN]"),
    ("devices", "[{source: /dev/kvm, target: /dev/x}]"),
    ("gpus", "[{count: 1}]"),
    ("ipc", "'container:abc'"),
    ("labels", "['traefik.http.routers.x.rule=Host(`a`)']"),
    ("labels", "{Traefik.enable: 'true'}"),
    ("network_mode", "bridge"),
    ("network_mode", "'container:abc'"),
    ("pid", "'container:abc'"),
    ("pids_limit", "100000"),
    ("ports", "['1023:80']"),
    ("ports", "['1000-1100:1000-1100']"),
    ("ports", "[{target: 80, published: '22'}]"),
    ("ports", "['10.0.0.1:8080:80']"),
    ("security_opt", "['seccomp=unconfined']"),
    ("security_opt", "['systempaths=unconfined']"),
    ("security_opt", "['label:disable']"),
    ("security_opt", "['no-new-privileges:false']"),
    ("sysctls", "['vm.overcommit_memory=1']"),
    ("tmpfs", "/t:nr_blocks=9999999"),
    ("tmpfs", "'/t:size=1m,size=2g'"),
    ("ulimits", "{nice: 40}"),
    ("ulimits", "{nofile: 5, RTPRIO: {soft: 0, hard: 1}}"),
    ("volumes", "[{type: tmpfs, target: /t, tmpfs: {size: 2g}}]"),
    ("volumes", "['/var/run/docker.sock:/s']"),
    ("volumes", "[{type: bind, source: /etc, target: /e, read_only: true}]"),
    ("volumes", "['/var/lib/nap/files/carol_web/x/content:/x']"),
    ("volumes", "['/srv/../etc:/x']"),
    ("volumes", "[{type: npipe, source: x, target: /x}]"),
    ("volumes", "[{type: image, source: carol/secret, target: /x}]"),
    ("volumes", "[{type: bind, source: /srv, target: /x, bind: {propagation: rshared}}]"),
]

TOP_LEVEL = [
    "networks: {default: {driver: macvlan}}",
    "networks: {default: {driver_opts: {parent: eth0}}}",
    "networks: {default: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}",
    "networks: {default: {labels: {traefik.enable: 'true'}}}",
    "volumes: {vol: {driver: nfs}}",
    "volumes: {vol: {driver_opts: {type: none, o: bind, device: /}}}",
    "volumes: {vol: {labels: {traefik.enable: 'true'}}}",
]


def compose(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(textwrap.dedent(text))
    return folder / "compose.yaml"


def judged(file: Path, *more: Path, env: dict[str, str] | None = None) -> list[tuple[Any, ...]]:
    found = load([file, *more], env=env or {}, project_name="web")
    return [fault.path for fault in judge(found.app, BOUNDS)]


def nested(key: str, value: str, indent: int) -> str:
    """`a.b: value` as nested YAML."""
    text = ""
    for depth, part in enumerate(key.split(".")):
        text += f"\n{' ' * (indent + 2 * depth)}{part}:"
    return f"{text} {value}\n"


def direct(key: str, value: str) -> dict[str, str]:
    return {"compose": "services:\n  web:\n    image: x" + nested(key, value, 4)}


def extended(key: str, value: str) -> dict[str, str]:
    return {
        "base": "services:\n  base:\n    image: x" + nested(key, value, 4),
        "compose": "services:\n  web: {extends: {service: base, file: base.yaml}}\n",
    }


def merged(key: str, value: str) -> dict[str, str]:
    return {
        "compose": "x-base: &base\n  image: x"
        + nested(key, value, 2)
        + "services:\n  web:\n    <<: *base\n"
    }


def included(key: str, value: str) -> dict[str, str]:
    return {
        "inner": "services:\n  web:\n    image: x" + nested(key, value, 4),
        "compose": "include: [inner.yaml]\n",
    }


def through_json(key: str, value: str) -> dict[str, str]:
    """Everything in flow style, as JSON has it."""
    inner = value
    for part in reversed(key.split(".")):
        inner = f"{{{part}: {inner}}}"
    return {"compose": f"{{services: {{web: {{image: x, {inner[1:-1]}}}}}}}\n"}


FORMS = [direct, extended, merged, included, through_json]


TRIES = [
    pytest.param(form, key, value, id=f"{key}-{value}-{form.__name__}")
    for form in FORMS
    for key, value in [*SERVICE.items(), *MORE]
    # What others mount can't be taken over from another file.
    if not (key == "volumes_from" and form is extended)
]


@pytest.mark.parametrize(("form", "key", "value"), TRIES)
def test_no_form_gets_round_it(tmp_path: Path, form: Any, key: str, value: str) -> None:
    file = compose(tmp_path, **form(key, value))
    first = tuple(key.split("."))
    assert any(path[2 : 2 + len(first)] == first for path in judged(file)), key


@pytest.mark.parametrize(("key", "value"), [*SERVICE.items(), *MORE])
def test_a_variable_gets_round_nothing(tmp_path: Path, key: str, value: str) -> None:
    """With a variable for each text, however deep it stands."""
    text, env = with_variables(value)
    file = compose(tmp_path, **direct(key, text))
    try:
        found = judged(file, env=env)
    except BadFile:
        return  # no variable may stand there at all
    assert found, key


def with_variables(value: str) -> tuple[str, dict[str, str]]:
    """The value with a variable in place of each text and number, and what these stand for."""
    env: dict[str, str] = {}

    def named(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: named(each) for key, each in part.items()}
        if isinstance(part, list):
            return [named(each) for each in part]
        name = f"WANTED{len(env)}"
        env[name] = json.dumps(part) if isinstance(part, (bool, int)) else part
        return f"${{{name}}}"

    return json.dumps(named(yaml.safe_load(value))), env


@pytest.mark.parametrize(("key", "value"), [*SERVICE.items(), *MORE])
def test_a_later_file_gets_round_nothing(tmp_path: Path, key: str, value: str) -> None:
    compose(tmp_path, first="services: {web: {image: x}}\n", **direct(key, value))
    assert judged(tmp_path / "first.yaml", tmp_path / "compose.yaml")


def sharing(text: str) -> str:
    """A service that uses what `text` says all services share."""
    mounts = "volumes: ['vol:/v']" if text.startswith("volumes") else ""
    return f"services: {{web: {{image: x, {mounts}}}}}\n"


def as_it_is(text: str) -> dict[str, str]:
    return {"compose": f"{sharing(text)}{text}\n"}


def from_another_file(text: str) -> dict[str, str]:
    return {"inner": f"{sharing(text)}{text}\n", "compose": "include: [inner.yaml]\n"}


def from_an_anchor(text: str) -> dict[str, str]:
    ((kind, things),) = yaml.safe_load(text).items()
    ((name, spec),) = things.items()
    shared = f"x-shared: &shared {json.dumps(spec)}\n"
    return {"compose": f"{shared}{sharing(text)}{kind}:\n  {name}:\n    <<: *shared\n"}


def in_lines(text: str) -> dict[str, str]:
    return {"compose": sharing(text) + yaml.safe_dump(yaml.safe_load(text))}


@pytest.mark.parametrize("form", [as_it_is, from_another_file, from_an_anchor, in_lines])
@pytest.mark.parametrize("text", TOP_LEVEL)
def test_what_services_share_is_judged(tmp_path: Path, form: Any, text: str) -> None:
    ((kind, things),) = yaml.safe_load(text).items()
    found = judged(compose(tmp_path, **form(text)))
    assert any(path[:2] == (kind, *things) for path in found)


@pytest.mark.parametrize("text", TOP_LEVEL)
def test_nor_does_a_later_file_or_a_variable_share_more(tmp_path: Path, text: str) -> None:
    ((kind, things),) = yaml.safe_load(text).items()
    values, env = with_variables(json.dumps(things))
    first = f"{sharing(text)}{kind}: {json.dumps(dict.fromkeys(things))}\n"
    compose(tmp_path, first=first, compose=f"{kind}: {values}\n")
    assert judged(tmp_path / "first.yaml", tmp_path / "compose.yaml", env=env)


def test_all_that_services_share_is_tried() -> None:
    """Of networks and volumes, every key that isn't free."""
    tried = {
        f"{kind}.*.{key}"
        for kind, things in (item for text in TOP_LEVEL for item in yaml.safe_load(text).items())
        for spec in things.values()
        for key in spec
    }
    judges = {
        pattern
        for pattern, rule in KEYS.items()
        if pattern.startswith(("networks.*.", "volumes.*.")) and rule not in (FREE, INSIDE)
    }
    assert tried == judges


def test_what_most_files_ask_for_is_allowed(tmp_path: Path) -> None:
    file = compose(
        tmp_path,
        compose="""\
        services:
          web:
            image: nginx
            command: [nginx]
            ports: ["8080:80", "127.0.0.1:9000:9000", "7000"]
            environment: {A: b}
            volumes: ["data:/data", "/anonymous", {type: tmpfs, target: /t}]
            networks: {front: {aliases: [w]}}
            cap_drop: [ALL]
            cap_add: [NET_BIND_SERVICE, chown]
            security_opt: ["no-new-privileges:true"]
            sysctls: {net.core.somaxconn: 1024, net.ipv4.tcp_syncookies: 0}
            deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 1g, pids: 100}}}
            healthcheck: {test: [CMD, "true"], interval: 5s}
            logging: {driver: json-file, options: {max-size: 10m, tag: "{{.Name}}/{{ .ID }}"}}
            labels: {team: web}
            ulimits: {nofile: 1024}
            shm_size: 64m
            init: true
            user: "1000"
            tmpfs: /run
            stop_grace_period: 5s
            pid: "service:db"
            depends_on: [db]
          db: {image: mariadb, restart: always}
        networks: {front: {internal: true}}
        volumes: {data: {}}
        x-anything: {a: [1]}
        """,
    )
    assert judged(file) == []


def patterns(shape: Shape, pattern: str = "") -> Iterator[str]:
    """Every key that the table of Compose keys knows, as a pattern; what has a class of its own
    has it for all that stands in it."""
    if pattern and (rule := KEYS.get(pattern)) is not None and rule is not INSIDE:
        yield pattern
        return
    if isinstance(shape, Either):
        for inner in shape.shapes:
            yield from patterns(inner, pattern)
    elif isinstance(shape, Items) and isinstance(shape.item, (Object, Either)):
        yield f"{pattern}[]"
        yield from patterns(shape.item, f"{pattern}[]")
    elif isinstance(shape, Table) and isinstance(shape.entry, (Object, Either)):
        yield f"{pattern}.*"
        yield from patterns(shape.entry, f"{pattern}.*")
    elif isinstance(shape, Object):
        for key, row in shape.entries.items():
            yield f"{pattern}.{key}".lstrip(".")
            yield from patterns(row.shape, f"{pattern}.{key}".lstrip("."))


def test_every_compose_key_has_a_class() -> None:
    known = set(patterns(TOP))
    assert len(known) > 100
    assert not known - set(KEYS), "keys without a class"


def test_every_class_is_of_a_key_that_there_is() -> None:
    assert not set(KEYS) - set(patterns(TOP))


def test_every_key_that_is_not_free_is_tried() -> None:
    for pattern, rule in KEYS.items():
        if rule in (FREE, INSIDE) or not pattern.startswith("services.*."):
            continue
        key = pattern.removeprefix("services.*.")
        outer = key.partition("[")[0].partition(".*")[0]
        limits = rule.name in ("cpus", "memory", "pids", "swap")  # tried where a policy sets one
        assert outer in SERVICE or outer.partition(".")[0] in SERVICE or limits, key


def test_what_is_no_key_at_all_is_refused() -> None:
    document = {
        "name": "web",
        "services": {"web": {"image": "x", "quantum": True, "cap_add": "SYS_ADMIN"}},
        "tunnels": {"a": {}},
    }
    found = {fault.path for fault in judge(App.of(document), BOUNDS)}
    assert found == {("services", "web", "quantum"), ("services", "web", "cap_add"), ("tunnels",)}


@pytest.mark.parametrize(
    "spec",
    [
        {"cap_add": {"SYS_ADMIN": 1}},
        {"cap_add": [["SYS_ADMIN"]]},
        {"sysctls": ["kernel.panic=1"]},
        {"labels": ["traefik.enable=true"]},
        {"privileged": "false"},
        {"privileged": 1},
        {"devices": {"source": "/dev/sda"}},
        {"devices": "/dev/sda"},
        {"volumes": {"type": "bind"}},
        {"ports": [{"target": 80, "published": "80", "evil": True}]},
        {"ports": [{"target": 80, "published": "8080,80"}]},
        {"gpus": [{"count": "all"}]},
        {"networks": [["x"]]},
        {"network_mode": ["host"]},
        {"oom_score_adj": "-5"},
        {"shm_size": [1]},
        {"security_opt": "seccomp=unconfined"},
    ],
    ids=str,
)
def test_a_form_that_no_loader_makes_is_refused(spec: dict[str, Any]) -> None:
    document = {"name": "web", "services": {"web": {"image": "x", **spec}}}
    try:
        app = App.of(document)
    except Exception:  # the broker refuses it before it is judged
        return
    assert list(judge(app, BOUNDS))


def test_the_cluster_file_widens_and_narrows(tmp_path: Path) -> None:
    file = compose(
        tmp_path,
        compose="""\
        services:
          web:
            image: x
            cap_add: [NET_ADMIN]
            volumes: ["/srv/data:/data", "/srv/data/inner:/inner", "/srv/database:/b"]
            gpus: [{count: 2}]
            ports: ["80:80", "30000:1"]
            labels: {traefik.http.routers.a.rule: x, traefik.enable: "true"}
            mem_limit: 2g
        """,
    )
    wide = Policy(
        binds=("/srv/data/",),
        capabilities=("NET_ADMIN",),
        gpus=2,
        lowest_port=1,
        labels=("traefik.http.",),
        memory=1 << 30,
        cpus=2,
    )
    app = load([file], env={}, project_name="web").app
    found = [".".join(map(str, fault.path[2:])) for fault in judge(app, Bounds(wide, Ports(1, 99)))]
    assert sorted(found) == [
        "",
        "labels",
        "mem_limit",
        "ports.1.published",
        "volumes.1",
        "volumes.2",
    ]


def making(app: App, spec_labels: bool = True) -> Making:
    name = "bob_web-web-1"
    identity = Identity("lab", "bob", "web", "web", 1, project="bob_web")
    return Making(
        app=app,
        service=app.services["web"],
        slot=Slot("web", 1),
        project="bob_web",
        name=name,
        labels=write(identity, name=name, seal=None),
    )


_NO_FIELD = (
    *("deploy.resources.reservations.devices", "provider", "use_api_socket", "post_start"),
    "deploy.resources.reservations.generic_resources",
)
"""What comes to nothing in a container's body, or to the same as another key."""


@pytest.mark.parametrize(("key", "value"), [*SERVICE.items(), *MORE], ids=lambda text: text)
def test_the_body_it_would_become_is_refused_too(tmp_path: Path, key: str, value: str) -> None:
    if key in (*_NO_FIELD, "pre_stop", "isolation", "build") or "10.0.0.1" in value:
        return
    if key.startswith("build."):
        return  # it goes into no container's body; see what a build is asked for with
    app = load([compose(tmp_path, **direct(key, value))], env={}, project_name="web").app
    body = container_body(making(app))
    assert list(bodies.container(body, BOUNDS, OWNED)), body


@pytest.mark.parametrize("text", TOP_LEVEL)
def test_so_are_those_of_networks_and_volumes(tmp_path: Path, text: str) -> None:
    mounts = "volumes: ['vol:/v']" if text.startswith("volumes") else ""
    file = compose(tmp_path, compose=f"services: {{web: {{image: x, {mounts}}}}}\n{text}\n")
    app = load([file], env={}, project_name="web").app
    if mounts:
        made = volume_body("bob_web_vol", app.volumes["vol"], {})
        assert list(bodies.volume(made, BOUNDS, OWNED))
    else:
        made = network_body("bob_web_default", app.networks["default"], {}, overlay=True)
        assert list(bodies.network(made, BOUNDS, OWNED))


def test_the_bodies_of_what_is_allowed_pass(tmp_path: Path) -> None:
    file = compose(
        tmp_path,
        compose="""\
        services:
          web:
            image: nginx
            ports: ["8080:80"]
            volumes: ["data:/data", "/anonymous", {type: tmpfs, target: /t}]
            networks: {front: {aliases: [w], interface_name: eth9}}
            cap_drop: [ALL]
            cap_add: [NET_BIND_SERVICE]
            security_opt: ["no-new-privileges:true"]
            sysctls: {net.core.somaxconn: 1024}
            deploy: {resources: {limits: {cpus: "0.5", memory: 1g, pids: 100}}}
            healthcheck: {test: [CMD, "true"], interval: 5s}
            logging: {driver: json-file, options: {max-size: 10m}}
            ulimits: {nofile: 1024}
            extra_hosts: ["a:1.2.3.4"]
            dns: [1.1.1.1]
            init: true
            tmpfs: /run
            restart: always
            links: ["db:d"]
            external_links: ["other-db-1:o"]
          db: {image: mariadb, networks: [front]}
        networks: {front: {internal: true}}
        volumes: {data: {}}
        """,
    )
    app = load([file], env={}, project_name="web").app
    assert list(bodies.container(container_body(making(app)), BOUNDS, OWNED)) == []
    front = network_body("bob_web_front", app.networks["front"], {}, overlay=True)
    assert list(bodies.network(front, BOUNDS, OWNED)) == []
    assert list(bodies.volume(volume_body("bob_web_data", {}, {}), BOUNDS, OWNED)) == []


@pytest.mark.parametrize(
    "config",
    [
        {"Binds": ["carol_web_data:/x"]},
        {"Binds": ["/var/lib/nap/files/carol_web/a/content:/x"]},
        {"Binds": ["/var/lib/nap/files/bob_web/../carol_web/a:/x"]},
        {"Binds": ["/var/lib/nap/files:/x"]},
        {"Binds": ["/var/lib/nap:/x"]},
        {"Mounts": [{"Type": "volume", "Source": "carol_web_data", "Target": "/x"}]},
        {"Mounts": [{"Type": "bind", "Source": "", "Target": "/x"}]},
        {"Mounts": [{"Type": "volume", "VolumeOptions": {"DriverConfig": {"Name": "x"}}}]},
        {"Mounts": [{"Type": "volume", "BrandNewField": True}]},
        {"Mounts": [{"Type": "volume", "BindOptions": {"BrandNewField": True}}]},
        {"Mounts": [{"Type": "tmpfs", "Target": "/x", "TmpfsOptions": {"Options": [["exec"]]}}]},
        {"Mounts": [{"Type": "volume", "BindOptions": {"Propagation": "brand-new"}}]},
        {"Binds": ["bob_web_data:/x:rw,rshared"]},
        {"Binds": ["bob_web_data:/x:brand-new"]},
        {"NetworkMode": "carol_web_default"},
        {"NetworkMode": "default"},
        {"NetworkMode": "container:abc"},
        {"VolumesFrom": ["abc"]},
        {"Links": ["carol_web-db-1:db"]},
        {"MaskedPaths": ["/x"]},
        {"Capabilities": ["CAP_SYS_ADMIN"]},
        {"BrandNewField": "x"},
        {"VolumeDriver": "x"},
        {"CgroupnsMode": "host"},
    ],
    ids=str,
)
def test_what_is_another_ones_is_out_of_reach_of_a_body(config: dict[str, Any]) -> None:
    assert list(bodies.container({"Image": "x", "HostConfig": config}, BOUNDS, OWNED))


def test_a_volume_that_stayed_in_place_for_the_owner_is_within_reach_and_no_other() -> None:
    owned = Owned("bob", lambda _: False, in_place={"shop_data"}.__contains__)
    for source, good in (("shop_data", True), ("vault_data", False), ("/shop_data", False)):
        for config in (
            {"Binds": [f"{source}:/data:rw"]},
            {"Mounts": [{"Type": "volume", "Source": source, "Target": "/data"}]},
        ):
            assert good is not bool(list(bodies.host_config(config, BOUNDS, owned))), config


def test_every_way_of_mounting_ones_own_is_within_reach() -> None:
    options = {"NoCopy": True, "Subpath": "a", "Labels": {"a": "b"}}
    volume = {"Type": "volume", "Source": "bob_web_data", "Target": "/x", "VolumeOptions": options}
    memory = {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 448}}
    config = {
        "Binds": ["bob_web_data:/y", "bob_web_data:/z:ro,Z,rprivate"],
        "Mounts": [volume, {**memory, "ReadOnly": False, "Consistency": "cached"}],
    }
    assert list(bodies.container({"HostConfig": config}, BOUNDS, OWNED)) == []


def test_what_nap_brought_for_the_owner_and_the_pool_are_within_reach() -> None:
    owned = Owned("bob", lambda _: True, "/mnt/mfs/nap", "/mnt/mfs")
    binds = ["/var/lib/nap/files/bob_web/a/content:/x:ro", "/run/nap/secrets/bob_web/s/content:/s"]
    config = {"Binds": binds, "PidMode": "container:abc", "VolumesFrom": ["abc:ro"]}
    assert not list(bodies.host_config(config, BOUNDS, owned))
    pool = {"type": "none", "o": "bind", "device": "/mnt/mfs/nap/bob/web/data"}
    assert not list(bodies.volume({"Name": "bob_web_d", "DriverOpts": pool}, BOUNDS, owned))
    for device in (
        "/mnt/mfs/nap",
        "/mnt/mfs/nap/carol/web/data",
        "/mnt/mfs/nap/bob",
        "/mnt/mfs/nap/bob/../carol/web/data",
        "/",
        "/mnt/mfs",
    ):
        opts = {**pool, "device": device}
        assert list(bodies.volume({"Name": "bob_web_d", "DriverOpts": opts}, BOUNDS, owned))


def test_nobody_gets_into_a_container_that_their_role_could_not_make() -> None:
    plain = {
        "Binds": None,
        "NetworkMode": "bob_web_default",
        "ConsoleSize": [0, 0],
        "CapAdd": None,
        "MaskedPaths": ["/proc/acpi"],
        "ReadonlyPaths": ["/proc/bus"],
        "Runtime": "",
    }
    assert not list(bodies.running({"HostConfig": plain}, BOUNDS, OWNED))
    for field, value in (
        ("Privileged", True),
        ("Binds", ["/:/host"]),
        ("PidMode", "host"),
        ("MaskedPaths", []),
        ("CapAdd", ["CAP_SYS_ADMIN"]),
        ("NetworkMode", "host"),
    ):
        assert list(bodies.running({"HostConfig": {**plain, field: value}}, BOUNDS, OWNED)), field


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"networkmode": "host"}, "the network of a build 'host' is not allowed"),
        ({"networkmode": "container:x"}, "the network of a build"),
        ({"isolation": "hyperv"}, "another isolation"),
        ({"shmsize": str(1000 << 30)}, "/dev/shm is"),
        ({"ulimits": '[{"Name": "rtprio", "Soft": 1, "Hard": 99}]'}, "the limit rtprio"),
        ({"ulimits": "rtprio=99"}, "can't be told"),
        ({"securityopt": "[]x"}, ""),
    ],
)
def test_what_a_build_is_asked_for_with(query: dict[str, str], why: str) -> None:
    plain = {"version": "1", "t": "bob_web-web", "dockerfile": "Dockerfile", "pull": "1"}
    assert not list(bodies.build(plain, BOUNDS))
    (verdict,) = bodies.build({**plain, **query}, BOUNDS)
    assert why in verdict.why


def test_a_build_takes_no_more_than_the_policy_lets_it() -> None:
    bounds = Bounds(Policy(memory=1 << 30, cpus=1.5))
    assert bodies.limits_of_a_build({}, bounds) == {
        "memory": str(1 << 30),
        "cpuperiod": "100000",
        "cpuquota": "150000",
    }
    assert "memory" not in bodies.limits_of_a_build({"memory": "5"}, bounds)
    assert list(bodies.build({"memory": str(2 << 30)}, bounds))


def test_processes() -> None:
    body = {"Cmd": ["id"], "Tty": True, "User": "0"}
    assert not list(bodies.process(body, BOUNDS))
    for more in ({"Privileged": True}, {"NewField": 1}):
        assert list(bodies.process({**body, **more}, BOUNDS))


def test_naps_own_container_reaches_its_folders_and_the_owners_volumes() -> None:
    owned = Owned("bob", lambda _: True, "/mnt/mfs/nap", "/mnt/mfs")

    def config(*binds: str, **more: Any) -> dict[str, Any]:
        return {"HostConfig": {"NetworkMode": "none", "Binds": list(binds), **more}}

    pool = {"Type": "bind", "Source": "/mnt/mfs", "Target": "/nap/mfs"}
    fine = config("/var/lib/nap/files:/nap/files", "bob_web_data:/nap/volume", Mounts=[pool])
    assert not list(bodies.helper(fine, owned))
    new = f"/mnt/mfs/nap/.new/{'0a' * 16}"
    assert not list(bodies.helper(config(Mounts=[{**pool, "Source": new}]), owned))
    for wrong in (
        config(Mounts=[{**pool, "Source": "/mnt/mfs/nap/.new/../carol"}]),
        config(Mounts=[{**pool, "Source": "/mnt/mfs/nap/.new"}]),
        config(Mounts=[{**pool, "Source": "/mnt/mfs/nap/carol/shop/data"}]),
        config("/:/nap/x"),
        config("carol_web_data:/nap/x"),
        config("/var/lib/nap:/nap/x"),
        config(Mounts=[{**pool, "Source": "/"}]),
        config(Privileged=True),
        config(NetworkMode="host"),
    ):
        assert list(bodies.helper(wrong, owned))


@pytest.mark.parametrize(
    ("ipam", "allowed"),
    [
        ({"Config": [{"Subnet": "10.128.4.0/26"}]}, True),
        ({"Config": [{"Subnet": "10.0.4.0/26"}]}, False),
        ({"Config": [{"Subnet": "10.0.0.0/8"}]}, False),
        ({"Config": [{"Subnet": "10.128.4.0/26", "Gateway": "10.128.4.1"}]}, False),
        ({"Config": [{"Subnet": "10.128.4.0/26"}, {"Subnet": "10.0.4.0/26"}]}, False),
        ({"Driver": "other", "Config": [{"Subnet": "10.128.4.0/26"}]}, False),
        ({"Config": [{"Subnet": "nonsense"}]}, False),
    ],
)
def test_a_networks_addresses_are_out_of_the_clusters_pool(
    ipam: dict[str, Any], allowed: bool
) -> None:
    owned = Owned("bob", lambda _: False, addresses="10.128.0.0/9")
    body = {"Name": "bob_shop_default", "Driver": "overlay", "IPAM": ipam}
    assert (list(bodies.network(body, BOUNDS, owned)) == []) == allowed


def ends_of(**host: Any) -> dict[str, Any]:
    body = bodies.with_ends({"HostConfig": host}, Bounds(), lambda: "json-file")
    found: dict[str, Any] = body["HostConfig"]
    return found


LOGS = {"max-size": "10485760", "max-file": "3"}


def test_what_says_nothing_has_an_end():
    assert ends_of() == {"PidsLimit": 1024, "LogConfig": {"Type": "json-file", "Config": LOGS}}


def test_what_is_said_stays():
    logs = {"Type": "local", "Config": {"max-size": "1m"}}
    found = ends_of(PidsLimit=7, LogConfig=logs, Tmpfs={"/a": "size=1m", "/b": "", "/c": "ro"})
    assert found["PidsLimit"] == 7
    assert found["LogConfig"] == {"Type": "local", "Config": {**LOGS, "max-size": "1m"}}
    gigabyte = f"size={1 << 30}"
    assert found["Tmpfs"] == {"/a": "size=1m", "/b": gigabyte, "/c": f"ro,{gigabyte}"}


def test_a_mount_in_memory_has_an_end_and_others_stay():
    volume = {"Type": "volume", "Source": "bob_x", "Target": "/x"}
    found = ends_of(Mounts=[volume, {"Type": "tmpfs", "Target": "/t"}])["Mounts"]
    assert found == [
        volume,
        {"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1 << 30}},
    ]


def test_other_drivers_get_no_options_that_they_do_not_know():
    body = bodies.with_ends({}, Bounds(), lambda: "journald")
    assert body["HostConfig"] == {"PidsLimit": 1024}


@pytest.mark.parametrize(
    "host",
    [
        {"Tmpfs": {"/a": "size=2g"}},
        {"Tmpfs": {"/a": "size=1m,size=2g"}},
        {"Tmpfs": {"/a": "size=50%"}},
        {"Tmpfs": {"/a": "size=1m,nr_blocks=9999999"}},
        {"Ulimits": [{"Name": "rtprio", "Soft": 0, "Hard": 1}]},
        {"Ulimits": [{"Name": "NICE", "Soft": 30, "Hard": 30}]},
        {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 1}, "rtprio=1"]},
        {"PortBindings": {"80/tcp": [{"HostIp": "10.0.0.1", "HostPort": "8080"}]}},
        {"Mounts": [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1 << 40}}]},
        {"LogConfig": {"Type": "json-file", "Config": {"max-size": "-1"}}},
        {"LogConfig": {"Type": "json-file", "Config": {"max-size": "2g"}}},
        {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "9999"}}},
        {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "-1"}}},
        {"LogConfig": {"Type": "json-file", "Config": {"max-size": ""}}},
        {"LogConfig": {"Type": "json-file", "Config": {"max-file": "0"}}},
        {"LogConfig": {"Type": "json-file", "Config": {"tag": "{{pad .ID 99999999999 0}}"}}},
        {"LogConfig": {"Type": "local", "Config": {"tag": '{{printf "%1000000d" 1}}'}}},
        {"LogConfig": {"Type": "local", "Config": {"tag": "{{range .Config}}{{.}}{{end}}"}}},
        {"LogConfig": {"Type": "local", "Config": {"tag": "{{.ID | json}}"}}},
        {"LogConfig": {"Type": "local", "Config": {"tag": "x" * 201}}},
        {"PidsLimit": -1},
        {"PidsLimit": 4097},
    ],
    ids=str,
)
def test_nobody_asks_for_what_has_no_end(host):
    assert list(bodies.container({"HostConfig": host}, Bounds(), OWNED))


LONG = "x" * 300_000


@pytest.mark.parametrize(
    "body",
    [
        {"Labels": {"note": LONG}},
        {"Labels": {str(n): "x" * 100 for n in range(2000)}},
        {"Cmd": ["echo", LONG]},
        {"HostConfig": {"Mounts": [{"Type": "volume", "Source": "bob_x", "Target": f"/{LONG}"}]}},
    ],
    ids=["label", "labels", "command", "mount"],
)
def test_what_engines_list_to_everybody_has_an_end(body):
    assert list(bodies.container(body, BOUNDS, OWNED))


def test_what_they_list_to_nobody_may_be_long():
    ports = {f"{port}/tcp": [{"HostIp": "", "HostPort": str(port)}] for port in range(20000, 32000)}
    body = {
        "Env": [f"A={LONG}"],
        "ExposedPorts": {port: {} for port in ports},
        "HostConfig": {"PortBindings": ports},
    }
    assert not list(bodies.container(body, BOUNDS, OWNED))


@pytest.mark.parametrize(
    "more",
    [
        {"document": {"name": "web", "services": {}, "x-note": LONG * 20}},
        {"files": tuple(f"/{n}/{LONG}" for n in range(20))},
        {"working_dir": f"/{LONG * 20}"},
        {"profiled_out": ("x" * 6_000_000,)},
        {"content": {"config:a": {"kind": "content", "digest": LONG * 20}}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_is_kept_of_an_app_has_an_end(more):
    plain = {"document": {"name": "web", "services": {}}}
    assert not list(judge(App.of(**plain), BOUNDS))
    (fault,) = judge(App.of(**{**plain, **more}), BOUNDS)
    assert "and 4MiB is the most" in fault.message


@pytest.mark.parametrize("of", [bodies.network, bodies.volume])
def test_nor_has_a_network_or_a_volume_labels_without_end(of):
    body = {"Name": "bob_x", "Driver": "local" if of is bodies.volume else "bridge"}
    assert not list(of({**body, "Labels": {"note": "x"}}, BOUNDS, OWNED))
    assert list(of({**body, "Labels": {"note": LONG}}, BOUNDS, OWNED))


@pytest.mark.parametrize(
    ("lines", "where"),
    [
        ("mem_limit: 1g\nmemswap_limit: -1\ncpus: 1", "memswap_limit"),
        ("mem_limit: 1g\nmemswap_limit: 3g\ncpus: 1", "memswap_limit"),
        ("mem_limit: 1g\ncpus: 0.0000000001", "cpus"),
        ("mem_limit: 0.4b\ncpus: 1", ""),
        (
            "deploy: {resources: {limits: {cpus: 1, memory: 1g}}}\nmemswap_limit: 2049m",
            "memswap_limit",
        ),
        ("deploy: {resources: {limits: {cpus: '1e-12', memory: 1g}}}", "deploy"),
    ],
)
def test_a_limit_so_small_that_it_is_none_is_none(tmp_path: Path, lines: str, where: str) -> None:
    bounds = Bounds(Policy(cpus=1, memory=1 << 30))
    text = "services:\n  web:\n    image: x\n" + textwrap.indent(lines, "    ")
    app = load([compose(tmp_path, compose=text)], env={}, project_name="web").app
    assert [".".join(map(str, fault.path[2:3])) for fault in judge(app, bounds)] == [where]
    body = container_body(making(app))
    if where:
        assert list(bodies.container(body, bounds, OWNED)), body


@pytest.mark.parametrize(
    ("lines", "good"),
    [
        ("deploy: {resources: {reservations: {cpus: '1', memory: 1g}}}", True),
        ("deploy: {resources: {reservations: {cpus: '2'}}}", False),
        ("deploy: {resources: {reservations: {memory: 2g}}}", False),
        ("mem_reservation: 2g", False),
    ],
)
def test_nor_is_more_kept_free_than_may_be_used(tmp_path: Path, lines: str, good: bool) -> None:
    bounds = Bounds(Policy(cpus=1, memory=1 << 30))
    text = f"services:\n  web:\n    image: x\n    cpus: 0.1\n    mem_limit: 1g\n    {lines}\n"
    app = load([compose(tmp_path, compose=text)], env={}, project_name="web").app
    assert (list(judge(app, bounds)) == []) is good


@pytest.mark.parametrize(
    "request_",
    [
        {"count": -2},
        {"count": 0},
        {"count": 0.5},
        {"count": True},
        {"count": "two"},
        {"device_ids": ["all"]},
        {"device_ids": ["0,1"]},
        {"device_ids": ["nvidia.com/gpu=all"]},
        {"device_ids": "0"},
        {"device_ids": [0]},
    ],
    ids=str,
)
def test_what_an_engine_takes_for_more_gpus_is_no_number_of_them(request_: dict[str, Any]) -> None:
    """Any number below 0 is all of them, as one id may be; with 0 the environment chooses."""
    bounds = Bounds(Policy(gpus=1))
    app = App.of({"name": "web", "services": {"web": {"image": "x", "gpus": [request_]}}})
    assert list(judge(app, bounds))
    body = {"".join(word.title() for word in k.split("_")): v for k, v in request_.items()}
    body = {k.replace("Ids", "IDs"): v for k, v in body.items()}
    assert list(bodies.host_config({"DeviceRequests": [body]}, bounds, OWNED))


@pytest.mark.parametrize(
    ("first", "second"), [({"count": 2}, {"count": -1}), ({"count": -5}, {"count": 6})], ids=str
)
def test_no_request_makes_up_for_another(first: dict[str, Any], second: dict[str, Any]) -> None:
    app = App.of({"name": "web", "services": {"web": {"image": "x", "gpus": [first, second]}}})
    assert list(judge(app, Bounds(Policy(gpus=1))))


def test_a_gpu_by_its_name_is_one() -> None:
    ids = ["0", "1:0", "GPU-9b1c2d3e-0000-1111-2222-333344445555", "MIG-GPU-9b1c/1/0"]
    config = {"DeviceRequests": [{"Count": 0, "DeviceIDs": ids, "Capabilities": [["gpu"]]}]}
    for gpus, good in ((4, True), (3, False)):
        found = bodies.host_config(config, Bounds(Policy(gpus=gpus)), OWNED)
        assert (list(found) == []) is good


def test_devices_that_are_no_gpus_are_counted_by_nobody_but_placement(tmp_path: Path) -> None:
    key = "deploy.resources.reservations.generic_resources"
    for what, good in (
        ("{kind: licence, value: 4}", True),
        ("{kind: gpu, value: 2}", False),
        ("{kind: gpu, value: -2}", False),
        ("{kind: licence, value: -2}", False),
    ):
        file = compose(tmp_path, **direct(key, f"[{{discrete_resource_spec: {what}}}]"))
        assert (judged(file) == []) is good


def test_swap_beside_the_most_memory_is_as_much_again(tmp_path: Path) -> None:
    bounds = Bounds(Policy(memory=1 << 30))
    for given, good in ((0, True), (2 << 30, True), ((2 << 30) + 1, False), (-1, False)):
        config = {"HostConfig": {"Memory": 1 << 30, "MemorySwap": given}}
        assert (list(bodies.container(config, bounds, OWNED)) == []) is good, given
