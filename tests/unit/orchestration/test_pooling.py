"""Volumes on cluster storage: which they are, what the hosts get, who may be where, what goes."""

from __future__ import annotations

from typing import Any

import pytest

from nap_compose.cluster.cluster import Moosefs, Storage
from nap_compose.cluster.images import find_all
from nap_compose.cluster.labels import Identity
from nap_compose.cluster.view import HostView, View, VolumeView
from nap_compose.compose.model import App
from nap_compose.errors import BadFile, NapError
from nap_compose.orchestration import pooling, using
from nap_compose.orchestration.bodies.container import image_reference
from nap_compose.orchestration.decide import Wish
from nap_compose.orchestration.placement.place import place
from nap_compose.orchestration.placement.result import NoRoom
from nap_compose.orchestration.placement.situation import Situation
from nap_compose.orchestration.plan import Change, Kind, Plan
from nap_compose.orchestration.planner import plan_up
from nap_compose.orchestration.pooling import Pooled, Stored
from nap_compose.orchestration.shipping import Settled
from nap_compose.orchestration.teardown import Leaving, plan_down
from nap_compose.orchestration.wanted import select
from tests.support.views import app, container, host, view

MOOSEFS = Moosefs("mfsmaster")
STORAGE = Storage("local", MOOSEFS)
DEFAULT = Storage("moosefs", MOOSEFS)
PROJECT = "ada_shop"


def shop(spec: Any = None, *, replicas: int = 1, mount: Any = None, **top: Any) -> App:
    """An app whose web has the volume `data`."""
    mounts = [{"type": "volume", "source": "data", "target": "/data", **(mount or {})}]
    web = {"volumes": mounts, "deploy": {"replicas": replicas}}
    volumes = {"data": {"driver": "moosefs"} if spec is None else spec}
    return app({"web": web}, volumes=volumes, **top)


def pooled(of: App, seen: View | None = None, storage: Storage = STORAGE) -> pooling.Pooling:
    return pooling.pool(of, "ada", f"ada_{of.name}", storage, seen or view(host("h1")))


def volume(on: str, folder: str = "ada/shop/data", *, by: str = "shop", **more: Any) -> VolumeView:
    """The volume `data` as a host has it; no folder: it is local."""
    options = pooling.bind_options(folder, MOOSEFS) if folder else {}
    identity = Identity("lab", "ada", by, "", 0, project=f"ada_{by}", config_hash="")
    labels = {
        "com.docker.compose.volume": "data",
        "com.docker.compose.project": f"ada_{by}",
        "io.nap.owner": "ada",
    }
    fields = {"options": options, "identity": identity, "labels": labels, **more}
    return VolumeView("ada_shop_data", on, **fields)


def with_volume(name: str, *volumes: VolumeView, **more: Any) -> HostView:
    return host(name, volumes=volumes or (volume(name),), **more)


def planned(of: App, seen: View, stored: Stored = pooling.NOTHING_STORED, **more: Any) -> Plan:
    found = pooled(of, seen)
    chosen = select(found.app, ())
    situation = Situation(
        seen,
        "ada",
        PROJECT,
        pooled=found.keys,
        unreached=stored.unreached,
        making_way=more.pop("way", frozenset()),
    )
    references = [image_reference(found.app.services[name], PROJECT) for name in chosen]
    return plan_up(
        Wish(
            app=found.app,
            services=chosen,
            view=seen,
            placement=place(found.app, chosen, situation),
            owner="ada",
            project=PROJECT,
            revision=1,
            deployment="d" * 32,
            fence=9,
            hashes=dict.fromkeys(found.app.services, "same"),
            images=find_all(references, seen.hosts),
            pooled=found.volumes,
            stored=stored,
            **more,
        )
    )


def steps(plan: Plan, kind: Kind) -> list[str]:
    return [step.id for step in plan.steps if step.kind is kind]


# --- Which they are. ---


