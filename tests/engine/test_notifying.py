"""Telling people, at real servers of HTTP and mail: once, again where it failed, and one who hangs
delays nobody else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nap_compose.border import NotifyTest
from nap_compose.cluster.cluster import Cluster, Host, Logs
from nap_compose.cluster.notify import Mail, Notify, Recipient, Webhook
from nap_compose.control.notifying import record
from nap_compose.control.notifying.notifier import Notifier
from nap_compose.control.notifying.senders import send
from nap_compose.control.notifying.trying import try_out
from nap_compose.control.parts import Parts
from nap_compose.errors import NapError, WrongUse
from nap_compose.health.book import HealthBook
from nap_compose.health.changes import Changes
from nap_compose.health.notices import Notice
from nap_compose.health.records import Happening, HostHealth, HostRecord
from tests.support.listeners import mail_server, webhook
from tests.support.nap import eventually

AT = "2026-03-01T12:00:00.000Z"
LOST = Notice("n1", AT, "host", "h1", "bad", "is lost: no answer", "nap host inspect h1")
SHOP = Notice("n2", AT, "app", "ada/shop", "bad", "web.1 is unhealthy", "", "ada", "shop")
KINDS = ("host", "failover")


def cluster(folder: Path, *to: Recipient) -> Cluster:
    """A cluster whose host doesn't answer, and whose state store is a file."""
    key = folder / "key"
    key.write_text("A" * 43 + "=")
    key.chmod(0o600)
    return Cluster(
        "lab",
        {"h1": Host("h1", "tcp://127.0.0.1:1")},
        folder,
        Logs(folder / "logs"),
        key_file=key,
        insecure=("h1",),
        notify=Notify({each.name: each for each in to}, every=0.2),
    )


def host_is(parts: Parts, state: HostHealth) -> None:
    """What the watcher writes of the host."""
    why = "" if state is HostHealth.UP else "no answer"
    HealthBook(parts.store).write(Changes(hosts={"h1": HostRecord("h1", state, why)}))


class Leader:
    """A watcher that leads, as far as telling goes."""

    def __init__(self, parts: Parts) -> None:
        self.said: list[str] = []
        self._lease = parts.store.lease("lock/leader/health", {"who": "me"})
        self._notifier = Notifier(parts, parts.cluster.notify, self._lease, self.said.append)

    def __enter__(self) -> Leader:
        self._notifier.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._notifier.stop()
        self._lease.release()


def nothing_due(parts: Parts) -> Callable[[], bool]:
    return lambda: not record.read(parts.store)[0].due


def looked_again(parts: Parts, times: int = 3) -> None:
    """Wait until so many looks came and went."""
    looks = {record.read(parts.store)[0].looked}

    def enough() -> bool:
        looks.add(record.read(parts.store)[0].looked)
        return len(looks) > times

    eventually(enough, "more looks")


def test_a_host_that_is_lost_and_back_is_told_once_though_leaders_change(tmp_path: Path) -> None:
    with webhook() as hook:
        parts = Parts(cluster(tmp_path, Recipient("ops", Webhook(hook.url), kinds=KINDS)))
        host_is(parts, HostHealth.LOST)
        with Leader(parts):
            eventually(lambda: hook.got, "it is told that the host is lost")
            looked_again(parts)
        with Leader(parts):
            looked_again(parts)
            assert hook.subjects() == ["host h1 bad"]
            done = Happening(AT, "failover", "web.1 was made on h2", "h2", "ada", "shop", "web.1")
            now = record.read(parts.store)[0].looked
            HealthBook(parts.store).tell([Happening(**{**done.as_json(), "at": now})])
            host_is(parts, HostHealth.UP)
            eventually(lambda: len(hook.got) == 3, "it is back, and an app is elsewhere")
        with Leader(parts):
            looked_again(parts)
        assert sorted(hook.subjects()) == [
            "failover ada/shop done",
            "host h1 bad",
            "host h1 good",
        ]
        assert nothing_due(parts)()
        parts.close()


def test_one_who_hangs_delays_nobody_else(tmp_path: Path) -> None:
    with webhook(hangs=True) as hung, webhook() as hook:
        stuck = Recipient("stuck", Webhook(hung.url), kinds=KINDS)
        parts = Parts(cluster(tmp_path, stuck, Recipient("ops", Webhook(hook.url), kinds=KINDS)))
        host_is(parts, HostHealth.LOST)
        with Leader(parts):
            eventually(lambda: hung.posts, "the one hangs")
            host_is(parts, HostHealth.UP)
            eventually(lambda: len(hook.got) == 2, "the other is told of both")
            assert hung.got == []
            looked_again(parts, 1)
        parts.close()


