"""`nap` with a Control whose `up` takes until Ctrl-C, for a process of its own.

Run as `python -m tests.unit.cli.slow WORDS…`. The control's answers are scripted; the signals,
streams and exit codes are real.
"""

import sys
import time

from nap_compose.border import Cancel, Outcome
from nap_compose.cli.main import main
from nap_compose.cli.session import Session
from nap_compose.orchestration.events import Phase
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step
from tests.unit.cli.scripted import Scripted, event, row

PATIENT = "patient" in sys.argv
STEPS = tuple(Step(f"create:web.{n}", Kind.CREATE, "h1", f"web.{n}", f"web.{n}") for n in (1, 2))
PLAN = Plan("", "shop", "shop", 1, "d1", STEPS, (Line(Change.CREATE, "web.1", "h1"),))


def until_told(cancel: Cancel) -> None:
    """Ends at the first Ctrl-C, or where it is patient at the second."""
    deadline = time.monotonic() + 30
    while not cancel.level and time.monotonic() < deadline:
        time.sleep(0.01)
    grace = time.monotonic() + 10
    while cancel.level < 2 and PATIENT and time.monotonic() < grace:
        time.sleep(0.01)


def deaf(_: Cancel) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        time.sleep(0.05)


control = Scripted(
    rows=[row("web", number) for number in range(20_000)],
    events=[
        event("create:web.1", Phase.RUNNING, "creating"),
        event("create:web.1", Phase.DONE, "created"),
        event("create:web.2", Phase.RUNNING, "creating"),
    ],
    during=deaf if "deaf" in sys.argv else until_told,
    outcome=Outcome("interrupted", PLAN, 130),
)
words = [word for word in sys.argv[1:] if word not in ("patient", "deaf")]
session = Session(connect=lambda *_: control)
sys.argv = ["nap", *words]
raise SystemExit(main(words, session))