def test_the_hosts_get_an_ordinary_volume_bound_to_the_folder() -> None:
    spec = {"driver": "moosefs", "driver_opts": {"goal": 3, "quota": "1g"}, "labels": {"a": "b"}}
    found = pooled(shop(spec))
    assert found.app.volumes["data"] == {
        "labels": {"a": "b"},
        "driver": "local",
        "driver_opts": {"type": "none", "o": "bind", "device": "/mnt/mfs/nap/ada/shop/data"},
    }
    assert found.volumes == {"data": Pooled("data", "ada/shop/data", goal=3, quota=1 << 30)}
    assert found.app.document["volumes"]["data"] == found.app.volumes["data"]


@pytest.mark.parametrize(
    ("spec", "storage", "expected"),
    [
        ({}, STORAGE, False),
        ({}, DEFAULT, True),
        ({"driver": "moosefs"}, STORAGE, True),
        ({"driver": "local"}, DEFAULT, False),
        ({"driver_opts": {"type": "tmpfs"}}, DEFAULT, False),
        ({"external": True, "name": "x"}, DEFAULT, False),
        ({"driver": "moosefs"}, Storage(), False),
    ],
)
def test_by_the_file_or_by_the_clusters_default(spec: Any, storage: Any, expected: bool) -> None:
    assert ("data" in pooled(shop(spec), storage=storage).volumes) is expected


def test_what_is_on_a_host_stays_there_whatever_the_file_says_now() -> None:
    found = pooled(shop(), view(with_volume("h1", volume("h1", ""))))
    assert found.volumes == {}
    assert found.app.volumes["data"] == {}
    (note,) = found.notes
    assert "stays on h1" in note


def test_what_is_on_cluster_storage_stays_there_when_the_default_changes() -> None:
    found = pooled(shop({}), view(with_volume("h1")))
    assert found.volumes == {"data": Pooled("data", "ada/shop/data")}


def test_another_apps_volume_keeps_its_folder() -> None:
    spec = {"external": True, "name": "shop_data"}
    found = pooled(app({"web": {}}, name="blog", volumes={"data": spec}), view(with_volume("h1")))
    assert found.volumes == {"data": Pooled("data", "ada/shop/data")}
    assert found.app.volumes["data"] == spec


@pytest.mark.parametrize("folder", ["eve/shop/data", "ada/../eve", "ada/shop", "ada//data"])
def test_a_volume_bound_elsewhere_in_the_storage_is_not_taken_for_the_owners(folder: str) -> None:
    spec = {"external": True, "name": "shop_data"}
    assert pooled(shop(spec), view(with_volume("h1", volume("h1", folder)))).volumes == {}


# --- What is refused. ---


def faults(of: App, storage: Storage = STORAGE) -> list[str]:
    return [fault.message for fault in pooling.faults(of, storage)]


def test_a_cluster_without_it_says_so() -> None:
    assert faults(shop(), Storage()) == ["volumes.data.driver: this cluster has no cluster storage"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("goal", "0"),
        ("goal", "10"),
        ("goal", "two"),
        ("quota", "much"),
        ("quota", "0"),
        ("max_files", "-1"),
        ("trash_time", "soon"),
        ("trash_time", str(1 << 32)),
        ("size", "1g"),
        ("device", "/mnt/mfs/nap/eve"),
    ],
)
def test_options_that_are_none(option: str, value: str) -> None:
    (fault,) = faults(shop({"driver": "moosefs", "driver_opts": {option: value}}))
    assert fault.startswith("volumes.data.driver_opts")


def test_options_that_are_some() -> None:
    options = {"goal": 3, "quota": "1.5g", "max_files": "100", "trash_time": "1h"}
    spec = {"driver": "moosefs", "driver_opts": options}
    assert faults(shop(spec)) == []
    assert pooled(shop(spec)).volumes["data"] == Pooled(
        "data", "ada/shop/data", 3, 3600, 3 << 29, 100
    )


@pytest.mark.parametrize("key", [".", ".."])
def test_names_that_lead_elsewhere(key: str) -> None:
    bad = app({"web": {}}, volumes={key: {"driver": "moosefs"}})
    assert faults(bad) == [f"volumes: '{key}' is no name for a volume"]


