"""Who follows logs in a test does so until its end and no longer: threads that nobody ended read
on in the same process, and took a core from all tests that came after."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nap_compose.logs.follow import Follow


@pytest.fixture(autouse=True)
def nobody_follows_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    begun: list[Follow] = []
    make = Follow.__init__

    def noted(follow: Follow, *args: object, **named: object) -> None:
        make(follow, *args, **named)  # type: ignore[arg-type]
        begun.append(follow)

    monkeypatch.setattr(Follow, "__init__", noted)
    yield
    for each in begun:
        each.stop()
