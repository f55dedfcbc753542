import json
from pathlib import Path

import pytest

from nap_compose.border import (
    DownRequest,
    Failure,
    Outcome,
    Published,
    UpRequest,
)
from nap_compose.cluster.view import Absence, Unseen
from nap_compose.orchestration.events import Phase
from nap_compose.orchestration.explanation import Explanation, Verdict
from nap_compose.orchestration.plan import Change, Kind, Line, Plan, Step
from tests.unit.cli.scripted import EMPTY_PLAN, Scripted, event, nap, row

STEPS = (
    Step("network:default@h1", Kind.ENSURE_NETWORK, "h1", "shop_default", "network default"),
    Step("create:web.1", Kind.CREATE, "h2", "web.1", "web.1"),
    Step("start:web.1", Kind.START, "h2", "web.1", "web.1"),
)
SUMMARY = (
    Line(Change.CREATE, "network default", "h1"),
    Line(Change.KEEP, "db.1", "h1"),
    Line(Change.REPLACE, "web.1", "h2", "image changed"),
    Line(Change.REPLACE, "web.2", "h3", "image changed"),
    Line(Change.KEEP, "web.3", "h1"),
)
PLAN = Plan("", "shop", "shop", 4, "d1", STEPS, SUMMARY)
PUBLISHED = (Published("web", "h2", "http://10.0.0.12:8080"),)
DONE = Outcome("done", PLAN, 0, published=PUBLISHED, seconds=12.34)


def test_what_helps_against_several_failures_is_said_once(shop: Path) -> None:
    failures = (
        Failure("image db:1", "h1", "can't be pulled: no such host", hint="look there\nor here"),
        Failure("image own:1", "h1", "can't be pulled: denied", hint="log in"),
        Failure("image web:1", "h2", "can't be pulled: no such host", hint="look there\nor here"),
    )
    outcome = Outcome("rolled back", PLAN, 1, failures=failures)
    result = nap("up", "-d", control=Scripted(outcome=outcome))
    assert result.code == 1
    assert result.err.splitlines()[-7:-1] == [
        "nap: image db:1 on h1: can't be pulled: no such host",
        "nap: image own:1 on h1: can't be pulled: denied",
        "     log in",
        "nap: image web:1 on h2: can't be pulled: no such host",
        "     look there",
        "     or here",
    ]


def test_what_changed_and_where_it_is_reached(shop: Path) -> None:
    result = nap("up", "-d", control=Scripted(outcome=DONE))
    assert result.code == 0
    assert result.out == (
        "shop is up in 12.3s\n"
        "  network default  created on h1\n"
        "  web              1 kept, 2 replaced on h2, h3 (image changed)\n"
        "reached at\n"
        "  web  http://10.0.0.12:8080\n"
    )


def test_what_was_not_started_is_not_called_up(shop: Path) -> None:
    result = nap("up", "--no-start", control=Scripted(outcome=DONE))
    assert result.out.startswith("shop is created in 12.3s\n")


def test_nothing_to_do(shop: Path) -> None:
    outcome = Outcome("unchanged", EMPTY_PLAN, 0, published=PUBLISHED)
    result = nap("up", "-d", control=Scripted(outcome=outcome))
    assert (result.code, result.err) == (0, "")
    assert result.out == "nothing to do: shop is up to date\n  web  http://10.0.0.12:8080\n"


def test_every_flag_reaches_the_request(shop: Path) -> None:
    control = Scripted(outcome=DONE)
    words = "up -d --wait --wait-timeout 30 --pull always --force-recreate --no-deps --no-start"
    more = "--scale web=3 --scale db=0 --remove-orphans -t 1m -y -q web"
    result = nap(*words.split(), *more.split(), control=control)
    (request,) = control.asked
    assert isinstance(request, UpRequest)
    assert request.services == ("web",)
    assert request.scale == {"web": 3, "db": 0}
    assert (request.pull, request.timeout, request.grace) == ("always", 30.0, 60.0)
    assert request.force_recreate and request.no_deps and request.no_start
    assert request.remove_orphans
    assert not request.no_recreate and not request.dry_run
    assert list(request.app.services) == ["db", "web"]
    assert request.app.profiled_out == ("debug",)
    assert (result.code, result.out, result.err) == (0, "", "")


def test_the_defaults_of_a_request(shop: Path) -> None:
    control = Scripted()
    nap("up", "-d", control=control)
    (request,) = control.asked
    assert request == UpRequest(app=request.app, wait=False)