@pytest.mark.parametrize(
    "path",
    [
        "/mnt/mfs",
        "/mnt/mfs/",
        "//mnt/mfs",
        "/mnt/mfs/nap",
        "/mnt/mfs/nap/eve/shop/data",
        "/mnt/mfs/team/../nap/eve",
        "/mnt/./mfs//nap/eve",
        "/srv/../mnt/mfs/nap/eve",
    ],
)
def test_nobody_reaches_into_the_storage_by_a_path(path: str) -> None:
    bind = {"type": "bind", "source": path, "target": "/data"}
    assert len(faults(app({"web": {"volumes": [bind]}}))) == 1
    for options in (
        {"type": "none", "o": "bind", "device": path},
        {"type": "overlay", "o": f"lowerdir=/srv:{path},upperdir=/u", "device": "overlay"},
    ):
        assert len(faults(app({"web": {}}, volumes={"data": {"driver_opts": options}}))) == 1


@pytest.mark.parametrize("path", ["/srv", "/mnt/mfs/team", "/mnt/mfs/napkins", "/mnt/mfs2"])
def test_what_lies_beside_it_is_nobodys_secret(path: str) -> None:
    bind = {"type": "bind", "source": path, "target": "/data"}
    assert faults(app({"web": {"volumes": [bind]}})) == []


# --- Where a replica may go, and in which order all is made. ---


def test_the_folder_comes_before_the_hosts_volumes_and_those_before_containers() -> None:
    plan = planned(shop(replicas=2), view(host("h1"), host("h2")))
    assert steps(plan, Kind.ENSURE_FOLDER) == ["folder:data"]
    assert sorted(steps(plan, Kind.ENSURE_VOLUME)) == ["volume:data@h1", "volume:data@h2"]
    by_id = {step.id: step for step in plan.steps}
    assert "folder:data" in by_id["volume:data@h1"].needs
    assert by_id["folder:data"].target == "ada/shop/data"
    assert by_id["folder:data"].undo == "remove"
    assert [(line.change, line.host) for line in plan.summary if "volume" in line.subject] == [
        (Change.CREATE, "cluster storage")
    ]


def test_one_engine_alone_fills_a_new_volume_from_the_image() -> None:
    plan = planned(shop(replicas=3), view(host("h1"), host("h2"), host("h3")))
    needs = {step.id: step.needs for step in plan.steps}
    assert "create:web.1" in needs["create:web.2"]
    assert "create:web.1" in needs["create:web.3"]


def test_a_volume_that_is_there_holds_nobody_up_and_pins_nobody() -> None:
    there = Stored({"data": Pooled("data", "ada/shop/data", 2, 86400, 0, 0)})
    seen = view(with_volume("h1"), host("h2"))
    plan = planned(shop(replicas=2), seen, there)
    needs = {step.id: step.needs for step in plan.steps}
    assert "create:web.1" not in needs["create:web.2"]
    assert steps(plan, Kind.ENSURE_FOLDER) == []
    assert steps(plan, Kind.ENSURE_VOLUME) == ["volume:data@h2"]
    assert {step.host for step in plan.steps if step.kind is Kind.CREATE} == {"h1", "h2"}


def test_what_the_file_now_says_is_set_and_what_it_leaves_open_stays() -> None:
    set_ = Pooled("data", "ada/shop/data", 3, 60, 5, 0)
    seen = view(with_volume("h1"))
    assert steps(planned(shop(), seen, Stored({"data": set_})), Kind.ENSURE_FOLDER) == []
    more = shop({"driver": "moosefs", "driver_opts": {"goal": 2}})
    plan = planned(more, seen, Stored({"data": set_}))
    (step,) = [each for each in plan.steps if each.kind is Kind.ENSURE_FOLDER]
    assert step.args == {"key": "data", "goal": 2, "new": False}
    assert step.undo == ""


