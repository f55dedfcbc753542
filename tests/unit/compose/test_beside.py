"""What lies beside the Compose file: what it is taken for, its digest, its limits."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from nap_compose.compose import beside, parcels
from nap_compose.compose.beside import Beside, survey
from nap_compose.compose.loader import load
from nap_compose.compose.parcels import Piece
from nap_compose.errors import BadFile, BadFiles, NapError
from nap_compose.orchestration.steps.files import _under

TEXT = """
services:
  web:
    image: x
    volumes: [./app.conf:/etc/app.conf, ./html:/html:ro, ./data:/data, /srv:/srv, ../up.conf:/up]
    configs: [inline, named]
    secrets: [pw, {source: var, uid: "33"}]
configs:
  inline: {content: "x=$${y}"}
  named: {file: ./named.conf}
secrets:
  pw: {file: ./pw.txt}
  var: {environment: TOKEN}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "html").mkdir(parents=True)
    (project / "data").mkdir()
    for name in ("app.conf", "named.conf", "pw.txt", "html/one", "data/row", "../up.conf"):
        (project / name).write_text(name)
    return project


def digest_of(piece: Piece) -> str:
    return hashlib.sha256(parcels.read(piece)).hexdigest()


def seen(
    folder: Path,
    text: str = TEXT,
    *,
    ships: bool = True,
    digests: Callable[[Piece], str] = digest_of,
) -> Beside:
    (folder / "compose.yaml").write_text(text)
    found = load(cwd=folder, env={"TOKEN": "t0ken"})
    return survey(found.app, env=found.env, relative=found.relative, ships=ships, digests=digests)


def members(tar: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        return {member.name: member for member in archive}


def kinds(app_content: object) -> dict[str, str]:
    assert isinstance(app_content, dict)
    return {key.rpartition("/")[2]: value["kind"] for key, value in app_content.items()}


def test_what_each_is_taken_for(folder: Path) -> None:
    found = seen(folder)
    assert kinds(found.app.content) == {
        "app.conf": "content",
        "html": "content",
        "data": "data",
        "up.conf": "content",
        "config:inline": "content",
        "config:named": "content",
        "secret:pw": "content",
        "secret:var": "content",
    }
    assert "volume once" in found.notes["services", "web", "volumes", 2]
    assert parcels.the_file(found.supply("config:inline")) == b"x=${y}"
    assert parcels.the_file(found.supply("secret:var")) == b"t0ken"
    assert parcels.the_file(found.supply("secret:pw")) == b"pw.txt"
    assert list(members(found.supply(f"bind:{folder}/html"))) == ["content", "content/one"]


def test_the_bytes_are_what_the_digest_says(folder: Path) -> None:
    (folder / "html" / "link").symlink_to("one")
    (folder / "html" / "deep").mkdir()
    found = seen(folder)
    for key, content in found.app.content.items():
        if content["kind"] == "content":
            assert parcels.digest_of(found.supply(key)) == content["digest"], key


def test_no_byte_stands_in_the_app(folder: Path) -> None:
    found = seen(folder)
    assert "t0ken" not in repr(found.app)


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        (lambda html: (html / "one").write_text("two"), True),
        (lambda html: (html / "one").chmod(0o600), True),
        (lambda html: (html / "one").rename(html / "two"), True),
        (lambda html: (html / "new").mkdir(), True),
        (lambda html: os.utime(html / "one", (1, 1)), False),
    ],
    ids=["content", "mode", "name", "folder", "time"],
)
def test_what_makes_another_content(
    folder: Path, change: Callable[[Path], object], counts: bool
) -> None:
    before = seen(folder).app.content
    change(folder / "html")
    assert (seen(folder).app.content != before) == counts


def test_a_change_of_data_is_none_of_the_app(folder: Path) -> None:
    before = seen(folder).app
    (folder / "data" / "row").write_text("another")
    assert seen(folder).app == before


def test_embedded_only_what_is_no_file_is_read(folder: Path) -> None:
    found = seen(folder, ships=False)
    assert sorted(found.app.content) == ["config:inline", "secret:var"]


