"""A volume on its way, on record: nothing of its app is started until it has arrived."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nap_compose.cluster import moves
from nap_compose.cluster.moves import Move
from nap_compose.cluster.state import StateStore
from nap_compose.errors import NapError

MOVE = Move("data", "ada_shop_data", "h1", "h2", again=("web", "db"))


def test_it_is_read_as_it_was_written_and_holds_its_app_alone(store: StateStore) -> None:
    moves.refuse(store, "ada", "shop")
    moves.write(store, "ada", "shop", MOVE)
    assert moves.read(store, "ada", "shop") == MOVE
    moves.refuse(store, "ada", "blog")
    with pytest.raises(NapError, match="on its way from h1 to h2") as error:
        moves.refuse(store, "ada", "shop")
    assert "--abandon" in str(error.value.hint)
    moves.write(store, "ada", "shop", replace(MOVE, target="", whole=True))
    with pytest.raises(NapError, match="to cluster storage") as error:
        moves.refuse(store, "ada", "shop")
    assert "--abandon" not in str(error.value.hint), "the copy counts by now"
    moves.delete(store, "ada", "shop")
    moves.refuse(store, "ada", "shop")