@pytest.mark.parametrize(
    "words",
    [
        ("-f", "other.yml", "-p", "blog", "--profile", "debug", "up", "-d"),
        ("up", "-d", "-f", "other.yml", "-p", "blog", "--profile", "debug"),
        ("-f", "other.yml", "up", "-d", "--project-name", "blog", "--profile", "debug"),
    ],
)
def test_shared_options_stand_before_or_after(shop: Path, words: tuple[str, ...]) -> None:
    (shop / "compose.yaml").rename(shop / "other.yml")
    control = Scripted(outcome=DONE)
    assert nap(*words, control=control).code == 0
    assert control.asked[0].app.name == "blog"
    assert "debug" in control.asked[0].app.services


def test_files_given_before_and_after_are_merged(shop: Path) -> None:
    (shop / "more.yml").write_text("services: {cache: {image: redis}}\n")
    control = Scripted(outcome=DONE)
    nap("-f", "compose.yaml", "up", "-d", "-f", "more.yml", control=control)
    assert set(control.asked[0].app.services) == {"cache", "db", "web"}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ("--scale", "wbe=2"),
            "nap: there is no service 'wbe' in shop\n     did you mean 'web'?\n",
        ),
        (
            ("--scale", "web"),
            "nap: 'web' doesn't say how many replicas of which service\n     write it like web=3\n",
        ),
        (
            ("--force-recreate", "--no-recreate"),
            "nap: --force-recreate and --no-recreate contradict each other\n",
        ),
        (
            ("--build", "--no-build"),
            "nap: --build and --no-build contradict each other\n",
        ),
        (
            ("--bild",),
            "nap: there is no option '--bild'; did you mean '--build'?\n"
            "     `nap up --help` shows what there is\n",
        ),
        (
            ("--wait-timeout", "soon"),
            "nap: invalid value for '--wait-timeout': 'soon' is no duration; "
            "write it like 30s, 1m30s or 14d\n     `nap up --help` shows what there is\n",
        ),
    ],
)
def test_wrong_use_is_refused(shop: Path, words: tuple[str, ...], error: str) -> None:
    control = Scripted()
    result = nap("up", "-d", *words, control=control)
    assert (result.code, result.out, result.err) == (2, "", error)
    assert not control.asked


@pytest.mark.parametrize(
    ("services", "error"),
    [
        ("{web: {image: x, profiles: [dev]}}", "no service of shop is turned on: all have prof"),
        ("{}", "there is no service in the file of shop"),
    ],
)
def test_no_service_is_not_up_to_date(shop: Path, services: str, error: str) -> None:
    (shop / "compose.yaml").write_text(f"name: shop\nservices: {services}\n")
    control = Scripted(outcome=Outcome("done", EMPTY_PLAN, 0))
    for words in (("up",), ("up", "-d", "--remove-orphans"), ("plan",)):
        result = nap(*words, control=control)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"nap: {error}")
    assert control.asked == []
    # What only makes, or shows, finds nothing to do, as in Compose.
    assert nap("create", control=control).code == 0


@pytest.mark.parametrize("verb", ["up -d", "create"])
def test_nothing_is_shown_of_how_far_pulls_are(shop: Path, verb: str) -> None:
    events = (
        event("image:web", Phase.RUNNING, "downloading", subject="image web:1"),
        event("create:web.1", Phase.RUNNING, "is made"),
        event("image:web", Phase.DONE, "pulled", subject="image web:1"),
    )
    control = Scripted(outcome=DONE, events=events)
    asked = (*verb.split(), "--progress", "json")
    assert "downloading" in nap(*asked, control=control).err
    quiet = nap(*asked, "--quiet-pull", control=control)
    assert "downloading" not in quiet.err
    assert "is made" in quiet.err and "pulled" in quiet.err


def test_a_dry_run_shows_the_plan(shop: Path) -> None:
    control = Scripted(outcome=Outcome("planned", PLAN, 0))
    result = nap("up", "--dry-run", control=control)
    assert control.asked[0].dry_run
    assert result.out == (
        "shop would change:\n"
        "  create   network default on h1\n"
        "  replace  web.1           on h2 (image changed)\n"
        "  replace  web.2           on h3 (image changed)\n"
        "  in 3 steps: 1 ensure-network, 1 create, 1 start\n"
    )