@pytest.mark.parametrize(
    ("word", "mount", "kind"),
    [
        ("always", "./data:/d", "content"),
        ("once", "./html:/d:ro", "data"),
        ("never", "./data:/d", None),
        ("never", "./app.conf:/d", None),
        ("once", "./app.conf:/d", "content"),
    ],
)
def test_ship_says_otherwise(folder: Path, word: str, mount: str, kind: str | None) -> None:
    text = f"services: {{web: {{image: x, volumes: ['{mount}'], x-nap: {{ship: {word}}}}}}}"
    content = seen(folder, text).app.content
    assert [each["kind"] for each in content.values()] == ([kind] if kind else [])


def test_a_folder_that_is_not_there_is_made_empty_as_compose_does(folder: Path) -> None:
    text = "services: {web: {image: x, volumes: ['./new:/new']}}"
    found = seen(folder, text)
    assert found.supply(f"bind:{folder}/new") == b""


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        ("./none:/n:ro", "none isn't there"),
        ("./pipe:/n", "is neither a file nor a folder"),
        ("./html:/n:ro", "pipe is neither a file nor a folder"),
    ],
)
def test_what_can_not_be_brought_is_said(folder: Path, mount: str, said: str) -> None:
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "html" / "pipe")
    with pytest.raises(BadFile, match=said) as bad:
        seen(folder, f"services: {{web: {{image: x, volumes: ['{mount}']}}}}")
    assert bad.value.path == ("services", "web", "volumes", 0)


def test_all_that_is_wrong_is_said_at_once(folder: Path) -> None:
    (folder / "app.conf").unlink()
    (folder / "pw.txt").unlink()
    (folder / "html").rename(folder / "htm")
    text = TEXT.replace("TOKEN", "UNSET")
    with pytest.raises(BadFiles) as bad:
        seen(folder, text)
    assert len(bad.value.faults) == 3  # a missing app.conf is a folder to write to
    assert any('"UNSET" required by secret "var"' in str(fault) for fault in bad.value.faults)


def test_the_limits_are_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        (folder / "html" / f"{number}").write_text("12345678")
    monkeypatch.setattr(beside, "CONTENT_LIMITS", parcels.Limits(1000, 3))
    with pytest.raises(BadFile, match=r"html is larger than nap takes along: .* 3 files"):
        seen(folder)
    monkeypatch.setattr(beside, "CONTENT_LIMITS", parcels.Limits(30, 300))
    with pytest.raises(BadFile, match="html is larger than nap takes along: 30B"):
        seen(folder)
    monkeypatch.setattr(beside, "CONTENT_LIMITS", parcels.Limits(1000, 300))
    monkeypatch.setattr(beside, "IN_ALL", 60)
    with pytest.raises(BadFile, match="come to"):
        seen(folder)


def test_data_is_measured_when_it_is_wanted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a volume is filled, how large the folder is doesn't matter any more."""
    monkeypatch.setattr(beside, "DATA_LIMITS", parcels.Limits(3, 10))
    found = seen(folder)
    with pytest.raises(BadFile, match="larger than nap takes along") as bad:
        found.supply(f"bind:{folder}/data")
    assert "x-nap: {ship: never}" in str(bad.value.hint)


def test_a_link_out_of_the_folder_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    (folder / "app.conf").unlink()
    (folder / "app.conf").symlink_to(tmp_path / "outside")
    assert seen(folder).warnings == (
        f"{folder}/app.conf leads out of the project's folder, to {tmp_path}/outside",
    )


def test_a_file_is_hashed_once_while_it_stays(folder: Path) -> None:
    asked: list[str] = []

    def digests(piece: Piece) -> str:
        asked.append(piece.source.rpartition("/")[2])
        return digest_of(piece)

    seen(folder, digests=digests)
    assert "pw.txt" not in asked, "no digest of a secret is remembered"
    assert sorted(asked) == ["app.conf", "named.conf", "one", "up.conf"]


@pytest.mark.parametrize(
    "head",
    [
        {"name": "content/../../etc/passwd"},
        {"name": "other"},
        {"name": "/content"},
        {"name": "content", "mode": 0o4755},
        {"name": "content", "type": tarfile.CHRTYPE},
        {"name": "content", "type": tarfile.LNKTYPE},
    ],
)
def test_a_parcel_holds_nothing_odd(head: dict[str, object]) -> None:
    member = tarfile.TarInfo()
    for key, value in head.items():
        setattr(member, key, value)
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        tar.addfile(member)
    with pytest.raises(NapError, match="isn't taken"):
        parcels.digest_of(whole.getvalue())


