"""Images built on real hosts: by the classic builder and by docker buildx, then on their way to the
hosts that run them, and to a registry and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bed import busybox, docker_api, packages
from bed.errors import BedError
from bed.fixture import bring_up
from bed.layout import Bed, Host
from nap_compose.exits import Exit
from tests.support.apps import Apps, sleeper
from tests.support.nap import Ended, Nap

pytestmark = pytest.mark.bed

AT_ONCE = {"update_config": {"order": "stop-first", "parallelism": 0, "monitor": "0s"}}
CLASSIC = {"DOCKER_BUILDKIT": "0"}
DOCKERFILE = "FROM busybox:1\nARG SAYS\nCOPY . /srv/\nRUN echo $SAYS > /srv/said\n"


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    with bring_up("building", only=("hosts", "consul", "registry")) as bed:
        busybox.load(bed.hosts[0], "busybox:1")
        yield bed


@pytest.fixture
def apps(nap: Nap, bed: Bed, tmp_path: Path) -> Iterator[Apps]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "web" / "page").write_text("one")
    (tmp_path / "web" / "not-for-all").write_text("")
    (tmp_path / "web" / ".dockerignore").write_text("not-*\nDockerfile\n")
    apps = Apps(nap, bed, tmp_path)
    yield apps
    apps.gone()


def built(**more: Any) -> dict[str, Any]:
    build = {"context": "web", "args": {"SAYS": "hello"}, **more.pop("build", {})}
    found = sleeper(build=build, deploy={"replicas": 3, **AT_ONCE}, **more)
    return {key: value for key, value in found.items() if key != "image" or "image" in more}


def images_of(host: Host, name: str) -> list[str]:
    """The ids of the images by that name; more than one can't be."""
    found = docker_api.call(host, "GET", "/images/json")
    return [each["Id"] for each in found if name in (each["RepoTags"] or ())]


def test_the_classic_builder_builds_once_and_all_hosts_have_the_same(
    nap: Nap, bed: Bed, apps: Apps, tmp_path: Path
) -> None:
    file = apps("classic", {"web": built()})
    name = f"{nap.project('classic')}-web:latest"
    ended = nap("up", "-f", file, env=CLASSIC)
    assert ended.err.count("Successfully built") == 1
    (first,) = {image for host in bed.hosts for image in images_of(host, name)}
    assert {row["Host"] for row in nap.rows("classic").values()} == {"h1", "h2", "h3"}
    said = nap("exec", "-T", "-f", file, "web", "ls", "/srv").out.split()
    assert said == ["page", "said"]
    assert nap("exec", "-T", "-f", file, "web", "cat", "/srv/said").out == "hello\n"

    before = nap.ids("classic")
    assert "nothing to do" in nap("up", "-f", file, "--build", env=CLASSIC).out
    (tmp_path / "web" / "page").write_text("two")
    assert "nothing to do" in nap("up", "-f", file, env=CLASSIC).out
    assert "3 replaced" in nap("up", "-f", file, "--build", env=CLASSIC).out
    assert set(before.values()).isdisjoint(nap.ids("classic").values())
    assert pages(nap, file) == {"two"}
    assert {image for host in bed.hosts for image in images_of(host, name)} != {first}


def test_a_build_that_fails_changes_nothing_and_shows_its_last_lines(
    nap: Nap, apps: Apps, tmp_path: Path
) -> None:
    file = apps("failing", {"web": built()})
    (tmp_path / "web" / "Dockerfile").write_text("FROM busybox:1\nRUN echo so far; exit 3\n")
    ended = nap("up", "-f", file, code=Exit.FAILED, env=CLASSIC)
    assert "can't be built: The command '/bin/sh -c echo so far; exit 3' returned" in ended.err
    assert "     so far" in ended.err
    assert apps.left("failing") == []
    ended = nap("up", "-f", file, "--no-build", code=Exit.FAILED)
    assert "web is to be built, and no host has its image" in ended.err


