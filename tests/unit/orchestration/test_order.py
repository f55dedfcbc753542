"""Which steps can be begun: those of which all that they need is done, in the plan's order."""

from __future__ import annotations

import random

from nap_compose.orchestration.order import Order
from nap_compose.orchestration.plan import Kind, Step


def step(name: str, *needs: str, kind: Kind = Kind.CREATE) -> Step:
    return Step(name, kind, "h1", name, name, needs)


def taken(order: Order, most: int = 64) -> list[str]:
    return [each.id for each in order.take(most)]


def test_each_comes_once_all_that_it_needs_is_done() -> None:
    order = Order([step("a"), step("b"), step("c", "a", "b", "a"), step("d", "c")])
    assert taken(order) == ["a", "b"]
    order.done("a")
    assert taken(order) == []
    order.done("b")
    assert taken(order) == ["c"]
    order.done("c")
    assert taken(order) == ["d"]
    assert not order


def test_the_plans_first_ones_are_begun_first() -> None:
    order = Order([step("late", "z"), step("z"), step("y"), step("x")])
    assert taken(order, 1) == ["z"]
    order.done("z")
    assert taken(order, 2) == ["late", "y"]
    assert [each.id for each in order.left] == ["x"]


def test_what_gathers_is_passed_through_and_never_begun() -> None:
    gathering = step("all", "a", "b", kind=Kind.GATHER)
    order = Order([step("a"), step("b"), gathering, step("c", "all")])
    assert taken(order) == ["a", "b"]
    assert [each.id for each in order.left] == ["c"]
    order.done("a")
    order.done("b")
    assert taken(order) == ["c"]
    assert not order


def test_one_that_is_dropped_holds_up_nobody() -> None:
    order = Order([step("a"), step("b", "a"), step("c", "b")])
    assert order.drop("b")
    assert not order.drop("b")
    assert taken(order) == ["a", "c"]


def test_one_that_needs_what_there_is_not_is_never_begun() -> None:
    order = Order([step("a", "nobody")])
    assert taken(order) == []
    assert order


def test_any_way_through_keeps_the_needs() -> None:
    lot = random.Random(7)
    for _ in range(50):
        steps = [
            step(str(n), *(str(need) for need in range(n) if lot.random() < 0.2)) for n in range(30)
        ]
        order, running, done = Order(steps), [], set[str]()
        while order or running:
            for each in order.take(lot.randint(1, 4)):
                assert done.issuperset(each.needs)
                running.append(each.id)
            ended = running.pop(lot.randrange(len(running)))
            done.add(ended)
            order.done(ended)
        assert len(done) == len(steps)
