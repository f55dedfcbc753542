import json
import time
from pathlib import Path

import pytest

from nap_compose.border import AppRow, Target
from tests.unit.cli.scripted import Scripted, nap, row

PORTS = (
    {"host_ip": "0.0.0.0", "published": 8080, "target": 80, "protocol": "tcp"},
    {"host_ip": "::", "published": 8080, "target": 80, "protocol": "tcp"},
)


def embedded() -> Scripted:
    since = int(time.time()) - 7200
    db = row(
        "db",
        image="mariadb:11",
        health="none",
        status="Up 2 hours",
        since=since,
        command="mariadbd",
    )
    web = row(ports=PORTS, since=since, command="nginx -g 'daemon off;'")
    ended = row("web", 2, state="exited", health="none", status="Exited (1) 3 s ago", exit_code=1)
    return Scripted(rows=[db, web, ended])


def cluster(**more: object) -> Scripted:
    since = int(time.time()) - 300
    url = ("http://10.0.0.12:8080",)
    rows = [
        row("db", 1, owner="ada", host="h1", health="none", since=since),
        row("web", 1, owner="ada", host="h2", urls=url, since=since),
        row("web", 2, owner="ada", host="h3", health="starting", since=since),
        row("api", 1, owner="bob", app="blog", host="h3", state="unknown", health="unknown",
            status="unknown, not seen 4m", since=0, revision=0),
    ]  # fmt: skip
    apps = [AppRow("ada", "shop", 2, 3, 3, 3), AppRow("bob", "blog", 1, 0, 1, 1)]
    return Scripted(owner="ada", rows=rows, app_rows=apps, **more)  # type: ignore[arg-type]


def test_embedded_it_looks_as_in_compose(shop: Path) -> None:
    result = nap("ps", control=embedded())
    assert result.code == 0
    assert result.err == ""
    assert result.out == (
        "NAME         IMAGE        COMMAND                  SERVICE   CREATED       "
        "STATUS                 PORTS\n"
        'shop-db-1    mariadb:11   "mariadbd"               db        2 hours ago   Up 2 hours\n'
        'shop-web-1   nginx:1      "nginx -g \'daemon of…"   web       2 hours ago   '
        "Up 2 hours (healthy)   0.0.0.0:8080->80/tcp, [::]:8080->80/tcp\n"
    )


def test_on_a_cluster_without_a_file_every_app_is_listed(empty: Path) -> None:
    result = nap("ps", control=cluster())
    assert result.out == (
        "APP        REPLICA   HOST   STATE                  HEALTH     SINCE   REV   URL\n"
        "shop       db.1      h1     running                -          5m      3\n"
        "shop       web.1     h2     running                healthy    5m      3     "
        "http://10.0.0.12:8080\n"
        "shop       web.2     h3     running                starting   5m      3\n"
        "bob/blog   api.1     h3     unknown, not seen 4m   unknown    -       -\n"
    )


def test_with_a_file_it_is_that_app_alone(shop: Path) -> None:
    control = cluster()
    result = nap("ps", "-q", control=control)
    assert control.asked == [(Target("shop", "ada"), False)]
    assert result.out.splitlines() == [name.ljust(64, "0") for name in ("db1", "web1", "web2")]


def test_the_folder_of_an_app_stands_for_its_file(shop: Path) -> None:
    for name, text in {"blog": "name: blog\n", "wiki": ""}.items():
        (shop / name / "deep").mkdir(parents=True)
        (shop / name / "compose.yaml").write_text(f"{text}services: {{}}\n")
    control = cluster()
    for folder in ("blog", "wiki", "blog/deep"):
        nap("--project-directory", folder, "ps", control=control)
    apps = ("blog", "wiki", "blog")
    assert control.asked == [(Target(app, "ada"), False) for app in apps]


def test_a_name_stands_for_a_file(empty: Path) -> None:
    control = cluster()
    nap("ps", "-p", "shop", control=control)
    nap("-p", "shop", "ps", control=control)
    nap("ps", control=control, env={"COMPOSE_PROJECT_NAME": "shop"})
    assert control.asked == [(Target("shop", "ada"), False)] * 3


