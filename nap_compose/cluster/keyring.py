"""The cluster's key: read from its file, made at first use where nap is embedded.

The file may hold older keys as well, so that what was sealed with them opens until it is sealed
anew: each on a line, the newest last.
"""

from __future__ import annotations

import base64
import binascii
import os
import uuid
from pathlib import Path

from nap_compose.cluster.cipher import Cipher
from nap_compose.cluster.cluster import Cluster
from nap_compose.cluster.private_files import make_private_dir, read_secret
from nap_compose.cluster.seal import Seal
from nap_compose.errors import BadFile, NapError, Place
from nap_compose.plaindata import dataclass

KEY_BYTES = 32
FILE_NAME = "secrets.key"
_MAKE_ONE = "make one: (umask 077; head -c 32 /dev/urandom | base64 > {path})"


@dataclass(frozen=True)
class Keyring:
    """What the cluster's key is for: sealing labels (None when embedded), sealing revisions."""

    seal: Seal | None
    cipher: Cipher


def open_keyring(cluster: Cluster) -> Keyring:
    """Read the key: `key_file`, or embedded one of the person's own that is made now if need be.

    Raises BadFile for a key file that is missing, open to others, or holds no key.
    """
    if cluster.key_file is not None:
        keys = _read(cluster.key_file)
    elif cluster.embedded:
        keys = _read(_made_once(cluster.state_dir / FILE_NAME))
    else:
        raise BadFile(
            "the cluster file names no key_file, which seals labels and revisions",
            place=Place(cluster.file),
            hint=_MAKE_ONE.format(path=f"/etc/nap/{FILE_NAME}"),
        )
    return Keyring(seal=None if cluster.embedded else Seal(*keys), cipher=Cipher(*keys))


def make_key_file(path: Path) -> None:
    """Write a new key, for its owner's eyes only; one that is there already stays.

    However many processes do this at once, all find the same whole key afterwards.
    """
    make_private_dir(path.parent)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        # A link appears with its content or not at all, and never replaces one that is there.
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _made_once(path: Path) -> Path:
    if not path.exists():
        try:
            make_key_file(path)
        except OSError as error:
            raise NapError(
                f"nap's own key can't be written to {path}: {error.strerror}",
                hint="look at the folder's owner, or set NAP_STATE_DIR to another one",
            ) from error
    return path


def _read(path: Path) -> tuple[bytes, ...]:
    """The keys in the file, a line each, the oldest first."""
    lines = read_secret(path, "the cluster's key").split()
    try:
        keys = tuple(base64.b64decode(line, validate=True) for line in lines)
    except binascii.Error:
        keys = ()
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise BadFile(
            f"the cluster's key must be {KEY_BYTES} bytes written in base64, each key on a line",
            place=Place(str(path)),
            hint=_MAKE_ONE.format(path=path),
        )
    return keys
