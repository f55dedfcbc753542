"""The audit trail: what every records database must do with it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
import time
from typing import Any

from nap_compose.db.records import Records
from nap_compose.db.trail import AuditRecord, first_fault, head_text

WRITERS = 10
EACH = 20
CHILD = """
import json, sys, time
from tests.support.records_conformance import cluster_of
from tests.support.trail_conformance import EACH, entry, mark
from nap_compose.db.open import open_records
from nap_compose.db.people import ShareRecord
spec, me, at = json.loads(sys.argv[1]), sys.argv[2], float(sys.argv[3])
records = open_records(cluster_of(spec))
time.sleep(max(0.0, at - time.time()))
for number in range(EACH):
    records.add_audit(entry(f"{me}-{number}", person=me), mark)
    app = records.ensure_app("ada", f"app{number}", "p")
    records.share(ShareRecord(app.id, me, "view", me, "now"))
"""


def mark(text: str) -> str:
    """Stands for the mark that the cluster's key makes."""
    return hashlib.sha256(f"key {text}".encode()).hexdigest()[:32]


def entry(act: str, **change: Any) -> AuditRecord:
    made = AuditRecord("2026-01-01T00:00:00.000Z", act, "ada", "ada@desk", "up", "ada/shop")
    return dataclasses.replace(made, **change)


class TrailConformance:
    """Inherited by `RecordsConformance`, whose fixtures it uses."""

    def test_rows_are_chained(self, records: Records) -> None:
        assert records.audit() == [] and first_fault(records, mark) == ""
        for act in ("a", "b", "c"):
            records.add_audit(entry(act, detail="naïve ☂\nsecond line", hosts="h1,h2"), mark)
        rows = records.audit()
        assert [(row.seq, row.act) for row in rows] == [(1, "a"), (2, "b"), (3, "c")]
        assert rows[0] == entry(
            "a", detail="naïve ☂\nsecond line", hosts="h1,h2", seq=1, hash=rows[0].hash
        )
        assert len({row.hash for row in rows}) == 3
        head = records.audit_head()
        assert (head.seq, head.hash) == (3, rows[2].hash)
        assert head.mark == mark(head_text(3, rows[2].hash))
        assert first_fault(records, mark) == ""

    def test_the_same_row_once_more_is_there_once(self, records: Records) -> None:
        for _ in range(2):
            records.add_audit(entry("a"), mark)
            records.add_audit(entry("a", outcome="done"), mark)
        assert [row.outcome for row in records.audit()] == ["begun", "done"]
        assert first_fault(records, mark) == ""

    def test_rows_are_found(self, records: Records) -> None:
        for day in range(1, 8):
            app, person = ("ada/shop", "ada") if day % 2 else ("ada/wiki", "bob")
            at = f"2026-01-{day:02}T00:00:00.000Z"
            records.add_audit(entry(str(day), at=at, person=person, app=app), mark)

        def days(**asked: Any) -> str:
            return "".join(row.act for row in records.audit(**asked))

        assert days() == "1234567" and days(limit=2) == "67"
        assert days(person="bob") == "246" and days(app="ada/shop", limit=3) == "357"
        assert days(since="2026-01-05") == "567" and days(person="ada", since="2026-01-02") == "357"
        assert days(after=0, limit=2) == "12" and days(after=5) == "67"
        assert days(person="Ada") == ""
        assert days(seen_by=("bob", "bob")) == "246" and days(seen_by=("eve", "ada")) == "1234567"
        assert days(seen_by=("eve", "ad")) == "" and days(seen_by=("bob", "ada"), limit=1) == "7"

    def test_writers_at_once_lose_nothing(self, records: Records, spec: dict[str, Any]) -> None:
        """Ten processes: the trail has no gap, and what else they wrote is there too."""
        at = str(time.time() + 3)
        children = [
            subprocess.Popen([sys.executable, "-c", CHILD, json.dumps(spec), f"w{n}", at])
            for n in range(WRITERS)
        ]
        assert [child.wait(timeout=120) for child in children] == [0] * WRITERS
        rows = records.audit(limit=1000)
        assert [row.seq for row in rows] == list(range(1, WRITERS * EACH + 1))
        assert {row.act for row in rows} == {
            f"w{n}-{m}" for n in range(WRITERS) for m in range(EACH)
        }
        assert first_fault(records, mark) == ""
        apps = records.apps()
        assert len(apps) == EACH
        assert all(len(records.shares(app.id)) == WRITERS for app in apps)
