"""Values that have every key that the table of Compose keys knows."""

from __future__ import annotations

from typing import Any

from nap_compose.compose.scalars import Duration, Flag, Mode, Number, Scalar, Size, Text, Whole
from nap_compose.compose.shapes import Either, Items, Nothing, Object, Shape, Table

VALUES: dict[str, Any] = {
    "attach": False,
    "gpus": [{"count": 1}],
    "condition": "service_healthy",
    "pull_policy": "daily",
    "volumes_from": ["other"],
    "links": ["other"],
    "depends_on": {"other": {"condition": "service_started", "restart": True}},
    "action": "rebuild",
    "mode": "replicated-job",
    "endpoint_mode": "vip",
    "failure_action": "pause",
    "order": "start-first",
    "type": "volume",
    "host_ip": "127.0.0.1",
    "constraints": ["node.role == worker"],
    "spread": "node.labels.a",
    "affinity": [{"service": "other", "required": False}],
    "anti_affinity": [{"service": "other", "required": False}],
    "uid": "33",
    "gid": "34",
    "test": ["CMD", "x"],
}
"""Values that ask for something, where any of the right shape would not do."""


def value_of(shape: Shape, key: str = "") -> Any:
    """A value that has every key that `shape` knows."""
    if key in VALUES and type(VALUES[key]) in shape.takes and not isinstance(shape, (Mode, Whole)):
        return VALUES[key]
    if isinstance(shape, Either):
        return value_of(max(shape.shapes, key=_richness), key)
    if isinstance(shape, Object):
        return {name: value_of(row.shape, name) for name, row in shape.entries.items()}
    if isinstance(shape, Table):
        return {"a": value_of(shape.entry)}
    if isinstance(shape, Items):
        return [value_of(shape.item)]
    if isinstance(shape, Text):
        return shape.choices[0] if shape.choices else "aa"
    for kind, value in (
        (Flag, True), (Mode, "0440"), (Size, "1m"), (Duration, "1s"), (Whole, 1), (Number, 1),
        (Scalar, "x"), (Nothing, None),
    ):  # fmt: skip
        if isinstance(shape, kind):
            return value
    raise AssertionError(f"no value for {shape}")


def _richness(shape: Shape) -> int:
    kinds = (Nothing, Scalar, Flag, Text, Items, Table, Object)
    return next((index for index, kind in enumerate(kinds) if isinstance(shape, kind)), 3)
