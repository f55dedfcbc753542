"""Whatever a file holds, the loader makes an app of it or says what is wrong: never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nap_compose.compose.keys import TOP
from nap_compose.compose.loader import load
from nap_compose.compose.render import render
from nap_compose.compose.shapes import Either, Items, Object, Shape, Table
from nap_compose.errors import BadFile

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 70_000)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["", "a", "b", "80:80", "1-2:3-4", "a:/b", "./x", "10s", "5m", "${A:-b}", "${", "$$", "yes",
         "service:a", "service:b", "~/x", "::", "a=b", "CMD", "a b", "*", "service_healthy"]
    )
    | st.text(max_size=5)
)  # fmt: skip
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "x-a", "type", "target"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def fitting(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that look like the shape, with something else now and then."""
    if isinstance(shape, Either):
        return st.one_of([fitting(one) for one in shape.shapes]) | ANYTHING
    if isinstance(shape, Items):
        return st.lists(fitting(shape.item), max_size=3) | ANYTHING
    if isinstance(shape, Table):
        return st.dictionaries(st.sampled_from("ab"), fitting(shape.entry), max_size=2) | ANYTHING
    if isinstance(shape, Object):
        rows = {key: st.deferred(lambda r=row: fitting(r.shape)) for key, row in
                shape.entries.items()}  # fmt: skip
        return st.sets(st.sampled_from(sorted(rows)), max_size=4).flatmap(
            lambda chosen: st.fixed_dictionaries({key: rows[key] for key in sorted(chosen)})
        )
    return ANYTHING


SERVICES = TOP.entries["services"].shape
assert isinstance(SERVICES, Table)
DOCUMENTS = st.fixed_dictionaries(
    {
        "services": st.dictionaries(
            st.sampled_from(["a", "b"]),
            fitting(SERVICES.entry).map(
                lambda spec: {"image": "x", **spec} if isinstance(spec, dict) else spec
            ),
            min_size=1,
            max_size=2,
        )
    },
    optional={
        key: fitting(row.shape) for key, row in TOP.entries.items() if key not in ("services",)
    },
)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(DOCUMENTS, DOCUMENTS)
def test_any_document_is_an_app_or_a_bad_file(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, Any], two: dict[str, Any]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    files = (folder / "one.yaml", folder / "two.yaml")
    for file, value in zip(files, (one, two), strict=True):
        file.write_text(json.dumps(value))
    try:
        app = load(list(files), cwd=folder, project_name="p").app
    except BadFile as error:
        assert str(error)
        return
    json.loads(render(app, "json"))
    printed = folder / "printed.yaml"
    printed.write_text(render(app, "yaml"))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="services:\n -{}[]&*a!\"'$<|>#%@`x,?", max_size=120))
def test_any_text_is_an_app_or_a_bad_file(text: str) -> None:
    try:
        load(["-"], cwd=Path("/"), project_name="p", stdin=text.encode)
    except BadFile as error:
        assert str(error)