def test_what_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "PAUSES", (0.1,))
    with webhook(refuses=2) as hook:
        parts = Parts(cluster(tmp_path, Recipient("ops", Webhook(hook.url), kinds=KINDS)))
        host_is(parts, HostHealth.LOST)
        with Leader(parts) as leader:
            eventually(lambda: hook.got, "the third try is taken")
            eventually(nothing_due(parts), "nothing waits")
        assert hook.posts == 3
        (said,) = leader.said
        assert "the webhook answered 503" in said
        parts.close()


def test_what_waits_is_sent_by_whoever_leads_next(tmp_path: Path) -> None:
    """Nobody listens where the first leader sends; the second one's cluster file is right."""
    nowhere = Recipient("ops", Webhook("http://127.0.0.1:1/"), kinds=KINDS)
    parts = Parts(cluster(tmp_path, nowhere))
    host_is(parts, HostHealth.LOST)
    with Leader(parts) as leader:
        eventually(lambda: leader.said, "it couldn't be sent")
    assert not nothing_due(parts)()
    parts.close()
    with webhook() as hook:
        parts = Parts(cluster(tmp_path, Recipient("ops", Webhook(hook.url), kinds=KINDS)))
        with Leader(parts):
            eventually(lambda: hook.subjects() == ["host h1 bad"], "it is sent", within=60)
        parts.close()


def test_a_webhook_s_secret_address_and_token(tmp_path: Path) -> None:
    with webhook() as hook:
        for name, text in (("url", hook.url), ("token", "s3cret")):
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o600)
        to = Webhook(url_file=tmp_path / "url", token_file=tmp_path / "token")
        send(Recipient("ops", to), LOST, "lab")
        assert hook.tokens == ["Bearer s3cret"]
        (got,) = hook.got
        assert (got["id"], got["cluster"], got["what"]) == ("n1", "lab", "is lost: no answer")
        assert got["text"] == "[lab] host h1: is lost: no answer\nnap host inspect h1"
        (tmp_path / "token").chmod(0o644)
        with pytest.raises(NapError, match="others than its owner"):
            send(Recipient("ops", to), LOST, "lab")


def test_mail_for_admins_and_for_an_app_s_owner(tmp_path: Path) -> None:
    with mail_server() as box:
        mail = Mail(box.address, "nap@lab.example", ("{owner}@lab.example",), tls="none")
        send(Recipient("owners", mail=mail), SHOP, "lab")
        send(Recipient("owners", mail=mail), LOST, "lab")
        assert box.to == [["ada@lab.example"]], "nobody owns a host"
        (mailed,) = box.mails
        assert mailed["Subject"] == "[lab] app ada/shop: web.1 is unhealthy"
        assert "unhealthy" in str(mailed.get_payload())


def test_no_text_can_add_a_header_to_a_mail() -> None:
    evil = Notice("n3", AT, "app", "ada/shop", "bad", "x\r\nBcc: eve@example.org", "", "ada")
    with mail_server() as box:
        mail = Mail(box.address, "nap@lab.example", ("ops@lab.example",), tls="none")
        send(Recipient("ops", mail=mail), evil, "lab")
        (mailed,) = box.mails
        assert mailed["Bcc"] is None
        assert box.to == [["ops@lab.example"]]


def test_a_mail_server_without_tls_gets_nothing() -> None:
    with mail_server() as box:
        mail = Mail(box.address, "nap@lab.example", ("ops@lab.example",))
        with pytest.raises(NapError, match="takes no mail"):
            send(Recipient("ops", mail=mail), LOST, "lab")
        assert box.mails == []


def test_a_command_gets_json(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"
    send(Recipient("page", command=(sys.executable, "-c", script)), LOST, "lab")
    assert json.loads(out.read_text())["subject"] == "h1"
    with pytest.raises(NapError, match="ended with code 3"):
        send(Recipient("page", command=(sys.executable, "-c", "exit(3)")), LOST, "lab")
    with pytest.raises(NapError, match="No such file"):
        send(Recipient("page", command=("/no/such/program",)), LOST, "lab")


def test_trying_out_tells_of_each(tmp_path: Path) -> None:
    with webhook() as hook:
        to = cluster(
            tmp_path,
            Recipient("ops", Webhook(hook.url)),
            Recipient("gone", Webhook("http://127.0.0.1:1/")),
        )
        rows = {row.name: row.problem for row in try_out(to, NotifyTest()).rows}
        assert rows["ops"] == ""
        assert "refused" in rows["gone"]
        assert [each["kind"] for each in hook.got] == ["test"]
        assert [row.name for row in try_out(to, NotifyTest(("ops",))).rows] == ["ops"]
        with pytest.raises(WrongUse, match="isn't told"):
            try_out(to, NotifyTest(("nobody",)))
    with pytest.raises(WrongUse, match="names nobody"):
        try_out(cluster(tmp_path), NotifyTest())
