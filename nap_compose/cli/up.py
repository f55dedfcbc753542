"""`nap up`: bring an app to what its file says, and stay with it where that is asked for."""

from __future__ import annotations

import click

from nap_compose.cli.bringing import PULL, WAIT, bring_up, run_saved
from nap_compose.cli.building import build_options, building
from nap_compose.cli.options import with_shared
from nap_compose.cli.seconds import seconds
from nap_compose.cli.session import Session
from nap_compose.cli.staying import EVERY, Staying
from nap_compose.errors import WrongUse


@click.command()
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("-d", "--detach", is_flag=True, help="Leave what was started running, and return")
@click.option("--foreground", is_flag=True, help="Stay, show what is printed; Ctrl-C stops the app")
@click.option("--wait", is_flag=True, help="Wait until all is healthy, and return")
@click.option("--wait-timeout", callback=seconds, metavar="TIME", help="How long to wait (600 s)")
@click.option("--pull", type=click.Choice(PULL), help="When to pull images")
@click.option("--quiet-pull", is_flag=True, help="Show nothing of how far pulls are")
@build_options()
@click.option("--force-recreate", is_flag=True, help="Replace containers that need no change too")
@click.option("--no-recreate", is_flag=True, help="Replace no container")
@click.option(
    "--always-recreate-deps", is_flag=True, help="Replace what the services depend on, too"
)
@click.option(
    "-V", "--renew-anon-volumes", is_flag=True, help="Give new containers new anonymous volumes"
)
@click.option("--no-deps", is_flag=True, help="Leave what the services depend on alone")
@click.option("--no-start", is_flag=True, help="Create, but start nothing")
@click.option("--scale", multiple=True, metavar="SERVICE=N", help="Run N replicas of a service")
@click.option("--remove-orphans", is_flag=True, help="Remove what the file no longer has")
@click.option("-t", "--timeout", callback=seconds, metavar="TIME", help="How long a stop may take")
@click.option("--fresh", is_flag=True, help="Begin anew beside a Compose project so called")
@click.option("-y", "--yes", is_flag=True, help="Answer every question with yes")
@click.option("--dry-run", is_flag=True, help="Show what would be done")
@click.option("--why", multiple=True, metavar="SERVICE", help="With --dry-run: explain its hosts")
@click.option("--plan", metavar="FILE", help="Do what `nap plan -o FILE` kept, and nothing else")
@click.option(
    "--attach",
    multiple=True,
    is_flag=False,
    flag_value=EVERY,
    metavar="[SERVICE]",
    help="Show what all services print, or this one; several may be named",
)
@click.option("--no-attach", multiple=True, metavar="SERVICE", help="Don't show what it prints")
@click.option("--attach-dependencies", is_flag=True, help="Also show what the services depend on")
@click.option(
    "--abort-on-container-exit", is_flag=True, help="Stop the app when a container has ended"
)
@click.option(
    "--abort-on-container-failure", is_flag=True, help="Stop the app when a container has failed"
)
@click.option("--exit-code-from", metavar="SERVICE", help="End as its container does; stop the app")
@click.option("--timestamps", is_flag=True, help="Show when each line was printed")
@click.option("--no-log-prefix", is_flag=True, help="Don't say who printed a line")
@click.option("-w", "--watch", is_flag=True, help="Bring changed files over, as nap watch does")
@click.option("-q", "--quiet", is_flag=True, help="Show errors and warnings alone")
@with_shared()
def up(
    session: Session,
    *,
    services: tuple[str, ...],
    detach: bool,
    foreground: bool,
    wait: bool,
    wait_timeout: float | None,
    pull: str | None,
    quiet_pull: bool,
    build: bool,
    no_build: bool,
    quiet_build: bool,
    force_recreate: bool,
    no_recreate: bool,
    always_recreate_deps: bool,
    renew_anon_volumes: bool,
    no_deps: bool,
    no_start: bool,
    scale: tuple[str, ...],
    remove_orphans: bool,
    timeout: float | None,
    fresh: bool,
    yes: bool,
    dry_run: bool,
    why: tuple[str, ...],
    plan: str | None,
    attach: tuple[str, ...],
    no_attach: tuple[str, ...],
    attach_dependencies: bool,
    abort_on_container_exit: bool,
    abort_on_container_failure: bool,
    exit_code_from: str | None,
    timestamps: bool,
    no_log_prefix: bool,
    watch: bool,
    quiet: bool,
) -> int:
    """Bring an app to what its file says. Services that need no change are left alone.

    On one engine it stays in the foreground, as in Docker Compose: it shows what the containers
    print until all have ended, and Ctrl-C stops them; -d leaves them running and returns.

    On a cluster it waits until the app is healthy and returns, and Ctrl-C stops no container.
    There --attach shows what is printed, and --foreground stays as on one engine.
    """
    mode = "quiet" if quiet else session.options.progress_mode(session.env)
    if plan is not None:
        return run_saved(session, plan, services, mode)
    if why and not dry_run:
        raise WrongUse("--why explains a plan", hint="add --dry-run, or use nap plan --why SERVICE")
    staying = Staying(
        detach=detach,
        wait=wait,
        foreground=foreground,
        attach=attach,
        no_attach=no_attach,
        dependencies=attach_dependencies,
        abort_on_exit=abort_on_container_exit,
        abort_on_failure=abort_on_container_failure,
        code_from=exit_code_from or "",
        timestamps=timestamps,
        prefix=not no_log_prefix,
        watch=watch,
    )
    staying.refuse_contradictions()
    return bring_up(
        session,
        services,
        mode,
        staying=staying,
        scale=scale,
        why=why,
        pull=pull or "",
        quiet_pull=quiet_pull,
        build=building(build=build, no_build=no_build),
        quiet_build=quiet_build,
        force_recreate=force_recreate,
        no_recreate=no_recreate,
        always_recreate_deps=always_recreate_deps,
        renew_anon_volumes=renew_anon_volumes,
        no_deps=no_deps,
        no_start=no_start,
        remove_orphans=remove_orphans,
        fresh=fresh,
        yes=yes,
        timeout=WAIT if wait_timeout is None else wait_timeout,
        grace=timeout,
        dry_run=dry_run,
    )
