"""When the certificates end that the hosts' engines show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone

from nap_compose.border import Grade, HostRow
from nap_compose.cluster.certificates import ends_of_engines
from nap_compose.cluster.cluster import Cluster
from nap_compose.health.doctor.certificates import ENGINES, Certificate, of_certificates


def with_certificates(rows: Iterable[HostRow], cluster: Cluster) -> tuple[HostRow, ...]:
    """The rows, those of hosts that answered with the end of their certificate and, where that is
    near, a warning."""
    listed = tuple(rows)
    ends = ends_of_engines(cluster.hosts[row.name] for row in listed if row.engine)
    return tuple(_with_end(row, ends[row.name]) if row.name in ends else row for row in listed)


def _with_end(row: HostRow, end: datetime) -> HostRow:
    found = of_certificates([Certificate(row.name, ENGINES, end)], datetime.now(timezone.utc))
    warning = next((each.text for each in found if each.grade is not Grade.OK), "")
    return replace(row, certificate=end.isoformat(), warning=warning)
