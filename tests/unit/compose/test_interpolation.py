"""Every form of a variable, nested too; what isn't a template is an error and never a traceback."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.compose.faults import Fault
from nap_compose.compose.interpolation import BadTemplate, Interpolator, variables

ENV = {"SET": "s", "EMPTY": "", "OTHER": "o"}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("$SET", "s"),
        ("${SET}", "s"),
        ("$SET-x", "s-x"),
        ("$SETX", ""),
        ("a${SET}b$OTHER", "asbo"),
        ("${NO:-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NO-d}", "d"),
        ("${SET:+a}", "a"),
        ("${EMPTY:+a}", ""),
        ("${EMPTY+a}", "a"),
        ("${NO+a}", ""),
        ("${SET:?e}", "s"),
        ("${EMPTY?e}", ""),
        ("${NO:-${SET}}", "s"),
        ("${NO:-${ALSO:-deep}}", "deep"),
        ("${NO:-a${SET}b${NO-c}}", "asbc"),
        ("${NO:-a:-b}", "a:-b"),
        ("${NO:-a?b}", "a?b"),
        ("${NO:-{}}", "{}"),
        ("${NO:-}", ""),
        ("$$SET", "$SET"),
        ("$$$SET", "$s"),
        ("$$$$", "$$"),
        ("a$", "a$"),
        ("^a$", "^a$"),
        ("$}", "$}"),
        ("$1", "$1"),
        ("100$%", "100$%"),
    ],
)
def test_forms(template: str, text: str) -> None:
    assert Interpolator(ENV).text(template) == text


@pytest.mark.parametrize("template", ["${", "${}", "${ a}", "${a", "${a!}", "${1}", "${a:x}"])
def test_invalid(template: str) -> None:
    with pytest.raises(BadTemplate, match="invalid template"):
        Interpolator(ENV).text(template)


@pytest.mark.parametrize("template", ["${NO:?give it}", "${NO?give it}", "${EMPTY:?give it}"])
def test_required(template: str) -> None:
    with pytest.raises(BadTemplate, match="is missing a value: give it"):
        Interpolator(ENV).text(template)


def test_only_used_and_unset_variables_are_noted() -> None:
    interpolator = Interpolator(ENV)
    interpolator.text("${SET:-$UNUSED} $A ${A} ${B} ${C:-c} ${D+x} ${EMPTY}")
    assert list(interpolator.unset) == ["A", "B"]


def test_a_tree_names_the_path_of_a_bad_template() -> None:
    with pytest.raises(Fault) as error:
        Interpolator(ENV).tree({"services": {"a": {"ports": ["80", "${"]}}})
    assert error.value.path == ("services", "a", "ports", 1)
    assert error.value.hint == "write $$ for a plain dollar sign"


def test_keys_stay() -> None:
    assert Interpolator(ENV).tree({"$SET": "$SET"}) == {"$SET": "s"}


def test_variables_are_listed_with_the_nested_ones() -> None:
    found = variables({"a": ["${A:-${B:?need}}", {"b": "$C ${D:+alt}"}]})
    assert sorted(found) == ["A", "B", "C", "D"]
    assert found["A"].default == "${B:?need}"
    assert found["B"].required
    assert found["D"].alternative == "alt"


def test_deep_nesting_ends_in_an_error() -> None:
    with pytest.raises(BadTemplate, match="nested more than"):
        Interpolator({}).text("${A:-" * 5000 + "}" * 5000)


@given(st.text().filter(lambda text: "$" not in text))
def test_text_without_a_dollar_is_untouched(text: str) -> None:
    assert Interpolator(ENV).text(text) == text


@given(st.text())
def test_doubled_dollars_give_the_text_back(text: str) -> None:
    assert Interpolator(ENV).text(text.replace("$", "$$")) == text


@given(st.text(alphabet="${}:-+?AB a\n"))
def test_any_text_is_a_value_or_a_bad_template(template: str) -> None:
    try:
        assert isinstance(Interpolator({"A": "a"}).text(template), str)
    except BadTemplate as error:
        assert str(error)
