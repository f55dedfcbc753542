"""`nap wait`: until containers have ended, with the exit code of the last."""

from __future__ import annotations

import click

from nap_compose.cli.acting import aim_at
from nap_compose.cli.one import own_failures
from nap_compose.cli.options import with_shared
from nap_compose.cli.session import Session
from nap_compose.text import plain


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--down-project", is_flag=True, help="Take the app down when they have ended")
@with_shared()
def wait(session: Session, *, targets: tuple[str, ...], down_project: bool) -> int:
    """Wait until the running containers that are meant have ended, and end with the exit code of
    the last one; 125 where nap itself failed.

    TARGET is a service where a file or -p gives the app, otherwise APP or APP/SERVICE; .N at its
    end is a replica.
    """
    from nap_compose.border import Target

    code = 0
    with own_failures(), session.control() as control:
        aimed, _ = aim_at(targets, control, session, "wait")
        ends = control.wait(Target(aimed.app, aimed.owner), aimed.targets())
        if session.options.progress_mode(session.env) != "quiet":
            session.terminal.tell(f"waiting for {plain(', '.join(targets))}")
        for end in ends:
            session.terminal.say(f"{plain(end.subject)} exited with status code {end.code}")
            session.terminal.flush()
            code = end.code
        if down_project:
            from nap_compose.border import DownRequest
            from nap_compose.cli.deploy import exit_code, tell_what_went_wrong, watched

            mode = session.options.progress_mode(session.env)
            request = DownRequest(app=aimed.app, owner=aimed.owner, remove_orphans=True)
            outcome, _ = watched(
                session, aimed.app, mode, lambda event, cancel: control.down(request, event, cancel)
            )
            tell_what_went_wrong(outcome, session.terminal)
            code = exit_code(outcome) or code
    return code