def test_what_needs_buildkit_is_refused_without_it_and_done_with_it(
    nap: Nap, bed: Bed, apps: Apps, tmp_path: Path
) -> None:
    (tmp_path / "pw.txt").write_text("s3cret")
    (tmp_path / "web" / "Dockerfile").write_text(
        "FROM busybox:1\n"
        'RUN --mount=type=secret,id=pw test "$(cat /run/secrets/pw)" = s3cret && echo ok > /ok\n'
    )
    secrets = {"pw": {"file": "./pw.txt"}}
    file = apps("kit", {"web": built(build={"secrets": ["pw"]})}, secrets=secrets)
    ended = nap("build", "-f", file, code=Exit.WRONG_USE, env=CLASSIC)
    line = file.read_text().splitlines().index("      secrets:") + 1
    assert f"kit.yml:{line}:" in ended.errors[0]
    assert "services.web.build.secrets: secrets while it is built needs BuildKit" in ended.err

    env = {"DOCKER_CONFIG": str(with_buildx(tmp_path))}
    ended = nap("up", "-f", file, env=env)
    assert "building with" in ended.err
    assert "using docker driver" in ended.err
    assert "s3cret" not in ended.err.replace("= s3cret", "")
    for number in ("1", "3"):
        words = ("exec", "-T", "--index", number, "-f", file, "web", "cat", "/ok")
        assert nap(*words).out == "ok\n"
    name = f"{nap.project('kit')}-web:latest"
    assert len({image for host in bed.hosts for image in images_of(host, name)}) == 1


def with_buildx(folder: Path) -> Path:
    """A Docker configuration that has the docker buildx command."""
    try:
        unpacked = packages.unpack(["docker-buildx"], "sid")
    except BedError as error:
        pytest.skip(f"Debian's docker-buildx can't be had: {error}")
    plugins = folder / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(
        unpacked / "usr/libexec/docker/cli-plugins/docker-buildx"
    )
    return plugins.parent


def test_to_a_registry_and_back(nap: Nap, bed: Bed, apps: Apps) -> None:
    image = f"{bed.registry}/shop/web:1"
    file = apps("pushed", {"web": built(image=image)})
    nap("build", "-f", file, "--push", env=CLASSIC)
    docker_api.call(bed.hosts[0], "DELETE", f"/images/{image}")
    told = nap("pull", "-f", file, "--dry-run").out.splitlines()
    assert told == [f"would be pulled: {image} on h{number}" for number in (1, 2, 3)]
    assert nap("pull", "-f", file).out == "3 images pulled\n"
    assert all(images_of(host, image) for host in bed.hosts)
    ended = nap("up", "-f", file, "--no-build")
    assert "Successfully built" not in ended.err
    assert nap("push", "-f", file).out == "1 image pushed\n"
    rows = json.loads(nap("build", "-f", file, "--progress", "json", env=CLASSIC).out)
    assert [(row["Service"], row["Names"], row["Host"]) for row in rows] == [("web", [image], "h1")]


def test_each_layer_once_and_a_way_back_to_the_very_image(
    nap: Nap, bed: Bed, apps: Apps, tmp_path: Path
) -> None:
    """The lower layer is large and stays; what lies above it changes."""
    (tmp_path / "web" / "Dockerfile").write_text(
        "FROM busybox:1\nRUN head -c 20000000 /dev/urandom > /big\nCOPY page /srv/\n"
    )
    file = apps("back", {"web": built()})
    first = nap("up", "-f", file, env=CLASSIC)
    (tmp_path / "web" / "page").write_text("two")
    second = nap("up", "-f", file, "--build", env=CLASSIC)
    assert sent(first) == {"MiB"}
    assert sent(second) == {"KiB"}
    assert pages(nap, file) == {"two"}
    nap("rollback", "back")
    assert pages(nap, file) == {"one"}
    assert "nothing to do" in nap("up", "-f", file).out
    for host in bed.hosts:
        for image in docker_api.call(host, "GET", "/images/json"):
            if any("back-web:former" in tag for tag in image["RepoTags"]):
                busy = images_of(host, f"{nap.project('back')}-web:latest")
                if image["Id"] not in busy:
                    query = {"force": "1"}
                    docker_api.call(host, "DELETE", f"/images/{image['Id']}", query=query)
    ended = nap("rollback", "back", "2", code=Exit.FAILED)
    assert "the image that web ran is gone" in ended.err
    assert "nothing to do" in nap("up", "-f", file).out


def sent(ended: Ended) -> set[str]:
    """In which unit what two hosts got of an image is told, at the end of each."""
    found = re.findall(r"on h[23]: [\d.]+(\wiB)(?: of [\d.]+\wiB)? from h1 \(", ended.err)
    assert len(found) == 2, ended.err
    return set(found)


def pages(nap: Nap, file: Path) -> set[str]:
    """What the three replicas serve."""
    words = ("exec", "-T", "-f", file, "--index")
    return {nap(*words, number, "web", "cat", "/srv/page").out for number in ("1", "2", "3")}
