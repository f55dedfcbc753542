"""Files into an App: what is found, what wins, and what a person is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nap_compose.compose.layers import Options
from nap_compose.compose.loader import Loaded, load
from nap_compose.compose.model import App, Condition
from nap_compose.compose.render import render
from nap_compose.errors import BadFile, BadFiles
from nap_compose.exits import Exit

WEB = "services: {web: {image: nginx}}\n"


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(folder: Path, text: str, **more: Any) -> Loaded:
    write(folder, {"compose.yaml": text})
    return load(cwd=folder, **more)


def faults(folder: Path, text: str, **more: Any) -> list[str]:
    """What a person is told of a bad file, with the folder left out."""
    with pytest.raises(BadFile) as error:
        read(folder, text, **more)
    found = error.value.faults if isinstance(error.value, BadFiles) else (error.value,)
    assert all(fault.exit_code is Exit.WRONG_USE for fault in found)
    return [str(fault).replace(f"{folder}/", "") for fault in found]


def test_an_app_is_read_in_types(tmp_path: Path) -> None:
    app = read(
        tmp_path,
        """
name: shop
services:
  web:
    image: nginx
    ports: ["8080:80", "127.0.0.1:53:53/udp"]
    depends_on: {db: {condition: service_healthy}}
    deploy: {replicas: 3}
    volumes: ["data:/d:ro", ./conf:/c]
  db: {image: mariadb}
volumes: {data: }
""",
    ).app
    web = app.services["web"]
    assert (app.name, web.image, web.replicas) == ("shop", "nginx", 3)
    assert [(p.target, p.published, p.protocol, p.host_ip) for p in web.ports] == [
        (80, "8080", "tcp", ""),
        (53, "53", "udp", "127.0.0.1"),
    ]
    assert web.depends_on[0].condition is Condition.HEALTHY
    assert [(m.type, m.source, m.target, m.read_only) for m in web.mounts] == [
        ("volume", "data", "/d", True),
        ("bind", str(tmp_path / "conf"), "/c", False),
    ]
    assert app.volumes["data"]["name"] == "shop_data"
    assert app.networks["default"]["name"] == "shop_default"
    assert app.files == (str(tmp_path / "compose.yaml"),)


def test_an_app_comes_back_from_its_document(tmp_path: Path) -> None:
    app = read(tmp_path, WEB).app
    document = json.loads(json.dumps(app.document))
    assert App.of(document, app.working_dir, app.files, app.profiled_out) == app


@pytest.mark.parametrize("name", ["compose.yaml", "compose.yml", "docker-compose.yml"])
def test_files_are_found_in_the_folders_above(tmp_path: Path, name: str) -> None:
    write(tmp_path, {name: WEB, "a/b/c.txt": ""})
    assert load(cwd=tmp_path / "a" / "b").app.working_dir == str(tmp_path)


def test_the_first_name_wins_and_brings_its_override(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "compose.yaml": WEB,
            "docker-compose.yml": "services: {old: {image: x}}",
            "compose.override.yml": "services: {web: {hostname: h}}",
        },
    )
    app = load(cwd=tmp_path).app
    assert list(app.services) == ["web"]
    assert app.services["web"].spec["hostname"] == "h"


def test_a_named_file_brings_no_override(tmp_path: Path) -> None:
    write(tmp_path, {"compose.override.yaml": "services: {web: {hostname: h}}"})
    write(tmp_path, {"compose.yaml": WEB})
    app = load(["compose.yaml"], cwd=tmp_path).app
    assert "hostname" not in app.services["web"].spec


def test_naps_own_variables_go_before_composes(tmp_path: Path) -> None:
    write(tmp_path, {"one.yaml": WEB, "two.yaml": "services: {two: {image: x}}"})
    env = {"NAP_FILE": "one.yaml", "COMPOSE_FILE": "two.yaml", "NAP_PROJECT_NAME": "mine"}
    app = load(cwd=tmp_path, env=env).app
    assert (app.name, list(app.services)) == ("mine", ["web"])


def test_standard_input(tmp_path: Path) -> None:
    app = load(["-"], cwd=tmp_path, project_name="p", stdin=WEB.encode).app
    assert (app.name, app.working_dir, app.files) == ("p", str(tmp_path), ("-",))


def test_unset_variables_warn_once(tmp_path: Path) -> None:
    loaded = read(tmp_path, "services: {a: {image: 'x$NO', hostname: $NO, domainname: '${B:-b}'}}")
    assert loaded.warnings == ('The "NO" variable is not set. Defaulting to a blank string.',)


def test_what_no_shell_runs_is_warned_of(tmp_path: Path) -> None:
    loaded = read(tmp_path, "services: {a: {image: x, command: migrate && serve}}")
    assert loaded.app.services["a"].spec["command"] == ["migrate"]
    assert loaded.warnings == (
        'services.a.command: no shell runs it, so "&& serve" is dropped: write [sh, -c, "…"]',
    )


def test_services_turn_profiles_on_and_narrow(tmp_path: Path) -> None:
    text = """