def test_hosts_that_do_not_reach_the_storage_are_left_out_with_the_reason() -> None:
    why = {"h1": "MooseFS is not mounted at /mnt/mfs", "h2": "there is no /mnt/mfs"}
    seen = view(host("h1"), host("h2"), host("h3"))
    plan = planned(shop(replicas=2), seen, Stored(unreached=why))
    assert {step.host for step in plan.steps if step.kind is Kind.CREATE} == {"h3"}
    with pytest.raises(NoRoom) as none:
        planned(shop(), view(host("h1"), host("h2")), Stored(unreached=why))
    (table,) = none.value.tables.values()
    assert table["h1"] == "storage MooseFS is not mounted at /mnt/mfs"


def test_what_mounts_nothing_there_may_go_anywhere() -> None:
    plain = app({"web": {"deploy": {"replicas": 2}}})
    plan = planned(plain, view(host("h1"), host("h2")), Stored(unreached={"h1": "gone"}))
    assert {step.host for step in plan.steps if step.kind is Kind.CREATE} == {"h1", "h2"}


def test_a_host_without_another_apps_volume_gets_it_as_others_have_it() -> None:
    of = shop({"external": True, "name": "shop_data"}, name="blog")
    seen = view(with_volume("h1", cpus=1), host("h2"))
    found = pooling.pool(of, "ada", "ada_blog", STORAGE, seen)
    plan = planned_on(found, seen, "h2")
    (step,) = [each for each in plan.steps if each.kind is Kind.ENSURE_VOLUME]
    assert (step.host, step.args["like"], step.target) == ("h2", "h1", "ada_shop_data")


def planned_on(found: pooling.Pooling, seen: View, on: str) -> Plan:
    """The plan with everything on one host."""
    only = view(*(each for each in seen.hosts.values() if each.name == on))
    chosen = select(found.app, ())
    situation = Situation(only, "ada", f"ada_{found.app.name}", pooled=found.keys)
    references = [image_reference(found.app.services[name], "ada_blog") for name in chosen]
    return plan_up(
        Wish(
            app=found.app,
            services=chosen,
            view=seen,
            placement=place(found.app, chosen, situation),
            owner="ada",
            project=f"ada_{found.app.name}",
            revision=1,
            deployment="d" * 32,
            fence=9,
            hashes={"web": "same"},
            images=find_all(references, seen.hosts),
            pooled=found.volumes,
        )
    )


def test_a_name_that_another_app_has_anywhere_is_refused() -> None:
    """Else it would be bound on another host, and removed with the first app that goes."""
    taken = volume("h1", "ada/blog/data", by="blog")
    of = shop({"driver": "moosefs", "name": "shop_data"})
    with pytest.raises(NapError, match="belongs to project ada_blog"):
        planned_on(
            pooled(of, view(with_volume("h1", taken), host("h2"))),
            view(with_volume("h1", taken), host("h2")),
            "h2",
        )


def test_labels_that_changed_make_the_hosts_volume_anew_and_lose_nothing() -> None:
    old = container("web.1", "h1", hash_="same", owner="ada")
    seen = view(with_volume("h1", volume("h1", labels={"mine": "old"})))
    plan = planned(shop(), seen, Stored({"data": Pooled("data", "ada/shop/data")}))
    assert plan.loses == ()
    assert old.identity is not None
    (line,) = [line for line in plan.summary if line.change is Change.REPLACE]
    assert "stays" in line.reason


def test_a_folder_beside_the_file_is_put_into_a_new_volume_once() -> None:
    settled = Settled(app({}), seeds={"data": "bind:/x"})
    seen = view(host("h1"), host("h2"))
    plan = planned(shop(replicas=2), seen, settled=settled)
    (seed,) = [step for step in plan.steps if step.kind is Kind.SEED_VOLUME]
    assert seed.args["mark"] == "data@cluster storage"
    needs = {step.id: step.needs for step in plan.steps}
    assert seed.id in needs["create:web.1"]
    assert seed.id in needs["create:web.2"]
    there = Stored({"data": Pooled("data", "ada/shop/data")})
    assert steps(planned(shop(), seen, there, settled=settled), Kind.SEED_VOLUME) == []
    half = frozenset({"data@cluster storage"})
    again = planned(shop(), seen, there, settled=settled, unfilled=half)
    assert steps(again, Kind.SEED_VOLUME) == ["seed:data"]


