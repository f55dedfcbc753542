"""YAML as Compose reads it, and what it refuses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.compose.yamlfile import documents
from nap_compose.errors import BadFile


def value(text: str) -> Any:
    return documents(text.encode(), "f.yml")[0].value


@pytest.mark.parametrize(
    ("scalar", "meant"),
    [
        ("true", True),
        ("TRUE", True),
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("~", None),
        ("", None),
        ("null", None),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0440", 288),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("08", 8.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("22:22", "22:22"),
        ("2020-01-01", "2020-01-01"),
        ("1.2.3", "1.2.3"),
        ("0x", "0x"),
        ("-", "-"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ('!!int "12"', 12),
        ("!mine x", "x"),
    ],
)
def test_scalars(scalar: str, meant: Any) -> None:
    found = value(f"k: {scalar}") if scalar != "-" else value("k: '-'")
    assert found == {"k": meant}
    assert type(found["k"]) is type(meant)


def test_anchors_and_merge_keys() -> None:
    text = """
a: &a {x: 1, y: 1}
b: &b {y: 2, z: 2}
c: {<<: [*a, *b], y: 3}
d: {<<: *a}
e: *a
"""
    found = value(text)
    assert found["c"] == {"x": 1, "y": 3, "z": 2}
    assert found["d"] == found["e"] == {"x": 1, "y": 1}


def test_the_first_of_several_merged_mappings_wins() -> None:
    assert value("a: &a {x: 1}\nb: &b {x: 2}\nc: {<<: [*a, *b]}")["c"] == {"x": 1}


def test_reset_and_override() -> None:
    document = documents(b"a: {b: !reset null, c: !override [1], d: [!reset 1, 2]}", "f.yml")[0]
    assert document.value == {"a": {"c": [1], "d": [2]}}
    assert document.resets == (("a", "b"), ("a", "c"), ("a", "d", 0))


def test_several_documents() -> None:
    assert [d.value for d in documents(b"a: 1\n---\n---\nb: 2\n", "f")] == [
        {"a": 1},
        None,
        {"b": 2},
    ]


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("a: [1", "f.yml:1:6", "not valid YAML"),
        ("a:\n\tb: 1", "f.yml:2:1", "not valid YAML"),
        ("a: 1\nb: 2\na: 3", "f.yml:3:1", 'the key "a" stands here twice'),
        ("a: *x", "f.yml:1:4", "no anchor &x"),
        ("a: &a [*a]", "f.yml:1:8", "contains itself"),
        ("1: a", "f.yml:1:1", "a key must be a text"),
        ("{a: b}: c", "f.yml:1:1", "a key must be a word"),
        ("a: {<<: 1}", "f.yml:1:5", "`<<` takes a mapping"),
        ("a: !!int x", "f.yml:1:4", "is no int"),
        ("a: \x07", "f.yml:1:4", "control characters"),
    ],
)
def test_faults_have_a_place(text: str, where: str, message: str) -> None:
    with pytest.raises(BadFile) as error:
        documents(text.encode(), "f.yml")
    assert message in error.value.message
    assert str(error.value.place) == where


def test_tabs_get_a_hint() -> None:
    with pytest.raises(BadFile) as error:
        documents(b"a:\n\tb: 1", "f.yml")
    assert error.value.hint == "indent with spaces: YAML takes no tabs"


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b"{a: " * 100_000, b"- " * 100_000, b"? " * 100_000]
)
def test_deep_nesting_is_refused_and_not_fatal(text: bytes) -> None:
    with pytest.raises(BadFile):
        documents(text, "f.yml")


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(BadFile, match="unfold"):
        documents("\n".join(lines).encode(), "f.yml")


def test_many_honest_aliases_are_fine() -> None:
    lines = ["x: &x {a: 1, b: 2}", "services:"]
    lines += [f"  s{n}: {{<<: *x, n: {n}}}" for n in range(5000)]
    assert len(value("\n".join(lines))["services"]) == 5000


def test_places() -> None:
    document = documents(b"a:\n  b:\n    - x\n    - {c: 1}\n", "f.yml")[0]
    assert str(document.place(("a", "b", 1, "c"))) == "f.yml:4:8"
    assert str(document.place(("a", "nope"))) == "f.yml:1:1"
    assert document.depth(("a", "nope", "deeper")) == 1


@given(st.binary(max_size=200))
def test_any_bytes_are_documents_or_a_bad_file(text: bytes) -> None:
    try:
        documents(text, "f.yml")
    except BadFile as error:
        assert error.place


@given(st.text(alphabet="ab:-*&!<>[]{}'\"|, \n#?0", max_size=80))
def test_any_yaml_like_text_is_documents_or_a_bad_file(text: str) -> None:
    try:
        for document in documents(text.encode(), "f.yml"):
            document.place(("a", "b", 0))
    except BadFile as error:
        assert error.place