services:
  web: {image: x, depends_on: [db]}
  db: {image: y}
  debug: {image: z, profiles: [debug], depends_on: [db]}
"""
    assert set(read(tmp_path, text).app.services) == {"web", "db"}
    assert read(tmp_path, text).app.profiled_out == ("debug",)
    app = read(tmp_path, text, services=["debug"]).app
    assert set(app.services) == {"debug", "db"}
    assert app.profiled_out == ("web",)
    wide = read(tmp_path, text, services=["debug"], narrow=False).app
    assert set(wide.services) == {"web", "db", "debug"}


def test_every_fault_of_a_file_is_told_with_its_place(tmp_path: Path) -> None:
    text = """services:
  web:
    image: nginx
    prots: ["80:80"]
    tty: maybe
    healthcheck:
      interval: soon
  db:
    image: 5
volums: {}
"""
    assert faults(tmp_path, text) == [
        'compose.yaml:4:5: services.web.prots: unknown key "prots"',
        'compose.yaml:5:5: services.web.tty: expected true or false, found the text "maybe"',
        "compose.yaml:7:7: services.web.healthcheck.interval: "
        'expected a time such as 10s or 1m30s, found the text "soon"',
        "compose.yaml:9:5: services.db.image: expected a text, found the number 5",
        'compose.yaml:10:1: volums: unknown key "volums"',
    ]


def test_the_nearest_known_key_is_the_hint(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as error:
        read(tmp_path, "services: {a: {image: x, enviroment: [A=1]}}")
    assert error.value.hint == "did you mean environment?"


def test_faults_of_references_have_places_and_come_together(tmp_path: Path) -> None:
    text = """services:
  web:
    image: nginx
    depends_on:
      - dbb
    volumes:
      - data:/d
    networks:
      - frontt
  db: {image: x}
