"""The border's names: each is where the table says, and none is left out of it."""

from __future__ import annotations

import inspect
from importlib import import_module

import pytest

from nap_compose import border
from nap_compose.border import _SUBJECTS  # type: ignore[attr-defined]


@pytest.mark.parametrize("subject", _SUBJECTS)
def test_every_name_of_a_subject(subject: str) -> None:
    module = import_module(f"nap_compose.border.{subject}")
    for name in _SUBJECTS[subject]:
        assert getattr(border, name) is getattr(module, name)
    own = {
        name
        for name, thing in vars(module).items()
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and name[0] != "_"
    }
    assert own <= set(_SUBJECTS[subject])


def test_a_name_that_nobody_has() -> None:
    with pytest.raises(AttributeError, match="Kontrol"):
        border.Kontrol  # noqa: B018
