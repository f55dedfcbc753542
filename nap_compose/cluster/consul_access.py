"""How nap reaches the cluster's Consul: with which token, and never without TLS unless told so."""

from __future__ import annotations

from collections.abc import Sequence

from nap_compose.cluster.cluster import Cluster, Consul
from nap_compose.cluster.consul_servers import Servers
from nap_compose.cluster.private_files import read_secret
from nap_compose.errors import BadFile, Place

INSECURE = "consul"
"""What the cluster file's `insecure` names where Consul may go without TLS and ACLs."""


def servers_of(cluster: Cluster, section: Consul) -> Servers:
    """The cluster's Consul servers. Raises BadFile for what can't, or mustn't, be used of them."""
    token = read_secret(section.token_file, "Consul's token") if section.token_file else ""
    if section.ca is not None and not section.ca.is_file():
        raise BadFile(
            "the CA that Consul is checked with isn't there", place=Place(str(section.ca))
        )
    urls = (section.url, *section.also)
    if INSECURE not in cluster.insecure:
        _check_secure(cluster, urls, token)
    return Servers(urls, section.ca, token)


def _check_secure(cluster: Cluster, urls: Sequence[str], token: str) -> None:
    plain = [url for url in urls if not url.startswith("https://")]
    without = f"or list `{INSECURE}` under `insecure` to go without"
    if plain:
        raise BadFile(
            f"Consul at {plain[0]} would be reached without TLS",
            place=Place(cluster.file),
            hint=f"use https://, {without}",
        )
    if cluster.ldap is not None and not token:
        raise BadFile(
            "Consul has no token, so whoever reaches it could change what nap relies on",
            place=Place(cluster.file),
            hint=f"turn on Consul's ACLs and name a token_file, {without}",
        )
