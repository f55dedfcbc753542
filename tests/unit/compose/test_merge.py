"""Merging: the table of exceptions, and the laws."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.compose import canonical, merge
from nap_compose.compose.faults import Fault
from nap_compose.compose.keys import SERVICE
from nap_compose.compose.shapes import Reading


def service(spec: dict[str, Any]) -> dict[str, Any]:
    reading = Reading()
    read = canonical.service(SERVICE.read(spec, reading), reading)
    assert not reading.faults
    assert isinstance(read, dict)
    return read


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return merge.each_once(merge.services(service(base), service(over), ("services", "a")))


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ({"image": "a"}, {"image": "b"}, {"image": "b"}),
        ({"command": "a b"}, {"command": "c"}, {"command": ["c"]}),
        ({"command": "a b"}, {"command": None}, {"command": None}),
        ({"hostname": "h"}, {"image": "x"}, {"hostname": "h", "image": "x"}),
        ({"cap_add": ["A"]}, {"cap_add": ["B", "A"]}, {"cap_add": ["A", "B"]}),
        (
            {"environment": ["A=1", "B=1"]},
            {"environment": {"B": 2, "C": None}},
            {"environment": {"A": "1", "B": "2", "C": None}},
        ),
        (
            {"healthcheck": {"test": ["CMD", "a"], "retries": 3}},
            {"healthcheck": {"test": "b"}},
            {"healthcheck": {"test": ["CMD-SHELL", "b"], "retries": 3}},
        ),
        (
            {"ulimits": {"a": {"soft": 1, "hard": 2}, "b": 1}},
            {"ulimits": {"a": 5}},
            {"ulimits": {"a": 5, "b": 1}},
        ),
        (
            {"logging": {"driver": "d", "options": {"a": "1"}}},
            {"logging": {"driver": "e"}},
            {"logging": {"driver": "e"}},
        ),
        (
            {"logging": {"options": {"a": "1"}}},
            {"logging": {"driver": "e", "options": {"b": "2"}}},
            {"logging": {"driver": "e", "options": {"a": "1", "b": "2"}}},
        ),
        (
            {"depends_on": ["a"]},
            {"depends_on": {"a": {"condition": "service_healthy"}}},
            {"depends_on": {"a": {"condition": "service_healthy", "required": True}}},
        ),
        (
            {"volumes": ["one:/d", "/e"]},
            {"volumes": ["two:/d"]},
            {
                "volumes": [
                    {"type": "volume", "source": "two", "target": "/d", "volume": {}},
                    {"type": "volume", "target": "/e"},
                ]
            },
        ),
        (
            {"extra_hosts": ["a:1.1.1.1"]},
            {"extra_hosts": ["a:2.2.2.2"]},
            {"extra_hosts": {"a": ["1.1.1.1", "2.2.2.2"]}},
        ),
        (
            {"networks": ["n"]},
            {"networks": {"n": {"aliases": ["a"]}, "m": None}},
            {"networks": {"n": {"aliases": ["a"]}, "m": None}},
        ),
        (
            {"x-a": {"b": {"c": 1}, "l": [1]}},
            {"x-a": {"b": {"d": 2}, "l": [2]}},
            {"x-a": {"b": {"c": 1, "d": 2}, "l": [1, 2]}},
        ),
        ({"build": "."}, {"build": {"target": "t"}}, {"build": {"context": ".", "target": "t"}}),
    ],
)
def test_table(base: dict[str, Any], over: dict[str, Any], result: dict[str, Any]) -> None:
    assert merged(base, over) == result


def test_ports_are_one_when_all_of_them_is_the_same() -> None:
    found = merged({"ports": ["80:80", "81:81"]}, {"ports": ["8080:80", "81:81"]})["ports"]
    assert [port["published"] for port in found] == ["80", "81", "8080"]


def test_kinds_that_differ_are_a_fault() -> None:
    with pytest.raises(Fault) as error:
        merge.services({"deploy": {"a": 1}}, {"deploy": [1]}, ("services", "a"))
    assert error.value.path == ("services", "a", "deploy")


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "image": st.sampled_from(["a", "b"]),
        "command": st.sampled_from(["a b", None]) | st.lists(st.text(max_size=3), max_size=2),
        "environment": st.dictionaries(
            st.sampled_from("ABC"), st.none() | st.text(max_size=3) | st.integers(), max_size=3
        ),
        "labels": st.lists(st.sampled_from(["a=1", "b", "c=2"]), unique=True),
        "ports": st.lists(st.sampled_from(["80", "80:80", "81:80/udp", "1-2:1-2"]), max_size=3),
        "volumes": st.lists(st.sampled_from(["a:/a", "b:/a", "/b", "./c:/c:ro"]), max_size=3),
        "depends_on": st.lists(st.sampled_from("xyz"), unique=True),
        "networks": st.dictionaries(
            st.sampled_from("nm"), st.none() | st.just({"aliases": ["q"]}), max_size=2
        ),
        "deploy": st.fixed_dictionaries({}, optional={"replicas": st.integers(0, 3)}),
        "ulimits": st.dictionaries(st.sampled_from(["nofile", "core"]), st.integers(0, 9)),
        "x-own": st.recursive(
            st.integers(), lambda inner: st.dictionaries(st.sampled_from("ab"), inner)
        ),
    },
)


@given(SPECS)
def test_nothing_over_something_changes_nothing(spec: dict[str, Any]) -> None:
    read = service(spec)
    assert merge.services(read, {}, ()) == read
    assert merge.services({}, read, ()) == read


@given(SPECS)
def test_canonical_twice_is_canonical_once(spec: dict[str, Any]) -> None:
    once = service(spec)
    assert canonical.service(once, Reading()) == once


@given(SPECS, SPECS)
def test_merging_changes_neither(base: dict[str, Any], over: dict[str, Any]) -> None:
    left, right = service(base), service(over)
    before = copy.deepcopy((left, right))
    try:
        merge.services(left, right, ())
    except Fault:
        return
    assert (left, right) == before


@given(SPECS)
def test_a_service_over_itself_keeps_its_ports_mounts_and_names(spec: dict[str, Any]) -> None:
    once = merge.each_once(service(spec))
    twice = merged(spec, spec)
    for key in ("ports", "volumes", "environment", "labels", "networks", "depends_on"):
        assert twice.get(key) == once.get(key)


@given(SPECS, st.dictionaries(st.sampled_from("nm"), st.none() | st.just({"driver": "d"})))
def test_an_empty_file_over_an_app_changes_nothing(
    spec: dict[str, Any], networks: dict[str, Any]
) -> None:
    app = {"services": {"a": service(spec)}, "networks": networks, "x-own": {"b": [1]}}
    assert merge.documents(app, {}) == app
    assert merge.documents({}, app) == app
    assert merge.documents(app, {"services": {}, "networks": None}) == app
