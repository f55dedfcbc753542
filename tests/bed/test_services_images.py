"""The bed's images: real software that starts as the images of the same names do elsewhere."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from bed import containers, docker_api, images, lifecycle, proc
from bed.fixture import bring_up
from tests.support import pages
from tests.support.nap import Nap
from tests.support.people import People

pytestmark = pytest.mark.bed

FIRST_APP = "first-app.md"
EXAMPLES = Path(__file__).parents[2] / "examples"
#: a password that would break a careless script
AWKWARD = """it's a "quoted" \\back`slash` $HOME"""


@pytest.fixture(scope="module")
def bed():
    """Everything: these tests also show that all parts come up together."""
    with bring_up("svc-images", only=("hosts", *lifecycle.layout.PARTS)) as bed:
        yield bed


@pytest.fixture(scope="module")
def network(bed):
    containers.create_overlay(bed, bed.hosts, "app")
    return "app"


@pytest.fixture(scope="module")
def run(bed, network):
    """Start a container of an image, with the network and the names of the others."""

    def run(host, name, image, environment=(), ports=None, **body):
        images.load(host, [image])
        body |= {"Image": image, "Env": [f"{key}={value}" for key, value in environment]}
        bindings = {
            f"{inside}/tcp": [{"HostPort": str(out)}] for inside, out in (ports or {}).items()
        }
        body["HostConfig"] = {"NetworkMode": network, "PortBindings": bindings}
        docker_api.call(host, "POST", "/containers/create", body, query={"name": name})
        docker_api.call(host, "POST", f"/containers/{name}/start")

    return run


@pytest.fixture(scope="module")
def database(bed, run):
    """MariaDB on the third host."""
    settings = {
        "MARIADB_ROOT_PASSWORD": "root" + AWKWARD,
        "MARIADB_DATABASE": "word_press",
        "MARIADB_USER": "o'wner",
        "MARIADB_PASSWORD": AWKWARD,
    }
    host = bed.hosts[2]
    run(host, "db", "mariadb:10.11", settings.items())
    check = ("healthcheck.sh", "--connect", "--innodb_initialized")
    proc.wait_for(lambda: containers.execute(host, "db", *check)[0] == 0, 60, "the database")
    return host


def page(host, port, path="/", data=None):
    with urllib.request.urlopen(f"http://{host.ip}:{port}{path}", data, timeout=10) as answer:
        return answer.read().decode()


def tries(what):
    def attempt():
        try:
            return what()
        except (OSError, urllib.error.URLError):
            return None

    return proc.wait_for(attempt, 60, "an answer")


def mariadb(host, *words, user, password):
    script = ["mariadb", f"--user={user}", f"--password={password}", "--batch", "-N", *words]
    return containers.execute(host, "db", *script)


def test_all_parts_of_the_bed_are_up(bed):
    rows = {name: state for name, state, _ in lifecycle.status(bed)}
    assert all(state.startswith(("up", "ready")) for state in rows.values()), rows
    assert {"consul", "mariadb", "ldap", "moosefs", "registry", "images"} <= set(rows)


def test_the_cluster_file_has_a_section_of_each_service(bed):
    file = yaml.safe_load(bed.cluster_file.read_text())
    assert {"consul", "database", "ldap", "storage"} <= set(file)
    named = [file["consul"]["ca"], file["database"]["ca"], file["ldap"]["ca"]]
    named += [file["consul"]["token_file"], file["database"]["password_file"]]
    assert all((bed.directory / path).is_file() for path in named)


def test_bringing_it_up_again_is_quick_and_changes_nothing(bed):
    before = {name: proc.pid_of(bed, name) for name in proc.names(bed)}
    began = time.monotonic()
    lifecycle.up(bed.name)
    assert time.monotonic() - began < 40
    assert {name: proc.pid_of(bed, name) for name in proc.names(bed)} == before


def test_the_images_are_on_the_first_host_and_in_the_registry_only(bed):
    first, second, _ = bed.hosts
    assert images.missing(first, images.NAMES) == []
    assert images.missing(second, images.NAMES) == list(images.NAMES)
    catalogue = json.load(urllib.request.urlopen(f"http://{bed.registry}/v2/_catalog"))
    assert set(catalogue["repositories"]) == {name.split(":")[0] for name in images.NAMES}


def test_the_examples_use_images_that_the_bed_has():
    for file in sorted(EXAMPLES.glob("*/app.yml")):
        services = yaml.safe_load(file.read_text())["services"].values()
        wanted = {service["image"] for service in services} - {"nap:1"}  # a person's own
        assert wanted <= set(images.NAMES), file


def test_mariadb_makes_what_its_settings_say(database):
    code, output = mariadb(database, "-e", "SHOW DATABASES", user="o'wner", password=AWKWARD)
    assert code == 0, output
    assert "word_press" in output
    assert "mysql" not in output.split()
    code, output = mariadb(database, "-e", "SELECT 1", user="root", password="root" + AWKWARD)
    assert code == 0, output


