"""Archives into and out of a container, in pieces."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from nap_compose.cluster.engine import EngineAway, NotFound
from nap_compose.cluster.engine_client import DockerEngine
from nap_compose.cluster.view import Absence
from tests.engine.fake_engine import FakeEngine


@pytest.fixture
def web(fake_engine: FakeEngine, door: DockerEngine) -> str:
    fake_engine.add_image("app:1")
    return door.create_container("web", {"Image": "app:1"})


def packed(name: str, content: bytes) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return whole.getvalue()


def in_pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 511, 512, 4096])
def test_what_was_put_comes_out_however_it_was_cut(door: DockerEngine, web: str, size: int) -> None:
    door.put_archive(web, "/etc", in_pieces(packed("app.conf", b"hello"), size))
    taken = io.BytesIO(b"".join(door.get_archive(web, "/etc/app.conf")))
    with tarfile.open(fileobj=taken) as archive:
        content = archive.extractfile("app.conf")
        assert content is not None
        assert content.read() == b"hello"


def test_how_it_is_to_be_unpacked(fake_engine: FakeEngine, door: DockerEngine, web: str) -> None:
    tar = packed("app.conf", b"hello")
    door.put_archive(web, "/etc", [tar])
    door.put_archive(web, "/etc", [tar], copy_owner=True, keep_kinds=True)
    plain, marked = fake_engine.calls("PUT", ".*/archive")
    assert plain.query == {"path": "/etc"}
    assert marked.query == {"path": "/etc", "copyUIDGID": "1", "noOverwriteDirNonDir": "1"}


def test_what_its_source_raises_passes_through(
    fake_engine: FakeEngine, door: DockerEngine, web: str
) -> None:
    """A file that can't be read is no fault of the engine's, and nothing half is unpacked."""

    def breaks() -> Iterator[bytes]:
        yield packed("app.conf", b"hello")[:512]
        raise PermissionError("no")

    with pytest.raises(PermissionError, match="no"):
        door.put_archive(web, "/etc", breaks())
    assert fake_engine.container("web").files == {}
    assert door.info()["Name"] == "local"  # the broken connection is used no more


def test_a_stream_is_sent_once(fake_engine: FakeEngine, door: DockerEngine, web: str) -> None:
    """Its pieces are gone: a second try would send the rest as if it were all."""
    fake_engine.fault("PUT", ".*/archive", drop=True)
    with pytest.raises(EngineAway) as away:
        door.put_archive(web, "/etc", in_pieces(packed("app.conf", b"hello"), 512))
    assert away.value.why is Absence.BROKEN
    assert len(fake_engine.calls("PUT", ".*/archive")) == 1


def test_an_engine_s_refusal_is_what_is_said(door: DockerEngine) -> None:
    with pytest.raises(NotFound):
        door.put_archive("nobody", "/etc", in_pieces(packed("a", b"x" * (1 << 20)), 4096))


def test_an_archive_that_breaks_off_is_no_end(
    fake_engine: FakeEngine, door: DockerEngine, web: str
) -> None:
    door.put_archive(web, "/etc", [packed("app.conf", b"hello")])
    fake_engine.fault("GET", ".*/archive", cut=600)
    with pytest.raises(EngineAway):
        list(door.get_archive(web, "/etc/app.conf"))


def test_what_is_at_a_path(door: DockerEngine, web: str) -> None:
    door.put_archive(web, "/etc", [packed("app.conf", b"hello")])
    found = door.path_stat(web, "/etc/app.conf")
    assert (found["name"], found["size"]) == ("app.conf", 5)
    with pytest.raises(NotFound):
        door.path_stat(web, "/etc/none")
