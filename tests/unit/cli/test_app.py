"""`nap app` and `nap user`: what they ask for and how they show what they get."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from nap_compose.border import (
    AppDetail,
    AppRow,
    Deployed,
    Listing,
    QuotaRow,
    ShareRow,
    Target,
    UserRow,
)
from tests.unit.cli.scripted import Scripted, nap, row

SHOP = AppDetail(
    owner="bob",
    app="shop",
    maker="ada",
    project="ada_shop",
    created="2026-03-01T12:00:00.000Z",
    revision=3,
    containers=(row(owner="bob", host="h1"),),
    volumes=("ada_shop_data",),
    shares=(ShareRow("bob", "shop", "@staff", "view", "bob", "then"),),
    deployments=(Deployed("d1", "up", 3, "ada", "2026-03-01", "2026-03-01", "done"),),
    used={"containers": 1, "memory": 1 << 30},
)
ADA = UserRow("ada-2el", "Ada.L", "user", ("staff",), "2026-01-01T10:00", "2026-03-01T12:30:00")


@dataclass
class Known(Scripted):
    owner: str = "ada"
    detail: AppDetail = SHOP

    def app(self, target: Target) -> AppDetail:
        self.asked.append(target)
        return self.detail

    admin: bool = True

    def give_app(self, target: Target, user: str) -> bool:
        self.asked.append((target, user))
        return self.admin

    def take_app(self, target: Target) -> None:
        self.asked.append(target)

    def users(self) -> Listing:
        return Listing((ADA,))

    def quotas(self, subject: str = "") -> Listing:
        self.asked.append(subject)
        return Listing((QuotaRow("ada-2el", "containers", 3, 20),))


def test_an_app_closely() -> None:
    control = Known()
    told = nap("app", "show", "bob/shop", control=control)
    assert told.code == 0 and control.asked == [Target("shop", "bob")]
    for words in (
        "app          bob/shop",
        "made by      ada,",
        "uses         containers 1, memory 1GiB",
        "volumes      ada_shop_data",
        "shared       @staff may view",
        "container    web.1 on h1: running, healthy, nginx:1",
        "deployment   2026-03-01 up revision 3 by ada: done",
    ):
        assert words in told.out
    shown = json.loads(nap("app", "show", "shop", "--format", "json", control=control).out)
    assert shown["volumes"] == ["ada_shop_data"] and control.asked[-1] == Target("shop", "ada")


def test_half_a_look_is_told() -> None:
    detail = AppDetail("ada", "shop", "ada", "ada_shop", "", 0, warnings=("host h2 was not seen",))
    told = nap("app", "show", "shop", control=Known(detail=detail))
    assert told.code == 5 and "h2" in told.err and "made by" not in told.out


def test_giving() -> None:
    control = Known()
    told = nap("app", "give", "ada/shop", "bob", control=control)
    assert told.code == 0 and "bob's now" in told.out
    assert control.asked == [(Target("shop", "ada"), "bob")]
    assert nap("app", "give", "ada/shop/web", "bob", control=control).code == 2


def test_an_offer_says_how_it_is_taken() -> None:
    told = nap("app", "give", "shop", "bob", control=Known(admin=False))
    assert told.code == 0
    assert told.out == "shop is offered to bob, who takes it: nap app take ada/shop\n"
    control = Known()
    told = nap("app", "take", "ada/shop", control=control)
    assert told.code == 0 and "shop is yours now" in told.out
    assert control.asked == [Target("shop", "ada")]


def test_users() -> None:
    titles, line = nap("user", "ls", control=Known()).out.splitlines()
    assert titles.startswith("USER") and line.split() == [
        *("ada-2el", "Ada.L", "user", "staff", "2026-03-01", "12:30")
    ]
    assert nap("user", "ls", "-q", control=Known()).out == "ada-2el\n"
    assert (
        json.loads(nap("user", "ls", "--format", "json", control=Known()).out)[0]["role"] == "user"
    )


def test_one_user() -> None:
    rows: Any = (AppRow("ada-2el", "shop", 2, 3, 4, 7), AppRow("bob", "wiki", 1, 1, 1, 1))
    control = Known(app_rows=rows)
    for name in ("Ada.L", "ada-2el"):
        told = nap("user", "show", name, control=control)
        assert told.code == 0
        assert "shop: 3 of 4 containers run" in told.out and "wiki" not in told.out
        assert "containers: 3 of 20" in told.out
    told = nap("user", "show", "adal", control=control)
    assert told.code == 2 and "nobody called adal" in told.err
