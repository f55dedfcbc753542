"""The syntax of env files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.compose.dotenv import parse, parse_raw
from nap_compose.errors import BadFile

ENV = {"HOME": "/root", "A": "from-env"}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("\n\n# comment\n", {}),
        ("K=v", {"K": "v"}),
        ("K=v\n", {"K": "v"}),
        ("\ufeffK=v", {"K": "v"}),
        ("K=v\r\nL=w\r\n", {"K": "v", "L": "w"}),
        ("  K = v  ", {"K": "v"}),
        ("export K=v", {"K": "v"}),
        ("exported=v", {"exported": "v"}),
        ("K: v", {"K": "v"}),
        ("K=", {"K": ""}),
        ("K=a b", {"K": "a b"}),
        ("K=a # b", {"K": "a"}),
        ("K=a#b", {"K": "a#b"}),
        ("K=#b", {"K": ""}),
        ("K='a # b'", {"K": "a # b"}),
        ('K="a # b" # c', {"K": "a # b"}),
        ("K='$HOME'", {"K": "$HOME"}),
        ('K="$HOME"', {"K": "/root"}),
        ("K=$HOME/x", {"K": "/root/x"}),
        ("K=${NO:-d}", {"K": "d"}),
        ('K="a\\nb"', {"K": "a\nb"}),
        ("K='a\\nb'", {"K": "a\\nb"}),
        ('K="a\nb"', {"K": "a\nb"}),
        ('K="a\\"b"', {"K": 'a"b'}),
        ("K=a\nL=${K}b", {"K": "a", "L": "ab"}),
        ("HOME", {"HOME": "/root"}),
        ("NOPE", {"NOPE": None}),
        ("A=mine\nB=$A", {"A": "mine", "B": "from-env"}),
        ("K=a\nK=b", {"K": "b"}),
        ("A.B=1", {"A.B": "1"}),
        ("É=1", {"É": "1"}),
        ('K="\\c \\\\ \\0101"', {"K": "\\c \\ A"}),
        ('K="a" L=b', {"K": "a", "L": "b"}),
    ],
)
def test_syntax(text: str, values: dict[str, str | None]) -> None:
    assert parse(text, "f.env", ENV) == values


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ('A=1\nK="open\nmore', "f.env:2:3", "unterminated quoted value"),
        ("A B=1", "f.env:1:1", "can't contain a space"),
        ("=1", "f.env:1:1", "unexpected character"),
        ("A=1\n\nB=${", "f.env:3:3", "invalid template"),
        ("B=${C:?give C}", "f.env:1:3", "required variable C is missing a value: give C"),
    ],
)
def test_faults_have_a_place(text: str, where: str, message: str) -> None:
    with pytest.raises(BadFile, match=message) as error:
        parse(text, "f.env", {})
    assert str(error.value.place) == where


def test_raw_takes_values_as_they_stand() -> None:
    text = "# c\nA='q'\nB=$HOME # x\nC\n"
    assert parse_raw(text, "f.env") == {"A": "'q'", "B": "$HOME # x", "C": None}


@given(st.text(alphabet="AB=:#'\"\\$ {}\n\texport-"))
def test_any_text_is_variables_or_a_bad_file(text: str) -> None:
    try:
        parse(text, "f.env", {"A": "a"})
    except BadFile as error:
        assert error.place


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True), st.text()))
def test_single_quotes_keep_what_they_hold(values: dict[str, str]) -> None:
    values = {key: "".join(c for c in value if c not in "'\\\r") for key, value in values.items()}
    text = "\n".join(f"{key}='{value}'" for key, value in values.items())
    assert parse(text, "f.env", {}) == values