def test_a_bare_word_is_a_service_where_a_file_gives_the_app(shop: Path) -> None:
    control = cluster()
    assert nap("ps", "web", "--services", control=control).out == "web\n"
    assert nap("ps", "web.2", "-q", control=control).out == "web2".ljust(64, "0") + "\n"
    assert nap("ps", "web.2", "db", "-q", control=control).out.split() == [
        "db1".ljust(64, "0"),
        "web2".ljust(64, "0"),
    ]


def test_the_apps_own_name_is_all_of_it_where_no_service_has_it(shop: Path) -> None:
    for control in (embedded(), cluster()):
        assert nap("ps", "shop", control=control).out == nap("ps", control=control).out
        assert nap("ps", "shop", control=control).code == 0


def test_a_bare_word_is_an_app_where_nothing_gives_one(empty: Path) -> None:
    control = cluster()
    assert nap("ps", "shop", "--services", control=control).out == "db\nweb\n"
    assert nap("ps", "shop", "db", "--services", control=control).out == "db\n"
    assert nap("ps", "shop/web", "--services", control=control).out == "web\n"
    assert nap("ps", "bob/blog", "--services", control=control).out == "api\n"
    assert nap("ps", "ada/shop/web.2", "-q", control=control).out == "web2".ljust(64, "0") + "\n"


def test_a_word_that_fits_a_service_and_an_app_prints_both_spellings(shop: Path) -> None:
    control = cluster()
    control.app_rows = [*control.app_rows, AppRow("ada", "web", 1, 1, 1, 1)]
    result = nap("ps", "web", control=control)
    assert result.code == 2
    assert result.err == (
        "nap: 'web' is a service of shop and an app too\n"
        "     write shop/web for the service, -p web for the app\n"
    )


def test_a_word_that_fits_a_service_and_somebodys_app(empty: Path) -> None:
    control = cluster()
    control.app_rows = [AppRow("ada", "bob", 1, 1, 1, 1), AppRow("bob", "blog", 1, 1, 1, 1)]
    result = nap("ps", "bob/blog", control=control)
    assert result.code == 2
    assert "write ada/bob/blog for the service, bob/blog/ for the app" in result.err


def test_a_service_that_is_not_there(shop: Path) -> None:
    result = nap("ps", "wbe", control=embedded())
    assert result.code == 2
    assert result.out == ""
    assert result.err == (
        "nap: there is no service 'wbe' in the app shop\n     did you mean 'web'?\n"
    )


def test_a_service_of_the_file_without_containers_is_no_error(shop: Path) -> None:
    result = nap("ps", "debug", "-q", control=embedded())
    assert (result.code, result.out, result.err) == (0, "", "")


def test_stopped_containers_are_shown_when_asked_for(shop: Path) -> None:
    result = nap("ps", "-a", "--format", "json", control=embedded())
    states = [json.loads(line)["State"] for line in result.out.splitlines()]
    assert states == ["running", "running", "exited"]
    for words in (("--status", "exited"), ("--filter", "status=exited")):
        assert nap("ps", *words, "-q", control=embedded()).out == "web2".ljust(64, "0") + "\n"


def test_json_has_the_names_that_scripts_for_compose_read(shop: Path) -> None:
    result = nap("ps", "web", "--format", "json", control=embedded())
    found = json.loads(result.out.splitlines()[0])
    assert found["Name"] == "shop-web-1"
    assert found["Project"] == "shop"
    assert found["Health"] == "healthy"
    assert found["Publishers"][0] == {
        "URL": "0.0.0.0",
        "TargetPort": 80,
        "PublishedPort": 8080,
        "Protocol": "tcp",
    }
    assert (found["Replica"], found["Host"], found["Revision"]) == (1, "local", 3)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_on_a_terminal_no_line_is_wider_than_it(empty: Path, width: int) -> None:
    result = nap("ps", "--no-color", control=cluster(), width=width)
    lines = result.out.splitlines()
    assert len(lines) == 5
    assert max(map(len, lines)) <= width


