"""What a person on one engine is told where there is none, or none that nap can use."""

from __future__ import annotations

from pathlib import Path

from nap_compose.exits import Exit
from tests.engine.fake_engine import FakeEngine
from tests.support.nap import Nap

OTHERS = "DOCKER_HOST names another one, a cluster file a whole cluster"


def test_one_that_is_not_there_may_not_run(tmp_path: Path) -> None:
    said = Nap(tmp_path, DOCKER_HOST=f"unix://{tmp_path}/none.sock")("ps", code=Exit.PARTIAL)
    assert said.out == ""
    assert said.err == (
        f"nap: the Docker engine doesn't answer: there is no socket {tmp_path}/none.sock\n"
        f"     is it running? {OTHERS}\n"
    )


def test_one_that_answers_is_not_said_to_be_down(tmp_path: Path) -> None:
    with FakeEngine(api="1.39") as engine:
        said = Nap(tmp_path, DOCKER_HOST=engine.endpoint)("ps", code=Exit.PARTIAL)
    assert said.out == ""
    assert said.err.endswith(
        "nap: the Docker engine can't be used: the engine is too old: its API is 1.39, "
        f"nap needs 1.40 or newer (Docker 19.03)\n     {OTHERS}\n"
    )