def test_mariadb_keeps_its_data_and_refuses_wrong_passwords(database):
    create = "CREATE TABLE word_press.t AS SELECT 42 AS x"
    code, output = mariadb(database, "-e", create, user="o'wner", password=AWKWARD)
    assert code == 0, output
    docker_api.call(database, "POST", "/containers/db/restart")
    ask = ("-e", "SELECT x FROM word_press.t")

    def answer():
        code, output = mariadb(database, *ask, user="o'wner", password=AWKWARD)
        return output if code == 0 else None

    assert "42" in proc.wait_for(answer, 30, "the database to be back")
    assert mariadb(database, *ask, user="o'wner", password="guess")[0] == 1


def test_mariadb_without_a_password_says_what_is_missing(bed, run):
    run(bed.hosts[0], "bare", "mariadb:10.11")
    end = docker_api.call(bed.hosts[0], "POST", "/containers/bare/wait")
    logs = docker_api.call(bed.hosts[0], "GET", "/containers/bare/logs", query={"stderr": "1"})
    assert end["StatusCode"] == 1
    assert "set MARIADB_ROOT_PASSWORD" in logs


def test_wordpress_serves_its_page_with_the_database_on_another_host(bed, run, database):
    settings = {
        "WORDPRESS_DB_HOST": "db",
        "WORDPRESS_DB_USER": "o'wner",
        "WORDPRESS_DB_PASSWORD": AWKWARD,
        "WORDPRESS_DB_NAME": "word_press",
    }
    host = bed.hosts[0]
    run(host, "wordpress", "wordpress:6", settings.items(), ports={80: 8080})
    assert "<title>WordPress" in tries(lambda: page(host, 8080))
    site = {
        "weblog_title": "Bed",
        "user_name": "admin",
        "admin_password": AWKWARD,
        "admin_password2": AWKWARD,
        "pw_weak": "on",
        "admin_email": "admin@example.org",
    }
    form = urllib.parse.urlencode(site).encode()
    assert "Success" in page(host, 8080, "/wp-admin/install.php?step=2", form)
    assert "<title>Bed" in page(host, 8080)


def test_the_guestbook_remembers_between_replicas(bed, run):
    run(bed.hosts[1], "redis", "redis:7", Cmd=["redis-server", "--appendonly", "yes"])
    for number, host in enumerate(bed.hosts[:2], start=1):
        run(host, f"guest{number}", "guestbook:1", ports={8000: 8000})
    tries(lambda: page(bed.hosts[0], 8000, "/", b"line=hello+there"))
    seen = tries(lambda: page(bed.hosts[1], 8000))
    assert "hello there" in seen


def test_nginx_serves_its_folder_and_logs_to_the_engine(bed, run):
    host = bed.hosts[1]
    run(host, "nginx", "nginx:1", ports={80: 8081})
    assert "Welcome to nginx!" in tries(lambda: page(host, 8081))
    logs = docker_api.call(host, "GET", "/containers/nginx/logs", query={"stdout": "1"})
    assert '"GET / HTTP/1.1" 200' in logs


def test_the_page_for_who_begins_does_what_it_says(bed, tmp_path):
    images.load(bed.hosts[1], ["nginx:1"])
    tag = {"repo": "nginx", "tag": "1.27"}
    docker_api.call(bed.hosts[1], "POST", "/images/nginx:1/tag", query=tag)
    folder = tmp_path / "hello"
    folder.mkdir()
    file = folder / "compose.yaml"
    (text,) = re.findall(r"```yaml\n(.*?)```", (pages.DOCS / FIRST_APP).read_text(), re.DOTALL)
    file.write_text(dedent(text))
    bob = Nap(folder, bed.cluster_file)
    said = []
    for command in pages.texts(FIRST_APP):
        if command == "nap login":
            People(bed, tmp_path).logs_in(bob, "bob")
        elif command == "nap logs -f":
            with bob.start("logs", "-f") as following:
                next(line for line in following.process.stdout if "GET / " in line)
                following.signal(signal.SIGINT)
        elif command.startswith("nap "):
            said.append(bob(*command.split()[1:]).out)
        else:
            subprocess.run(["sh", "-c", command], cwd=folder, check=True)
        if command == "nap ps":
            urls = [url for row in bob.rows("hello").values() for url in row["URLs"]]
            assert [urllib.request.urlopen(url).read() for url in urls] == [b"Hello\n"] * 2
            file.write_text(file.read_text() + "    environment: {COLOUR: green}\n")
    differs, revisions, _ = said[-3:]
    assert "COLOUR" in differs
    assert len(revisions.splitlines()) == 3, "a head, and two revisions"
    assert {row["Revision"] for row in bob.rows("hello").values()} == {3}, "the first once more"
    bob("down", "hello")


@pytest.mark.parametrize("image", images.NAMES)
def test_each_image_runs_a_command_as_it_is(bed, image):
    name = image.split(":")[0] + "-shell"
    body = {"Image": image, "Cmd": ["sh", "-c", "echo runs"]}
    host = bed.hosts[0]
    docker_api.call(host, "POST", "/containers/create", body, query={"name": name})
    docker_api.call(host, "POST", f"/containers/{name}/start")
    assert docker_api.call(host, "POST", f"/containers/{name}/wait")["StatusCode"] == 0
    logs = docker_api.call(host, "GET", f"/containers/{name}/logs", query={"stdout": "1"})
    assert "runs" in logs