@pytest.mark.parametrize(
    ("words", "dry"),
    [
        (("--dry-run", "up"), True),
        (("up", "--dry-run=true", "--menu=false"), True),
        (("--all-resources=false", "up", "--dry-run=false", "--wait=true"), False),
    ],
    ids=["before", "with-values", "false"],
)
def test_flags_where_and_as_compose_takes_them(
    shop: Path, words: tuple[str, ...], dry: bool
) -> None:
    control = Scripted(outcome=Outcome("unchanged", PLAN, 0))
    assert nap(*words, control=control).code == 0
    assert control.asked[0].dry_run is dry


WHY = Explanation(
    "web.2",
    "h3",
    "the fewest of web",
    (
        Verdict("h1", objections=("cpu 0.5 free, 2.0 asked", "port 80 held by x\x1b[2J")),
        Verdict("h3", score=(("of web", 0), ("containers", 4))),
        Verdict("h10", score=(("of web", 1), ("containers", 0))),
    ),
)


def test_a_plan_explains_its_hosts(shop: Path) -> None:
    control = Scripted(outcome=Outcome("planned", PLAN, 0, why=(WHY,)))
    result = nap("plan", "--why", "web", "--scale", "web=3", control=control)
    request = control.asked[0]
    assert request.dry_run and request.why == ("web",) and request.scale == {"web": 3}
    assert result.out.endswith(
        "  in 3 steps: 1 ensure-network, 1 create, 1 start\n"
        "\n"
        "web.2 on h3: the fewest of web\n"
        "  h1   no    cpu 0.5 free, 2.0 asked; port 80 held by x\\x1b[2J\n"
        "  h3   here  0 of web, 4 containers\n"
        "  h10  fits  1 of web, 0 containers\n"
    )
    told = json.loads(nap("up", "--dry-run", "--why", "web", "--progress", "json",
                          control=control).out)  # fmt: skip
    assert told["why"][0]["replica"] == "web.2"
    assert told["why"][0]["verdicts"][1]["score"] == [["of web", 0], ["containers", 4]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("up", "--why", "web"), "--why explains a plan"),
        (("plan", "--why", "wbe"), "there is no service 'wbe' in shop"),
    ],
)
def test_why_is_asked_of_a_plan_and_a_service(
    shop: Path, words: tuple[str, ...], said: str
) -> None:
    result = nap(*words, control=Scripted())
    assert result.code == 2
    assert said in result.err


def test_a_failure_comes_with_its_evidence(shop: Path) -> None:
    failure = Failure(
        "web.2",
        "h3",
        "it never got healthy\nlook at its log",
        log=("starting\x1b]0;x\x07", "\x1b[31mcan't connect\x1b[0m"),
        probe="curl: (7) refused\n",
    )
    outcome = Outcome(
        "failed",
        PLAN,
        1,
        error="web.2: it never got healthy",
        failures=(failure,),
        left=("web.2 is stopped on h3",),
    )
    result = nap("up", "-d", control=Scripted(outcome=outcome))
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "nap: web.2 on h3: it never got healthy\n"
        "     look at its log\n"
        "     its health check said:\n"
        "       | curl: (7) refused\n"
        "     the last it printed:\n"
        "       | starting\\x1b]0;x\\x07\n"
        "       | can't connect\n"
        "nap: shop failed\n"
        "     left: web.2 is stopped on h3\n"
    )


def test_a_rollback_says_so(shop: Path) -> None:
    outcome = Outcome("rolled back", PLAN, 1, error="no such image")
    result = nap("up", "-d", control=Scripted(outcome=outcome))
    assert result.code == 1
    assert result.err == "nap: shop was put back as it was before: no such image\n"


def test_a_rollback_says_what_it_left(shop: Path) -> None:
    failure = Failure("web.1", "h2", "no such image", hint="nap pull brings it")
    outcome = Outcome(
        "rolled back", PLAN, 1, error="no such image", failures=(failure,), left=("web.1 is kept",)
    )
    result = nap("up", "-d", control=Scripted(outcome=outcome))
    assert result.err == (
        "nap: web.1 on h2: no such image\n"
        "     nap pull brings it\n"
        "nap: shop was put back as it was before, but for what follows\n"
        "     left: web.1 is kept\n"
    )


def test_what_was_not_seen_is_not_called_up_to_date(shop: Path) -> None:
    plan = Plan("", "shop", "shop", 1, "d1", (), (Line(Change.UNSEEN, "web.2", "h3"),))
    result = nap("up", "-d", control=Scripted(outcome=Outcome("unchanged", plan, 5)))
    assert result.code == 5
    assert result.out == (
        "nothing done: web.2 on h3 was not seen and is left as it is, the rest is up to date\n"
    )


