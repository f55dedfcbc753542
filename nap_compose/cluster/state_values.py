"""What either store checks before it writes, so that both take and refuse the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nap_compose.cluster.state import BATCH, LARGEST, Delete, Put


def check_key(key: str) -> str:
    """The key itself. Raises ValueError for one that a store couldn't keep apart from others.

    A key is a path of non-empty parts; `.` and `..` are refused because HTTP servers tidy them
    away, which would lead to another key.
    """
    parts = key.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key:
        raise ValueError(f"'{key}' is no key: it must be a path of plain parts, like lock/app/ada")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself: empty, or the beginning of a key."""
    if prefix:
        check_key(prefix + "x")
    return prefix


def encode(key: str, value: Any) -> str:
    """The value as JSON text. Raises ValueError for what isn't JSON or is over LARGEST bytes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    size = len(text.encode())
    if size > LARGEST:
        raise ValueError(f"the value of {key} has {size} bytes of JSON, {LARGEST} is the most")
    return text


def encode_batch(ops: Sequence[Put | Delete]) -> dict[str, str]:
    """The JSON text of each value that is put, by its key. Raises ValueError for a batch that
    Consul couldn't run as one transaction.

    It takes BATCH operations, where a delete under a condition counts twice (a check and the
    delete), and a body that LARGEST bytes of values fill.
    """
    count = sum(2 if isinstance(op, Delete) and op.if_version is not None else 1 for op in ops)
    if count > BATCH:
        raise ValueError(f"the batch holds {count} operations, {BATCH} is the most")
    keys = [check_key(op.key) for op in ops]
    if len(set(keys)) != len(keys):
        raise ValueError("the batch names a key twice")
    texts = {op.key: encode(op.key, op.value) for op in ops if isinstance(op, Put)}
    size = sum(len(text.encode()) for text in texts.values())
    if size > LARGEST:
        raise ValueError(f"the batch's values have {size} bytes of JSON, {LARGEST} is the most")
    return texts
