"""A volume's file: a tar for everybody, and taken in again only where it is whole."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator

import pytest

from nap_compose.errors import BadFile
from nap_compose.storage import copying
from nap_compose.storage.volume_archive import BLOCK, Incoming, written


def a_tar(content: bytes = b"x" * 5000) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("volume/a", "volume/b"):
            head = tarfile.TarInfo(name)
            head.size = len(content)
            tar.addfile(head, io.BytesIO(content))
    return file.getvalue()


def pieces(data: bytes, size: int = 700) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


def saved(tar: bytes) -> bytes:
    return b"".join(written(pieces(tar)))


@pytest.mark.parametrize("size", [1, 511, 512, 513, 10_000_000])
def test_it_comes_back_whatever_the_pieces(size: int) -> None:
    tar = a_tar(b"x" * 700)
    incoming = Incoming(pieces(saved(tar), size))
    assert b"".join(incoming) == tar
    told = incoming.told()
    assert (told.size, told.content) == (len(tar), copying.digest([tar]))


def test_any_tar_reads_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(saved(a_tar()))) as tar:
        assert tar.getnames() == ["volume/a", "volume/b"]
    assert len(saved(a_tar())) % BLOCK == 0


def test_what_was_cut_or_changed_is_refused() -> None:
    whole = saved(a_tar())
    changed = whole[:3000] + b"y" + whole[3001:]
    told_otherwise = whole[: -BLOCK + 30] + b"0" * (BLOCK - 30)
    cut = [whole[:-1], whole[:-BLOCK], whole[BLOCK:], whole[:1000], b""]
    for bad in (*cut, whole + b"x", changed, told_otherwise):
        incoming = Incoming(pieces(bad))
        for _ in incoming:
            pass
        with pytest.raises(BadFile):
            incoming.told()


def test_what_breaks_off_while_it_is_written_ends_as_it_broke() -> None:
    def broken() -> Iterator[bytes]:
        yield a_tar()[:3000]
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(written(broken()))
    stopped = written(pieces(a_tar()))
    next(stopped)
    stopped.close()


def test_a_tar_that_is_none_is_no_backup() -> None:
    with pytest.raises(Exception, match=r"."):
        list(written([b"no tar at all" * 1000]))
