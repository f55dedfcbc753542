"""Steps on files of the hosts: content brought there, volumes filled, and what is cleared."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from nap_compose.cluster import hostfs
from nap_compose.cluster.hostfs import HostFiles
from nap_compose.cluster.own_images import entry, packed
from nap_compose.compose.parcels import CONTENT, heads, opened
from nap_compose.errors import NapError
from nap_compose.orchestration.plan import Step
from nap_compose.orchestration.shipping import FILES, SECRETS, WHOLE, Item
from nap_compose.orchestration.steps.workshop import Report, Workshop
from nap_compose.units import show_size

_SLICE = 256 * 1024
"""How much is sent between two words on how far it is, in bytes."""

_MOUNTS = {"files": FILES, "secrets": SECRETS}
_ENTER = {"files": 0o711, "secrets": 0o700}
"""Who on a host may look into its folders: nobody but root needs to."""


def ship_files(step: Step, shop: Workshop, report: Report) -> str:
    """Have each content on the host, under its own name. One that is whole already stays as it
    is: containers may be using it."""
    items = [Item.of(args) for args in step.args["items"]]
    report("looking")
    with _opened(step, shop, {_mount(item): _MOUNTS[_mount(item)] for item in items}) as host:
        todo = [item for item in items if host.stat(f"{_folder(item, step)}/{WHOLE}") is None]
        total = sum(shop.stock.size(item.key) for item in todo)
        done = 0
        for item in todo:
            folder = _folder(item, step)
            with shop.lock:
                shop.shipped.setdefault(step.id, []).append(folder)
            host.put([packed(_way_to(item, step))])
            if item.secret and not host.in_memory(folder, 0):
                raise NapError(
                    f"secrets would lie on a disk: {SECRETS} is on no tmpfs",
                    host=step.host,
                    hint="mount one, at every start of the host: "
                    "mount -t tmpfs -o mode=700 tmpfs /run/nap",
                )
            before = done

            def on_its_way(sent: int, before: int = before) -> None:
                report("sending", min(before + sent, total), total)

            host.put(_slices(_content(item, step, shop), on_its_way))
            done += shop.stock.size(item.key)
    return f"{show_size(total)} sent" if todo else "there already"


def clear_shipped(step: Step, shop: Workshop) -> str:
    """Take away what this deployment brought, whole or in part."""
    with shop.lock:
        folders = shop.shipped.get(step.id, [])
    if folders:
        with _opened(step, shop, {folder.partition("/")[0]: "" for folder in folders}) as host:
            for folder in folders:
                host.clear(folder)
    return ""


def clear_files(step: Step, shop: Workshop, _report: Report) -> str:
    """Take away all content of the app."""
    with _opened(step, shop, dict.fromkeys(_MOUNTS, "")) as host:
        for mount in _MOUNTS:
            host.clear(f"{mount}/{step.target}")
    return "removed"


def seed_volume(step: Step, shop: Workshop, report: Report) -> str:
    """Fill a volume with what stands in its folder, before anything runs on it."""
    tar = shop.stock.tar(str(step.args["content"]))
    if tar:
        with _opened(step, shop, {"volume": step.target}) as host:
            renamed = packed(_under("volume", tar))
            host.put(_slices(renamed, lambda sent: report("filling", sent, len(renamed))))
    shop.stock.filled(str(step.args["mark"]))
    return f"filled with {show_size(len(tar))}" if tar else "left empty: its folder isn't there"


def _opened(
    step: Step, shop: Workshop, mounts: dict[str, str]
) -> AbstractContextManager[HostFiles]:
    return hostfs.opened(
        shop.engine(step),
        {mount: source or _MOUNTS[mount] for mount, source in mounts.items()},
        cluster=shop.cluster.name,
        owner=shop.plan.owner,
        seal=shop.seal,
    )


def _slices(tar: bytes, on_its_way: Callable[[int], None]) -> Iterator[bytes]:
    """A tar in slices; tells with each how many bytes are on their way."""
    for at in range(0, len(tar), _SLICE):
        on_its_way(at)
        yield tar[at : at + _SLICE]


def _mount(item: Item) -> str:
    return "secrets" if item.secret else "files"


def _folder(item: Item, step: Step) -> str:
    return f"{_mount(item)}/{step.target}/{item.name}"


def _way_to(item: Item, step: Step) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """The folders that lead to a content; in place of one that was cleared too."""
    mount = _mount(item)
    yield entry(mount, _ENTER[mount], folder=True), b""
    yield entry(f"{mount}/{step.target}", _ENTER[mount], folder=True), b""
    yield entry(_folder(item, step), 0o755, folder=True), b""


def _content(item: Item, step: Step, shop: Workshop) -> bytes:
    """What is unpacked on the host: the content, and last the sign that all of it is there."""
    folder = _folder(item, step)
    files = list(_under(f"{folder}/{CONTENT}", shop.stock.tar(item.key)))
    if item.rights:
        for head, _ in files:
            head.mode, head.uid, head.gid = item.rights
    return packed([*files, (entry(f"{folder}/{WHOLE}", 0o600), b"")])


def _under(path: str, tar: bytes) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """A parcel's files, with `path` in place of their common beginning. Raises NapError for a tar
    that is no parcel, wherever it was kept."""
    with opened(tar) as archive:
        for head, kind in heads(archive):
            content = archive.extractfile(head) if kind == "file" else None
            head.name = path + head.name.removeprefix(CONTENT)
            head.pax_headers = {}
            yield head, content.read() if content else b""
