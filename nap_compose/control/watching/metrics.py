"""What the watcher counts, for Prometheus. The one door to its client library."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from nap_compose.control.watching.figures import Figures
from nap_compose.errors import WrongUse

_COUNTERS = {
    "sweeps": "Sweeps over all hosts",
    "failovers": "Replicas that were made on another host, since theirs was lost",
    "restarts": "Containers that the watcher started again",
    "fenced": "Hosts that were turned off",
    "cleared": "Containers that were taken away, since their successors run elsewhere",
    "failures": "Acts of the watcher that failed",
    "store_errors": "Requests that the state store (Consul) didn't answer",
}


class _Figures(Collector):
    """The figures as they are when Prometheus asks."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        figures = self._figures
        containers = GaugeMetricFamily(
            "nap_containers", "Containers of nap's, by state", labels=["state"]
        )
        for state, number in sorted(figures.containers.items()):
            containers.add_metric([state], number)
        hosts = GaugeMetricFamily("nap_hosts", "Hosts, by how they are", labels=["state"])
        for state, number in sorted(figures.hosts.items()):
            hosts.add_metric([state], number)
        yield containers
        yield hosts
        yield GaugeMetricFamily(
            "nap_containers_unhealthy", "Containers that are unhealthy", figures.unhealthy
        )
        yield GaugeMetricFamily(
            "nap_watcher_leads", "Whether this watcher leads", float(figures.leads)
        )
        yield GaugeMetricFamily("nap_sweep_seconds", "How long the last sweep took", figures.sweep)
        yield GaugeMetricFamily(
            "nap_sweep_timestamp_seconds", "When the last sweep ended", figures.swept_at
        )
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"nap_{name}", text, float(getattr(figures, name)))


@contextmanager
def serve(address: str) -> Iterator[Figures]:
    """Answer Prometheus at HOST:PORT; gives the figures that it is told.

    Raises WrongUse for an address that can't be listened on.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        raise WrongUse(f"'{address}' is no address", hint="write it like 127.0.0.1:9180")
    registry, figures = CollectorRegistry(), Figures()
    registry.register(_Figures(figures))
    try:
        server, thread = start_http_server(int(port), host.strip("[]") or "0.0.0.0", registry)  # noqa: S104
    except (OSError, OverflowError) as error:
        raise WrongUse(f"can't listen on {address}: {error}") from None
    try:
        yield figures
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
