"""An image's tar stream, and what of it a host that has some layers needn't get."""

from __future__ import annotations

import io
import tarfile

import pytest

from nap_compose.cluster.image_tars import files_of, shared, without

LAYERS = [
    "sha256:82745bf4b1ccc6f952630ce739119d66b236401868098b80e7e0e864e0416c72",
    "sha256:4f36decae4b577e9b1b8a215b20a82937d5c4d0c12c63c24862c2edb8a3f6c09",
    "sha256:f211ec35329ada17dbb85f55e1fafdc8e37e43bf1af376cb5c931ea8c3357a2e",
    "sha256:43a44c95b49286d72426321f6a9adcb8af0716165c30bcbd6f90080aaea6861d",
]
"""Of an image that an engine 20.10 built."""
FOLDERS = [
    "bf08369921c1fd56d7ff28a5d59e8c6e7ef7c41aa1a616aca1d9e8091188cd0c",
    "afb169ce7ef9e22fd6b78f8d9d3643fe1bed9b2ead70d95bd1de38dbefd18a17",
    "2ae4f154f91b4a24aad50310d417f56cafaa621a417fcaf3071e629d9a6b66ff",
]
"""What that engine called the folders of its layers but the last."""


@pytest.mark.parametrize(
    ("others", "count"),
    [([], 0), ([["b"]], 0), ([["a"]], 1), ([["a", "x", "c"], ["a", "b"]], 2), ([list("abcd")], 3)],
)
def test_layers_count_only_on_top_of_the_same(others: list[list[str]], count: int) -> None:
    assert shared(["a", "b", "c"], others) == count


def test_files_are_known_by_what_old_and_new_engines_call_them() -> None:
    assert files_of(LAYERS, 3) == {
        *(f"{folder}/layer.tar" for folder in FOLDERS),
        *(f"blobs/sha256/{layer[7:]}" for layer in LAYERS[:3]),
    }
    assert files_of(LAYERS, 0) == frozenset()


def test_a_layer_that_comes_once_more_above_is_sent() -> None:
    assert files_of(["sha256:a", "sha256:b", "sha256:a"], 2) >= {"blobs/sha256/b"}
    assert "blobs/sha256/a" not in files_of(["sha256:a", "sha256:b", "sha256:a"], 2)


@pytest.mark.parametrize("size", [1, 511, 512, 10_000, 1 << 20])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_a_stream_loses_just_those_files(size: int, form: int) -> None:
    long = "x" * 150
    names = ["a/VERSION", "a/layer.tar", long, f"{long}/layer.tar", "b/layer.tar", "manifest.json"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for number, name in enumerate(names):
            member = tarfile.TarInfo(name)
            member.size = 700 * number
            archive.addfile(member, io.BytesIO(bytes([number]) * member.size))
    whole = packed.getvalue()
    pieces = (whole[at : at + size] for at in range(0, len(whole), size))
    left = b"".join(without(pieces, {"a/layer.tar"}))
    with tarfile.open(fileobj=io.BytesIO(left)) as archive:
        assert archive.getnames() == [names[0], *names[2:]]
        content = archive.extractfile("b/layer.tar")
        assert content is not None
        assert content.read() == b"\4" * 2800


def test_nothing_left_out_is_the_same_stream() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    assert b"".join(without([packed.getvalue()], ())) == packed.getvalue()