networks: {front: }
"""
    assert faults(tmp_path, text) == [
        'compose.yaml:5:9: services.web.depends_on.dbb: service "web" depends on undefined '
        'service "dbb"',
        'compose.yaml:7:9: services.web.volumes[0]: service "web" refers to undefined volume '
        '"data"',
        'compose.yaml:9:9: services.web.networks.frontt: service "web" refers to undefined '
        'network "frontt"',
    ]


def test_a_cycle_is_named_whole(tmp_path: Path) -> None:
    text = "services:\n" + "".join(
        f"  {a}: {{image: x, depends_on: [{b}]}}\n" for a, b in ("ab", "bc", "ca")
    )
    assert faults(tmp_path, text)[0].endswith("the dependencies form a cycle: a → b → c → a")


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"compose.yaml": "services: {a: {image: x}}\nports: 1"}, "compose.yaml:2:1"),
        (
            {"compose.yaml": "include: [b.yaml]\n" + WEB, "b.yaml": "services:\n  a: {imag: x}"},
            "b.yaml:2:7",
        ),
        (
            {
                "compose.yaml": "services: {a: {extends: {service: b, file: b.yaml}}}",
                "b.yaml": "services:\n  b: {imag: x}",
            },
            "b.yaml:2:7",
        ),
        ({"compose.yaml": WEB, ".env": "A=1\nB='"}, ".env:2:3"),
        (
            {"compose.yaml": "services: {a: {image: x, env_file: e.env}}", "e.env": "A B"},
            "e.env:1:1",
        ),
        ({"compose.yaml": "services: {a: {image: x, env_file: [no.env]}}"}, "compose.yaml:1:37"),
        ({"compose.yaml": "services:\n  a: {image: '${'}"}, "compose.yaml:2:7"),
        ({"compose.yaml": "include: [no.yaml]\n" + WEB}, "compose.yaml:1:11"),
    ],
)
def test_a_fault_is_placed_in_its_own_file(
    tmp_path: Path, files: Mapping[str, str], where: str
) -> None:
    write(tmp_path, files)
    with pytest.raises(BadFile) as error:
        load(cwd=tmp_path)
    assert str(error.value.place).replace(f"{tmp_path}/", "") == where


def test_no_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as error:
        load(["nope.yaml"], cwd=tmp_path)
    assert error.value.message == f"there is no file {tmp_path}/nope.yaml"
    with pytest.raises(BadFile) as error:
        load(cwd=tmp_path, env={"COMPOSE_FILE": "a.yaml"})
    assert "a.yaml" in error.value.message


def test_a_bad_project_name_has_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as error:
        read(tmp_path, WEB, project_name="My.App")
    assert error.value.hint == "try myapp"


def test_remote_includes_are_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, "include: ['https://example.org/x.git']\n" + WEB)
    assert "is not on this machine" in found[0]


def test_x_nap_is_checked_and_stays(tmp_path: Path) -> None:
    text = "x-nap: {strategy: binpack}\nservices: {a: {image: x, x-nap: {drain: 5s}}}"
    app = read(tmp_path, text).app
    assert app.document["x-nap"] == {"strategy": "binpack"}
    assert app.services["a"].spec["x-nap"] == {"drain": "5s"}
    assert "x-nap" not in json.loads(render(app, "json"))["services"]["a"]
    bad = faults(tmp_path, "services: {a: {image: x, x-nap: {drian: 5s}}}")
    assert 'unknown key "drian"' in bad[0]


def test_without_interpolation_variables_stand(tmp_path: Path) -> None:
    text = "services: {a: {image: 'x:$T', tty: $B, ports: ['${P}:80'], deploy: {replicas: $N}}}"
    app = read(tmp_path, text, options=Options(interpolate=False, consistency=False)).app
    assert app.document["services"]["a"]["image"] == "x:$T"
    assert "x:$T" in render(app, as_written=True)


def test_without_path_resolution_paths_stand(tmp_path: Path) -> None:
    text = "services: {a: {image: x, volumes: ['./a:/a']}}"
    app = read(tmp_path, text, options=Options(resolve_paths=False)).app
    assert app.services["a"].mounts[0].source == "./a"


def test_printed_yaml_reads_back_the_same(tmp_path: Path) -> None:
    text = """
name: again
services:
  a:
    image: x
    command: ["$$HOME", "a\\nb", "0o17", "1e3", "yes", "22:22", ""]
    environment: {A: "0123", B: "null", C: "a: b", D: " x", E: "#"}
"""
    app = read(tmp_path, text).app
    write(tmp_path, {"again.yaml": render(app)})
    assert load(["again.yaml"], cwd=tmp_path).app.document == app.document


def test_variables_and_their_values_are_listed(tmp_path: Path) -> None:
    loaded = read(tmp_path, "services: {a: {image: 'x:${T:-1}'}}", env={"A": "1"})
    assert loaded.variables["T"].default == "1"
    assert loaded.env["A"] == "1"
    assert loaded.env["COMPOSE_PROJECT_NAME"] == loaded.app.name


def test_extends_in_a_circle_names_the_services(tmp_path: Path) -> None:
    text = "services: {a: {image: x, extends: b}, b: {image: x, extends: a}}"
    assert faults(tmp_path, text) == [
        "compose.yaml:1:26: services.a.extends: these services extend each other: a → b → a"
    ]


def test_includes_in_a_circle_name_the_files(tmp_path: Path) -> None:
    write(tmp_path, {"b.yaml": "include: [compose.yaml]\nservices: {b: {image: x}}"})
    assert "include each other" in faults(tmp_path, "include: [b.yaml]\n" + WEB)[0]