FOLDER, LINK = {"type": tarfile.DIRTYPE, "mode": 0o755}, {"type": tarfile.SYMTYPE}


@pytest.mark.parametrize(
    "heads",
    [
        [{"name": "content", **LINK, "linkname": "/"}],
        [{"name": "content", **LINK, "linkname": "../other"}],
        [{"name": "content/a"}],
        [{"name": "content"}, {"name": "content/a"}],
        [
            {"name": "content", **FOLDER},
            {"name": "content/x", **LINK, "linkname": "../../.."},
            {"name": "content/x/carol_web"},
        ],
        [
            {"name": "content", **FOLDER},
            {"name": "content/x", **LINK, "linkname": "../../.."},
            {"name": "content/x/carol_web", **FOLDER},
        ],
        [
            {"name": "content", **FOLDER},
            {"name": "content/x", **FOLDER},
            {"name": "content/x", **LINK, "linkname": "../../.."},
        ],
        [{"name": "content", **FOLDER}, {"name": "content/a/b"}],
        [{"name": "content", **FOLDER}, {"name": "content/./a"}],
        [{"name": "content", **FOLDER}, {"name": "content/.."}],
    ],
    ids=repr,
)
def test_nothing_in_a_parcel_leads_out_of_it(heads: list[dict[str, object]]) -> None:
    """It is unpacked beside others' files, and mounted from there."""
    tar = packed(heads)
    with pytest.raises(NapError, match="isn't taken"):
        parcels.digest_of(tar)
    with pytest.raises(NapError, match="isn't taken"):
        list(_under("files/bob_web/0/content", tar))


def test_a_link_within_a_folder_is_one_for_the_container() -> None:
    tar = packed(
        [
            {"name": "content", **FOLDER},
            {"name": "content/inner", **FOLDER},
            {"name": "content/inner/link", **LINK, "linkname": "/etc/hosts"},
        ]
    )
    assert parcels.digest_of(tar)
    names = [head.name for head, _ in _under("at", tar)]
    assert names == ["at", "at/inner", "at/inner/link"]


def packed(heads: list[dict[str, object]]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for head in heads:
            member = tarfile.TarInfo()
            for key, value in head.items():
                setattr(member, key, value)
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return whole.getvalue()


def with_a_hole(size: int) -> bytes:
    """A tar of one file that is nothing but a hole of `size` bytes."""
    member = tarfile.TarInfo("content")
    member.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "content",
        "GNU.sparse.size": str(size),
        "GNU.sparse.numblocks": "1",
        "GNU.sparse.map": "0,0",
    }
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(member)
    return whole.getvalue()


@pytest.mark.parametrize("of", ["gz", "bz2", "xz", "hole", "cut", "nothing"])
def test_a_parcel_holds_no_more_than_it_is(of: str) -> None:
    """It may come from somebody who made it by hand: a few bytes that unpack to many would take the
    memory of whoever reads them."""
    plain = packed([{"name": "content"}])
    odd = {
        "gz": gzip.compress(plain),
        "bz2": bz2.compress(plain),
        "xz": lzma.compress(plain),
        "hole": with_a_hole(64 << 20),
        "cut": packed([{"name": "content", "size": 5000}])[:1024],
        "nothing": b"x" * 2000,
    }[of]
    tracemalloc.start()
    try:
        with pytest.raises(NapError, match=r"isn't taken|no parcel of nap's"):
            parcels.digest_of(odd)
        with pytest.raises(NapError, match=r"isn't taken|no parcel of nap's"):
            list(_under("at", odd))
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_parcel_that_somebody_packed_is_measured() -> None:
    tar = packed([{"name": "content", **FOLDER}, {"name": "content/a", "size": 3000}])
    parcels.check_size("./a", tar, parcels.Limits(3000, 1))
    for limits in (parcels.Limits(2999, 1), parcels.Limits(3000, 0)):
        with pytest.raises(NapError, match=r"\./a is larger than nap takes along"):
            parcels.check_size("./a", tar, limits)
    with pytest.raises(NapError, match="larger"):
        parcels.check_size("./a", tar + bytes(40_000), parcels.Limits(3000, 1))