def test_orphans_are_named(shop: Path) -> None:
    plan = Plan("", "shop", "shop", 1, "d1", (), orphans=("old.1", "old.2"))
    control = Scripted(outcome=Outcome("unchanged", plan, 0))
    warning = (
        "nap: warning: the file no longer has old.1, old.2; "
        "`nap up --remove-orphans` removes them\n"
    )
    assert nap("up", "-d", control=control).err == warning
    assert nap("up", "-d", control=control, env={"COMPOSE_IGNORE_ORPHANS": "1"}).err == ""
    assert nap("up", "-d", control=control, env={"COMPOSE_REMOVE_ORPHANS": "1"}).err == ""
    assert control.asked[-1].remove_orphans


def test_hosts_that_were_not_seen_and_notes_are_warnings(shop: Path) -> None:
    unseen = (Unseen("h3", Absence.TIMEOUT, "no answer in 5 s"),)
    plan = Plan("", "shop", "shop", 1, "d1", (), unseen=unseen, notes=("one note",))
    outcome = Outcome("unchanged", plan, 5, notes=("one note", "another"))
    result = nap("up", "-d", control=Scripted(outcome=outcome))
    assert result.code == 5
    assert result.err == (
        "nap: warning: one note\n"
        "nap: warning: another\n"
        "nap: warning: host h3 was not seen: no answer in 5 s\n"
    )


def test_an_interrupted_one_says_how_to_go_on(shop: Path) -> None:
    outcome = Outcome("interrupted", PLAN, 130)
    control = Scripted(outcome=outcome, events=[event("create:web.1", Phase.DONE, "created")])
    result = nap("-f", "compose.yaml", "up", "-d", "--progress", "quiet", control=control)
    assert result.code == 130
    assert result.err == (
        "nap: interrupted after 1 of 3 steps\n"
        "     to go on:  nap -f compose.yaml up -d\n"
        "     to undo:   nap -f compose.yaml up -d, with the file as it was before\n"
    )
    first = Plan("", "shop", "shop", 1, "d1", STEPS, SUMMARY[:2])
    control.outcome = Outcome("interrupted", first, 130)
    assert "     to undo:   nap -p shop down\n" in nap("up", "-d", control=control).err


def test_the_outcome_as_json(shop: Path) -> None:
    control = Scripted(outcome=DONE, events=[event("create:web.1", Phase.RUNNING, "creating")])
    result = nap("up", "-d", "--progress", "json", control=control)
    found = json.loads(result.out)
    assert (found["state"], found["app"], found["revision"]) == ("done", "shop", 4)
    assert found["published"] == [{"subject": "web", "host": "h2", "url": "http://10.0.0.12:8080"}]
    assert found["changes"][2]["change"] == "replace"
    (line,) = result.err.splitlines()
    assert json.loads(line)["text"] == "creating"


def test_down_of_a_file_knows_its_services(shop: Path) -> None:
    plan = Plan("", "shop", "shop", 0, "d1", STEPS, (Line(Change.REMOVE, "web.1", "h2"),))
    control = Scripted(outcome=Outcome("done", plan, 0, seconds=1))
    result = nap("down", "-v", "-t", "5", control=control)
    assert control.asked == [
        DownRequest("shop", volumes=True, known_services=("db", "web", "debug"), grace=5.0)
    ]
    assert result.out == "shop is down in 1.0s\n  web  removed on h2\n"


def test_down_by_name_needs_no_file(empty: Path) -> None:
    control = Scripted(outcome=Outcome("unchanged", EMPTY_PLAN, 0))
    result = nap("down", "shop", control=control)
    assert control.asked == [DownRequest("shop")]
    assert result.out == "nothing to do: nothing of shop is there\n"


def test_down_of_a_service(shop: Path) -> None:
    control = Scripted(rows=[row("web")], outcome=Outcome("done", EMPTY_PLAN, 0))
    assert nap("down", "web", control=control).code == 0
    assert control.asked[-1].services == ("web",)
    result = nap("down", "web.1", control=control)
    assert result.code == 2
    assert "single replicas" in result.err


def test_down_of_nothing_named(empty: Path) -> None:
    result = nap("down", control=Scripted())
    assert result.code == 2
    assert result.err == (
        "nap: which app? No Compose file is here, and none was named\n"
        "     name one: nap down APP. `nap ls` lists them\n"
    )
