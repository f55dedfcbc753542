"""`nap port-forward`: reach ports of a container from this machine, published or not."""

from __future__ import annotations

import ipaddress

import click

from nap_compose.cli.one import one_service
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.errors import WrongUse
from nap_compose.exits import Exit
from nap_compose.plaindata import dataclass
from nap_compose.text import plain


@dataclass(frozen=True)
class Mapping:
    """A port of this machine (0: any that is free) that leads to one of the container."""

    local: int
    remote: int


@click.command(name="port-forward")
@click.argument("target", metavar="TARGET")
@click.argument("ports", nargs=-1, required=True, metavar="[LOCAL:]PORT...")
@click.option("--address", default="127.0.0.1", metavar="IP", help="Listen here (127.0.0.1)")
@with_shared()
def port_forward(session: Session, *, target: str, ports: tuple[str, ...], address: str) -> int:
    """Reach TCP ports of a running container from this machine, published or not.

    TARGET is a service where a file or -p gives the app, otherwise APP/SERVICE; .N at its end is
    the replica. PORT alone listens on the same number here, LOCAL:PORT on another, :PORT on any
    that is free. It goes on until Ctrl-C; when the container moves, new connections follow it.
    """
    from nap_compose.border import ForwardRequest
    from nap_compose.cli.forwarding import Forwarder

    mappings = [_mapping(text) for text in ports]
    where = _address(address)
    with session.control() as control:
        meant = one_service(target, 0, control, session)
        request = ForwardRequest(meant, tuple(dict.fromkeys(each.remote for each in mappings)))
        with Forwarder(where, mappings, session.terminal, plain(target)) as forwarder:
            control.forward(request, forwarder)
    return Exit.INTERRUPTED


def _mapping(text: str) -> Mapping:
    local, colon, remote = text.rpartition(":")
    if not colon:
        local = remote
    wrong = WrongUse(
        f"'{text}' names no ports", hint="write 3306, 13306:3306, or :3306 for any that is free"
    )
    if not remote.isdecimal() or not (local or "0").isdecimal():
        raise wrong
    found = Mapping(int(local or 0), int(remote))
    if not (0 < found.remote < 65536 and found.local < 65536):
        raise wrong
    return found


def _address(text: str) -> str:
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise WrongUse(
            f"--address '{text}' is no IP address", hint="127.0.0.1, ::1, or 0.0.0.0 for every one"
        ) from None
