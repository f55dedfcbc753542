"""make demo: three real hosts on this machine, and WordPress with its database across them."""

from __future__ import annotations

import argparse
import html
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bed import layout, ldap

ROOT = Path(__file__).resolve().parent.parent
APP = "wordpress"
FILE = Path("examples", "wordpress", "app.yml")
BED = "demo"
SOMEBODY = "ada"
"""Who brings the app up: an admin in the bed's directory."""
NAP = Path(sys.executable).with_name("nap")
ANSWERS_WITHIN = 60.0
"""Seconds that WordPress has for its first page."""


class DemoFailed(Exception):
    """What didn't come out as it should, as a sentence."""


@dataclass(frozen=True)
class Nap:
    """The `nap` command, on the demo's cluster."""

    cluster_file: str

    def show(self, *words: str) -> None:
        """Run a command as a person would, before their eyes."""
        print(f"\n$ nap {' '.join(words)}", flush=True)
        ended = subprocess.run([NAP, *words], cwd=ROOT, env=self._env(), check=False)
        if ended.returncode:
            raise DemoFailed(f"`nap {' '.join(words)}` ended with {ended.returncode}")

    def log_in(self, name: str) -> None:
        """Begin a session as somebody of the bed's directory."""
        words = ["login", name, "--password-stdin"]
        print(f"\n$ nap {' '.join(words)} < PASSWORD", flush=True)
        bed = layout.load(BED)
        if bed is None:
            raise DemoFailed(f"the bed {BED} is gone")
        password = ldap.password_of(bed, name)
        ended = subprocess.run(
            [NAP, *words], cwd=ROOT, env=self._env(), check=False, input=password, text=True
        )
        if ended.returncode:
            raise DemoFailed(f"`nap {' '.join(words)}` ended with {ended.returncode}")

    def rows(self) -> list[dict[str, Any]]:
        """What `nap ps` knows of the app's containers."""
        words = ["ps", "--format", "json", APP]
        ended = subprocess.run(
            [NAP, *words], cwd=ROOT, env=self._env(), check=False, stdout=subprocess.PIPE, text=True
        )
        if ended.returncode:
            raise DemoFailed(f"`nap {' '.join(words)}` ended with {ended.returncode}")
        return [json.loads(line) for line in ended.stdout.splitlines()]

    def _env(self) -> dict[str, str]:
        return {**os.environ, "NAP_CLUSTER": self.cluster_file}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--network", choices=("swarm", "consul"), default="swarm")
    network = parser.parse_args(argv).network
    try:
        nap = Nap(bring_up_the_bed(network))
        nap.log_in(SOMEBODY)
        nap.show("up", "-f", str(FILE))
        url = check_where_things_are(nap.rows())
        fetch_the_page(url)
        nap.show("ps")
        nap.show("logs", "--tail", "5", APP)
    except DemoFailed as failure:
        print(f"\ndemo: {failure}", file=sys.stderr)
        return 1
    print(how_to_go_on(nap.cluster_file, url))
    return 0


def bring_up_the_bed(network: str) -> str:
    """Three hosts and the services beside them; the file that describes them to nap."""
    ended = subprocess.run(
        [sys.executable, "-m", "bed", "up", "--name", BED, "--network", network],
        cwd=ROOT,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    if ended.returncode:
        raise DemoFailed("the hosts didn't come up; `make demo-down` clears what is left of them")
    return ended.stdout.strip().splitlines()[-1]


def check_where_things_are(rows: list[dict[str, Any]]) -> str:
    """WordPress's URL, once it is certain that its database runs on another host."""
    by_service = {row["Service"]: row for row in rows}
    missing = {"wordpress", "db"} - set(by_service)
    if missing:
        raise DemoFailed(f"`nap ps` doesn't show {' and '.join(sorted(missing))}")
    web, db = by_service["wordpress"], by_service["db"]
    if web["Host"] == db["Host"]:
        raise DemoFailed(f"WordPress and its database both run on {web['Host']}")
    if not web["URLs"]:
        raise DemoFailed("WordPress is published nowhere")
    print(f"\nWordPress runs on {web['Host']}, its database on {db['Host']}.", flush=True)
    return str(web["URLs"][0])


def fetch_the_page(url: str) -> None:
    """Get WordPress's own page, which it can't make without its database."""
    # Straight to the host: a proxy of the person's environment knows nothing of it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + ANSWERS_WITHIN
    while True:
        try:
            with opener.open(url, timeout=10) as answer:
                page, landed = answer.read().decode("utf-8", "replace"), answer.geturl()
            break
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise DemoFailed(f"{url} doesn't answer: {error}") from error
            time.sleep(1)
    if "WordPress" not in page or "database connection" in page:
        raise DemoFailed(f"{url} answers, but not with WordPress's page:\n{page[:500]}")
    title = html.unescape(page.partition("<title>")[2].partition("</title>")[0].strip())
    print(f"{landed} says: {title or 'WordPress'}", flush=True)


def how_to_go_on(cluster_file: str, url: str) -> str:
    return f"""
It runs, and you are logged in as {SOMEBODY}. Go on from here:
  {url}   the page, from this machine
  export NAP_CLUSTER={cluster_file}
  {NAP.relative_to(ROOT) if NAP.is_relative_to(ROOT) else NAP} host ls    the three hosts
  make demo         again: nothing changes
  make demo-down    takes all of it away"""


if __name__ == "__main__":
    sys.exit(main())
