"""Sessions end, belong to one person on one cluster, and can't be made up."""

import stat
from pathlib import Path

import pytest

from nap_compose.auth.people import Person
from nap_compose.auth.sessions import Sessions, end_all_of
from nap_compose.errors import NotAllowed

BOB = Person("id-bob", "bob", "uid=bob", ("cn=web",))


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions", "lab", idle=3600)


def begin(sessions: Sessions, now: float = 1000.0, longest: float = 43200.0) -> str:
    token, _ = sessions.begin(BOB, "bob", "sysbob", now=now, longest=longest)
    return token


def test_a_session_is_found_again(sessions: Sessions) -> None:
    found = sessions.find(begin(sessions), "sysbob", now=1500.0)
    assert found.person == BOB
    assert (found.owner, found.used) == ("bob", 1500.0)


def test_it_is_for_the_service_accounts_eyes_only_and_holds_no_token(
    sessions: Sessions, tmp_path: Path
) -> None:
    token = begin(sessions)
    (file,) = (tmp_path / "sessions").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert token not in file.read_text() + file.name


@pytest.mark.parametrize("change", ["", "~", "../x", "\0"], ids=repr)
def test_a_changed_token_is_nobodys(sessions: Sessions, change: str) -> None:
    token = begin(sessions)
    with pytest.raises(NotAllowed, match="aren't logged in"):
        sessions.find(change + token[1:], "sysbob", now=1001.0)


def test_another_user_of_the_system_has_no_use_for_it(sessions: Sessions) -> None:
    with pytest.raises(NotAllowed):
        sessions.find(begin(sessions), "mallory", now=1001.0)


def test_another_cluster_has_no_use_for_it(sessions: Sessions, tmp_path: Path) -> None:
    token = begin(sessions)
    with pytest.raises(NotAllowed):
        Sessions(tmp_path / "sessions", "other", idle=3600).find(token, "sysbob", now=1001.0)


def test_a_changed_file_is_no_session(sessions: Sessions, tmp_path: Path) -> None:
    token = begin(sessions)
    (file,) = (tmp_path / "sessions").iterdir()
    for content in ("", "{}", "[]", "null", file.read_text().replace('"lab"', '"x"')):
        file.write_text(content)
        with pytest.raises(NotAllowed):
            sessions.find(token, "sysbob", now=1001.0)


def test_it_ends_after_its_time_whatever_is_done(sessions: Sessions) -> None:
    token = begin(sessions, longest=5000.0)
    for now in (3000.0, 5999.0):
        sessions.find(token, "sysbob", now=now)
    with pytest.raises(NotAllowed, match="is over"):
        sessions.find(token, "sysbob", now=6000.0)
    with pytest.raises(NotAllowed):  # and doesn't come back with the clock
        sessions.find(token, "sysbob", now=1001.0)


def test_it_ends_when_it_is_not_used(sessions: Sessions) -> None:
    token = begin(sessions)
    with pytest.raises(NotAllowed, match="is over"):
        sessions.find(token, "sysbob", now=4600.0)


def test_what_is_over_is_swept_away(sessions: Sessions, tmp_path: Path) -> None:
    import os

    begin(sessions)
    (old,) = (tmp_path / "sessions").iterdir()
    os.utime(old, (1000, 1000))
    begin(sessions, now=100_000.0)
    assert not old.exists()
    assert len(list((tmp_path / "sessions").iterdir())) == 1


def test_all_of_somebody_who_leaves_end(sessions: Sessions, tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    assert end_all_of(folder, "bob") == 0
    tokens = [begin(sessions), begin(sessions)]
    other, _ = sessions.begin(BOB, "carol", "syscarol", now=1000.0, longest=43200.0)
    (folder / "broken").write_text("{")
    assert end_all_of(folder, "bob") == 2
    for token in tokens:
        with pytest.raises(NotAllowed):
            sessions.find(token, "sysbob", now=1001.0)
    sessions.find(other, "syscarol", now=1001.0)