# --- What goes. ---


def down(seen: View, **more: Any) -> Plan:
    fields = {"volumes": True, "folders": {"ada/shop/data": "ada_shop_data"}, **more}
    return plan_down(Leaving("ada", "shop", PROJECT, "d" * 32, seen, **fields))


def user_of_data(slot: str, on: str) -> Any:
    from dataclasses import replace

    return replace(container(slot, on, owner="ada"), volumes=("ada_shop_data",))


def test_down_removes_the_hosts_volumes_and_then_the_folder() -> None:
    seen = view(with_volume("h1", containers=[user_of_data("web.1", "h1")]), with_volume("h2"))
    plan = down(seen)
    (folder,) = [step for step in plan.steps if step.kind is Kind.REMOVE_FOLDER]
    gone = [step.id for step in plan.steps if step.kind is Kind.REMOVE_VOLUME]
    assert len(gone) == 2
    assert set(gone) <= set(folder.needs)
    assert not [s for s in down(seen, volumes=False).steps if s.kind is Kind.REMOVE_FOLDER]


def test_a_service_that_stays_keeps_the_volume_on_every_host() -> None:
    here = user_of_data("web.1", "h1")
    there = user_of_data("db.1", "h2")
    seen = view(with_volume("h1", containers=[here]), with_volume("h2", containers=[there]))
    assert steps(down(seen, services=("web",)), Kind.REMOVE_FOLDER) == []
    assert steps(down(seen, services=("web",)), Kind.REMOVE_VOLUME) == []
    both = down(seen, services=("web", "db"))
    assert len(steps(both, Kind.REMOVE_FOLDER)) == 1
    assert len(steps(both, Kind.REMOVE_VOLUME)) == 2


def test_what_may_still_be_written_to_is_left_and_said() -> None:
    seen = view(with_volume("h1", containers=[user_of_data("web.1", "h1")]), unseen=["h2"])
    plan = down(seen, away={"web.2": "h2"})
    assert steps(plan, Kind.REMOVE_FOLDER) == []
    told = {line.subject: line.reason for line in plan.summary if line.change is Change.UNSEEN}
    assert "may use it" in told["volume data"]
    assert "h2" in {line.host for line in plan.summary if line.subject == "volumes"}


def test_a_folder_that_no_host_knows_goes_too() -> None:
    plan = down(view(host("h1")), folders={"ada/shop/data": ""})
    assert steps(plan, Kind.REMOVE_FOLDER) == ["folder:ada/shop/data"]


# --- What it counts for the owner's quota. ---


def wished(of: App, stored: Stored = pooling.NOTHING_STORED) -> Wish:
    seen = view(host("h1"))
    found = pooled(of, seen)
    chosen = select(found.app, ())
    return Wish(
        app=found.app,
        services=chosen,
        view=seen,
        placement=place(found.app, chosen, Situation(seen, "ada", PROJECT, pooled=found.keys)),
        owner="ada",
        project=PROJECT,
        revision=1,
        deployment="d" * 32,
        fence=9,
        hashes={"web": "same"},
        pooled=found.volumes,
        stored=stored,
    )


def test_what_a_cluster_volume_may_hold_counts() -> None:
    limited = {"driver": "moosefs", "driver_opts": {"quota": "1g"}}
    assert using.when_done(wished(shop(limited)), frozenset()).storage == 1 << 30
    using.refuse_unlimited(wished(shop(limited)), ["storage"])
    by_command = Stored({"data": Pooled("data", "ada/shop/data", 2, 0, 5 << 20, 0)})
    assert using.when_done(wished(shop(), by_command), frozenset()).storage == 5 << 20
    using.refuse_unlimited(wished(shop(), by_command), ["storage"])
    with pytest.raises(BadFile, match="may hold any amount"):
        using.refuse_unlimited(wished(shop()), ["storage"])
    using.refuse_unlimited(wished(shop({})), ["storage"])
