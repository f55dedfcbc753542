"""What every records database must do: one class that the tests of each database inherit."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nap_compose.clock import utc_now
from nap_compose.cluster.cluster import Cluster, Database, Logs
from nap_compose.db.open import open_records
from nap_compose.db.records import AppRecord, DeploymentRecord, Records, RevisionRecord, StepRecord
from nap_compose.db.transactions import Clash
from tests.support.backup_conformance import BackupConformance
from tests.support.people_conformance import PeopleConformance
from tests.support.schema_conformance import SchemaConformance
from tests.support.trail_conformance import TrailConformance

CHILD = """
import json, sys, time
from tests.support.records_conformance import cluster_of
from nap_compose.db.open import open_records
spec, at = json.loads(sys.argv[1]), float(sys.argv[2])
time.sleep(max(0.0, at - time.time()))
records = open_records(cluster_of(spec))
print(json.dumps([records.ensure_app("ada", f"app{n}", f"ada_app{n}").id for n in range(20)]))
"""


def cluster_of(spec: dict[str, Any]) -> Cluster:
    """A cluster whose records are where the spec says: a state directory, or a database."""
    database = None
    if "url" in spec:
        database = Database(spec["url"], Path(spec["password_file"]), Path(spec["ca"]))
    state_dir = Path(spec["state_dir"])
    name = "test" if database else ""
    return Cluster(name, {}, state_dir, Logs(state_dir / "logs"), database=database)


def revision(app: AppRecord, number: int, **change: Any) -> RevisionRecord:
    made = RevisionRecord(app.id, number, "d" * 64, "sealed", "ada", utc_now())
    return dataclasses.replace(made, **change)


def deployment(app: AppRecord, name: str, started: str = "2026-01-01T00:00:00.000Z") -> Any:
    return DeploymentRecord(name, app.id, 1, "up", "ada", "ada@desk pid 1", started)


class RecordsConformance(BackupConformance, PeopleConformance, SchemaConformance, TrailConformance):
    """Inherited with a fixture `spec` that names an empty database of its own for each test."""

    @pytest.fixture
    def records(self, spec: dict[str, Any]) -> Iterator[Records]:
        records = open_records(cluster_of(spec))
        yield records
        records.close()

    @pytest.fixture
    def shop(self, records: Records) -> AppRecord:
        return records.ensure_app("ada", "shop", "ada_shop")

    def test_an_app_is_made_once(self, records: Records) -> None:
        assert records.app("ada", "shop") is None
        app = records.ensure_app("ada", "shop", "ada_shop")
        assert (app.owner, app.name, app.project) == ("ada", "shop", "ada_shop")
        assert len(app.id) == 32 and app.created.endswith("Z")
        assert records.app("ada", "shop") == app
        assert records.ensure_app("ada", "shop", "another_project") == app

    def test_names_compare_byte_by_byte(self, records: Records) -> None:
        names = ["shop", "Shop", "SHOP", "shöp", "sho\u0308p", "\u017fhop", "\U0001f433"]
        ids = {records.ensure_app(owner, name, "p").id for owner in ("a", "A") for name in names}
        assert len(ids) == 14
        assert {app.name for app in records.apps("a")} == set(names)

    def test_parameters_are_bound(self, records: Records) -> None:
        name = "'; DROP TABLE apps; -- %s ? \\ \" `"
        app = records.ensure_app("ada", name, "p")
        assert records.app("ada", name) == app
        assert [each.name for each in records.apps()] == [name]

    def test_apps_by_owner_and_name(self, records: Records) -> None:
        for owner, name in (("bob", "a"), ("ada", "z"), ("ada", "b"), ("", "c")):
            records.ensure_app(owner, name, name)
        found = [(app.owner, app.name) for app in records.apps()]
        assert found == [("", "c"), ("ada", "b"), ("ada", "z"), ("bob", "a")]
        assert [app.name for app in records.apps("ada")] == ["b", "z"]
        assert [app.name for app in records.apps("")] == ["c"]

    def test_processes_at_once_get_the_same_apps(self, spec: dict[str, Any]) -> None:
        """Also the tables are made by one of them, while the others wait."""
        argv = [sys.executable, "-c", CHILD, json.dumps(spec), str(time.time() + 2)]
        children = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        found = [json.loads(child.communicate(timeout=120)[0]) for child in children]
        assert len(found[0]) == 20 and found == [found[0]] * 4
        records = open_records(cluster_of(spec))
        assert len(records.apps()) == 20
        records.close()

    def test_a_removed_app_leaves_its_history_and_its_name(
        self, records: Records, shop: AppRecord
    ) -> None:
        records.add_revision(revision(shop, 1))
        records.begin(deployment(shop, "d1"))
        for _ in range(2):
            records.remove_app(shop.id)
            records.remove_app(shop.id)
            assert records.app("ada", "shop") is None and records.apps() == []
            records.remove_app(records.ensure_app("ada", "shop", "ada_shop").id)
        again = records.ensure_app("ada", "shop", "ada_shop")
        assert again.id != shop.id
        assert records.last_revision(shop.id) is not None
        assert len(records.deployments(shop.id)) == 1
        assert records.last_revision(again.id) is None

    def test_revisions(self, records: Records, shop: AppRecord) -> None:
        assert records.last_revision(shop.id) is None
        kept = [revision(shop, number, sealed=f"text {number}") for number in (1, 2, 10, 9)]
        for each in kept:
            records.add_revision(each)
        assert records.revision(shop.id, 2) == kept[1]
        assert records.last_revision(shop.id) == kept[2]
        heads = [
            dataclasses.replace(each, sealed="") for each in (kept[2], kept[3], kept[1], kept[0])
        ]
        assert list(records.revisions(shop.id)) == heads
        assert records.revision(shop.id, 3) is None and records.revision("none", 1) is None

    def test_a_revision_never_changes(self, records: Records, shop: AppRecord) -> None:
        first = revision(shop, 1, author="ada")
        records.add_revision(first)
        records.add_revision(revision(shop, 1, author="bob"))
        with pytest.raises(Clash):
            records.add_revision(revision(shop, 1, digest="e" * 64))
        assert records.revision(shop.id, 1) == first

    def test_a_large_revision(self, records: Records, shop: AppRecord) -> None:
        large = revision(shop, 1, sealed="x" * 4_000_000)
        records.add_revision(large)
        assert records.revision(shop.id, 1) == large

    def test_sealed_anew(self, records: Records, shop: AppRecord) -> None:
        for number in range(1, 51):
            records.add_revision(revision(shop, number, sealed=f"text {number}"))
        wiki = records.ensure_app("bob", "wiki", "bob_wiki")
        records.add_revision(revision(wiki, 1, sealed=""))
        records.remove_app(shop.id)
        asked: list[tuple[str, str, int]] = []

        def resealed(owner: str, app: str, number: int, sealed: str) -> str | None:
            asked.append((owner, app, number))
            return sealed.upper() if number % 2 else None

        assert records.reseal(resealed) == 25
        assert sorted(asked) == [("ada", "shop", number) for number in range(1, 51)]
        texts = [records.revision(shop.id, number) for number in (1, 2, 49)]
        assert [each.sealed for each in texts if each] == ["TEXT 1", "text 2", "TEXT 49"]

    def test_a_revision_of_no_app_is_refused(self, records: Records, shop: AppRecord) -> None:
        with pytest.raises(Clash):
            records.add_revision(revision(dataclasses.replace(shop, id="nobody"), 1))

    def test_what_was_cut_short_is_abandoned(self, records: Records, shop: AppRecord) -> None:
        other = records.ensure_app("ada", "other", "ada_other")
        for name in ("d1", "d2"):
            records.begin(deployment(shop, name))
        records.begin(deployment(other, "d3"))
        records.finish("d1", "done", "", utc_now())
        records.abandon(shop.id, "2026-01-02T00:00:00.000Z")
        states = {each.id: (each.outcome, each.ended) for each in records.deployments(shop.id)}
        assert states["d1"][0] == "done"
        assert states["d2"] == ("abandoned", "2026-01-02T00:00:00.000Z")
        assert records.deployments(other.id)[0].outcome == "running"
        records.abandon(other.id, utc_now(), reached=1)
        assert records.deployments(other.id)[0].outcome == "done"

    def test_a_deployment_begins_and_ends(self, records: Records, shop: AppRecord) -> None:
        begun = deployment(shop, "d1")
        records.begin(begun)
        records.begin(begun)
        assert records.deployments(shop.id) == [begun]
        records.finish("d1", "failed", "web.1: naïve ☂\nsecond line", "2026-01-01T00:00:09.500Z")
        (found,) = records.deployments(shop.id)
        assert found == dataclasses.replace(
            begun,
            outcome="failed",
            error="web.1: naïve ☂\nsecond line",
            ended="2026-01-01T00:00:09.500Z",
        )
        with pytest.raises(Clash):
            records.begin(dataclasses.replace(begun, verb="down"))

    def test_the_newest_deployments_first(self, records: Records, shop: AppRecord) -> None:
        for number in range(30):
            records.begin(deployment(shop, f"d{number}", f"2026-01-01T00:00:{number:02}.000Z"))
        found = records.deployments(shop.id)
        assert [each.id for each in found] == [f"d{number}" for number in range(29, 9, -1)]
        assert [each.id for each in records.deployments(shop.id, limit=2)] == ["d29", "d28"]

    def test_the_last_deployment_of_each_app(self, records: Records, shop: AppRecord) -> None:
        blog = records.ensure_app("bob", "blog", "bob_blog")
        records.ensure_app("bob", "new", "bob_new")
        for name, second in (("d2", 2), ("d9", 9), ("d4", 4)):
            records.begin(deployment(shop, name, f"2026-01-01T00:00:0{second}.000Z"))
        for name in ("e1", "e2"):
            records.begin(deployment(blog, name))
        found = {app: each.id for app, each in records.last_deployments().items()}
        assert found == {shop.id: "d9", blog.id: "e2"}

    def test_steps_in_the_order_they_were_added(self, records: Records, shop: AppRecord) -> None:
        records.begin(deployment(shop, "d1"))
        records.begin(deployment(shop, "d2"))

        def step(name: str, phase: str = "done", of: str = "d1") -> StepRecord:
            return StepRecord(of, name, "h1", f"subject of {name}", phase, "", utc_now(), "")

        first = [step("start:web.2"), step("create:web.1", "failed")]
        records.add_steps(first)
        records.add_steps([])
        records.add_steps([step("z", of="d2"), step("a")])
        assert [each.step for each in records.steps("d1")] == ["start:web.2", "create:web.1", "a"]
        assert records.steps("d1")[:2] == first
        assert [each.step for each in records.steps("d2")] == ["z"]
        records.add_steps([step("create:web.1", "done")])
        phases = {each.step: each.phase for each in records.steps("d1")}
        assert phases == {"start:web.2": "done", "create:web.1": "done", "a": "done"}

    def test_steps_are_added_all_or_none(self, records: Records, shop: AppRecord) -> None:
        records.begin(deployment(shop, "d1"))
        good = StepRecord("d1", "a", "h1", "web.1", "done", "", "")
        with pytest.raises(Clash):
            records.add_steps([good, dataclasses.replace(good, deployment="nobody's")])
        assert records.steps("d1") == []

    def test_old_history_is_forgotten_and_the_rest_stays(
        self, records: Records, shop: AppRecord
    ) -> None:
        for number in (1, 2, 3):
            records.add_revision(revision(shop, number))
            records.begin(deployment(shop, f"d{number}"))
            records.add_steps([StepRecord(f"d{number}", "a", "h1", "web.1", "done", "", "")])
        other = records.ensure_app("ada", "other", "ada_other")
        records.add_revision(revision(other, 1))
        records.forget(shop.id, ["d1", "unknown"], [1])
        records.forget(other.id, ["d2"], [])  # not that app's
        assert [each.number for each in records.revisions(shop.id)] == [3, 2]
        assert {each.id for each in records.deployments(shop.id)} == {"d2", "d3"}
        assert records.steps("d1") == []
        assert len(records.steps("d2")) == 1
        assert len(records.revisions(other.id)) == 1

    def test_long_ids_and_texts(self, records: Records, shop: AppRecord) -> None:
        records.begin(deployment(shop, "d1"))
        reference = "registry.example:5000/" + "a/" * 120 + "x@sha256:" + "0" * 64
        step = StepRecord(
            "d1",
            f"image:{reference}@{'h' * 200}",
            "h" * 200,
            reference,
            "failed",
            "",
            "",
            "e" * 99_999,
        )
        records.add_steps([step])
        assert records.steps("d1") == [step]

    def test_threads_share_records(self, records: Records) -> None:
        found: list[str] = []
        problems: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for turn in range(10):
                    app = records.ensure_app("ada", f"app{turn}", "p")
                    records.add_revision(revision(app, number))
                    found.append(app.id)
            except BaseException as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert len(set(found)) == 10
        assert {r.number for app in records.apps() if (r := records.last_revision(app.id))} == {6}

    def test_records_outlive_the_process(self, spec: dict[str, Any]) -> None:
        first = open_records(cluster_of(spec))
        app = first.ensure_app("ada", "shop", "ada_shop")
        first.close()
        again = open_records(cluster_of(spec))
        assert again.app("ada", "shop") == app
        again.close()

    def test_closed_records_open_again(self, records: Records, shop: AppRecord) -> None:
        """A process that waits for hours may close them meanwhile."""
        records.close()
        assert records.app("ada", "shop") == shop
