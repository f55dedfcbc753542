"""Images, through docker-py: pulls with a registry's credentials, and streams between hosts.

docker-py is imported here and nowhere else, at the first call. A client is built for each call
(0.1 ms): it isn't safe to share between threads. Everything it raises becomes the same errors
as those of nap's own transport.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nap_compose.cluster import engine_faults as faults
from nap_compose.cluster.cluster import Host
from nap_compose.cluster.engine import Json
from nap_compose.cluster.engine_endpoint import endpoint_of
from nap_compose.cluster.engine_http import engine_error
from nap_compose.cluster.engine_pool import CONNECT_TIMEOUT, keepalive_options
from nap_compose.cluster.engine_progress import checked

if TYPE_CHECKING:
    from docker import APIClient

SILENCE = 600
"""Seconds that an engine may say nothing while it packs or unpacks an image."""

_PIECE = 1 << 20


def pull(
    host: Host, api: str, image: str, *, platform: str, auth: Mapping[str, str] | None
) -> Iterator[Json]:
    """Pull `image`. `auth` None: the logins in the caller's Docker configuration; {}: none.

    Gives the engine's progress records; the first one that is an error is raised.
    """
    with _client(host, api) as client:
        yield from _records(
            host,
            client.pull(
                image,
                stream=True,
                decode=True,
                platform=platform or None,
                auth_config=None if auth is None else dict(auth),
            ),
        )


def push(host: Host, api: str, image: str, *, auth: Mapping[str, str] | None) -> Iterator[Json]:
    """Push `image`, a name with its tag; `auth` and what comes back as for `pull`."""
    with _client(host, api) as client:
        yield from _records(
            host,
            client.push(
                image,
                stream=True,
                decode=True,
                auth_config=None if auth is None else dict(auth),
            ),
        )


def own_logins() -> dict[str, Any]:
    """The logins in the caller's Docker configuration, by registry; {} where there are none."""
    from docker import auth

    return dict(auth.load_config().get_all_credentials())  # type: ignore[no-untyped-call]


def save(host: Host, api: str, image: str) -> Iterator[bytes]:
    """The image as a tar stream."""
    with _client(host, api) as client:
        yield from client.get_image(image, chunk_size=_PIECE)


def load(host: Host, api: str, tar: Iterable[bytes]) -> None:
    """Load the images of a tar stream. What the stream itself raises passes through."""
    with _client(host, api) as client:
        # A generator, so that it is sent in chunks and never asked for its length.
        sent = (piece for piece in tar)
        for _ in _records(host, client.load_image(sent)):  # type: ignore[no-untyped-call]
            pass


def _records(host: Host, records: Iterable[Any]) -> Iterator[Json]:
    for record in records:
        yield checked(host.name, record)


@contextmanager
def _client(host: Host, api: str) -> Iterator[APIClient]:
    """A client for one call, whose faults come out as EngineAway and EngineError."""
    import requests
    import urllib3
    from docker import errors

    endpoint = endpoint_of(host)
    client = _new_client(host, api)
    try:
        yield client
    except errors.APIError as error:
        said = str(error.explanation or error)
        raise engine_error(host.name, error.status_code or 500, said) from None
    except (requests.ConnectionError, requests.Timeout) as error:
        raise faults.away(host.name, endpoint, error, seconds=SILENCE) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        raise faults.lost(host.name, endpoint) from None
    finally:
        client.close()


def _new_client(host: Host, api: str) -> APIClient:
    from docker import APIClient
    from docker.tls import TLSConfig

    endpoint = endpoint_of(host)
    if endpoint.unix:
        # This adapter takes its timeout here, and as one number.
        client = APIClient(f"unix://{endpoint.path}", version=api, timeout=SILENCE)
        client.trust_env = False
        return client
    tls: TLSConfig | bool = False
    if endpoint.tls:
        from nap_compose.cluster.engine_tls import client_context

        client_context(endpoint.tls, host.name)  # says what is wrong with the files, if anything
        tls = TLSConfig(
            client_cert=(str(endpoint.tls.cert), str(endpoint.tls.key)),
            ca_cert=str(endpoint.tls.ca),
            verify=True,  # without it the CA is read and nothing checked
        )
    client = APIClient(f"tcp://{endpoint}", version=api, tls=tls, timeout=SILENCE)
    # From the environment come proxies, and CA bundles that would win over the pinned CA.
    client.trust_env = False
    client.timeout = (CONNECT_TIMEOUT, SILENCE)  # type: ignore[assignment]
    _notice_dead_peers(client)
    return client


def _notice_dead_peers(client: APIClient) -> None:
    """A pull has no timeout of its own: only TCP can tell that its host is dead.

    A machine that unpacks an image may for a while take nothing more, so it has longer to.
    """
    from requests.adapters import HTTPAdapter

    sockets = keepalive_options(unheard=120)

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **options: Any) -> None:
            super().init_poolmanager(*args, socket_options=sockets, **options)

    for scheme in ("http://", "https://"):
        client.mount(scheme, Adapter())
