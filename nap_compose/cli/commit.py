"""`nap commit`: an image of what a container is now, on the host that it is on."""

from __future__ import annotations

import click

from nap_compose.cli.one import one_service
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.text import plain


@click.command()
@click.argument("target", metavar="TARGET")
@click.argument("reference", metavar="[REPOSITORY[:TAG]]", default="")
@click.option("-a", "--author", default="", metavar="NAME", help="Who made the image")
@click.option("-c", "--change", multiple=True, metavar="INSTRUCTION", help="Of a Dockerfile")
@click.option("-m", "--message", default="", metavar="TEXT", help="Why it was made")
@click.option("-p", "--pause/--no-pause", default=True, help="Freeze it meanwhile (default)")
@click.option("--index", type=click.IntRange(1), metavar="N", help="Which replica")
@with_shared(short_project=False)
def commit(
    session: Session,
    *,
    target: str,
    reference: str,
    author: str,
    change: tuple[str, ...],
    message: str,
    pause: bool,
    index: int | None,
) -> None:
    """Make an image of what a container is now, volumes left out.

    TARGET is a service where a file or -p gives the app, otherwise APP/SERVICE. The image is on
    the container's host alone, which is said; `up` brings it to where it is needed. Its id stands
    on standard output.
    """
    from nap_compose.border import CommitRequest

    with session.control() as control:
        made = control.commit(
            CommitRequest(
                target=one_service(target, index or 0, control, session),
                reference=reference,
                author=author,
                message=message,
                changes=change,
                pause=pause,
            )
        )
    session.terminal.say(made.image)
    name = made.reference or "without a name"
    session.terminal.tell(plain(f"{made.subject}: the image {name} is on {made.host}"))