def test_a_narrow_terminal_shows_what_matters_most(empty: Path) -> None:
    assert nap("ps", "--no-color", control=cluster(), width=40).out == (
        "APP        REPLICA   HOST   STATE\n"
        "shop       db.1      h1     running\n"
        "shop       web.1     h2     running\n"
        "shop       web.2     h3     running\n"
        "bob/blog   api.1     h3     unknown, no…\n"
    )
    assert nap("ps", "--no-color", control=cluster(), width=60).out.splitlines()[::3] == [
        "APP        REPLICA   HOST   STATE                  HEALTH",
        "shop       web.2     h3     running                starting",
    ]


def test_a_terminal_without_unicode_gets_ascii(empty: Path) -> None:
    out = nap("ps", "--no-color", control=cluster(), width=40, encoding="ascii").out
    assert out.isascii()
    assert "unknown, ..." in out


def test_colours_only_on_a_terminal(shop: Path) -> None:
    assert "\x1b[32mUp 2 hours (healthy)\x1b[0m" in nap("ps", control=embedded(), width=200).out
    assert "\x1b" not in nap("ps", control=embedded(), width=200, env={"NO_COLOR": "1"}).out
    assert "\x1b" not in nap("ps", control=embedded(), width=200, env={"TERM": "dumb"}).out
    assert "\x1b" not in nap("ps", control=embedded()).out
    assert "\x1b[32m" in nap("ps", "--ansi", "always", control=embedded()).out


def test_warnings_and_notices_go_to_standard_error(shop: Path) -> None:
    control = Scripted(
        rows=[row()], warnings=("host h3 was not seen: timeout",), notes=("h1 speaks no TLS",)
    )
    result = nap("ps", "-q", control=control)
    assert result.err == (
        "nap: warning: h1 speaks no TLS\nnap: warning: host h3 was not seen: timeout\n"
    )
    assert control.closed


def test_names_from_outside_cannot_move_the_cursor(shop: Path) -> None:
    control = Scripted(rows=[row(image="x\x1b[2Jy\n")])
    assert r"x\x1b[2Jy\x0a" in nap("ps", control=control).out
    assert "\x1b[2J" not in nap("ps", control=control, width=200).out


def test_an_empty_list_is_no_answer_where_a_host_was_not_seen(shop: Path) -> None:
    control = Scripted(warnings=("host h1 was not seen: timeout",))
    assert nap("ps", control=control).code == 5
    assert nap("ls", control=control).code == 5
    assert nap("ps", control=Scripted()).code == 0


def test_a_flag_may_be_given_a_value_as_in_go(shop: Path) -> None:
    control = Scripted(rows=[row("web"), row("old")])
    assert nap("ps", "-q", "--orphans=false", control=control).out == "web1".ljust(64, "0") + "\n"
    assert len(nap("ps", "-q", "--orphans=true", control=control).out.split()) == 2
    assert nap("ps", "--quiet=1", "--all=false", control=control).out == (
        nap("ps", "-q", control=control).out
    )
    assert nap("ps", "--quiet=maybe", control=control).code == 2


def test_what_run_made_is_shown_with_all_alone(shop: Path) -> None:
    control = Scripted(rows=[row("web"), row("web", 0, oneoff=True, id="f" * 64)])
    assert len(nap("ps", "-q", control=control).out.split()) == 1
    assert len(nap("ps", "-q", "-a", control=control).out.split()) == 2


def test_a_template_with_a_fault_shows_the_place(shop: Path) -> None:
    result = nap("ps", "--format", "{{.Name}} {{.Stats}}", control=embedded())
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "nap: --format:1:13: there is no field '.Stats'\n"
        "       {{.Name}} {{.Stats}}\n"
        "                   ^\n"
        "     did you mean '.Status'?\n"
    )


def test_of_what_was_not_seen_no_time_is_told(empty: Path) -> None:
    found = json.loads(nap("ps", "bob/blog", "--format", "json", control=cluster()).out)
    assert (found["State"], found["CreatedAt"], found["RunningFor"]) == ("unknown", "", "")
