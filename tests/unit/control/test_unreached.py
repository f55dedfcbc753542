"""What a person is told where no broker answers: real programs in its place."""

from __future__ import annotations

import pytest

from nap_compose.control.stream import remote, unreached
from nap_compose.errors import Away, NapError, NotAllowed
from nap_compose.exits import Exit

SSH = ("ssh", "-T", "-p", "2222", "--", "bob@control", "sudo", "broker")


def refusal(script: str) -> NapError:
    with pytest.raises(NapError) as raised:
        remote.open_remote(["sh", "-c", script], "")
    return raised.value


def test_what_it_said_last_is_told() -> None:
    error = refusal("echo one >&2; echo 'a password is required' >&2; exit 1")
    assert isinstance(error, NotAllowed)
    assert str(error) == "the broker can't be started: a password is required"
    assert "nap-users" in (error.hint or "")


def test_who_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "STARTING", 0.2)
    error = refusal("exec sleep 60")
    assert isinstance(error, Away)
    assert "says nothing" in str(error)


def test_a_shell_that_prints_is_not_the_broker() -> None:
    error = refusal("echo Welcome to this machine; exec sleep 60")
    assert isinstance(error, NotAllowed)
    assert "isn't the broker" in str(error)
    assert "start-up file" in (error.hint or "")


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (
            ["No ED25519 host key is known for h.", "Host key verification failed."],
            Exit.NOT_ALLOWED,
            "key isn't known",
        ),
        (["bob@control: Permission denied (publickey)."], Exit.NOT_ALLOWED, "let you in"),
        (
            ["Received disconnect: Too many authentication failures"],
            Exit.NOT_ALLOWED,
            "let you in",
        ),
        (["ssh: connect to host control: Connection refused"], Exit.PARTIAL, "be reached"),
        ([], Exit.PARTIAL, "be reached: it ended with 255"),
    ],
)
def test_what_ssh_says(said: list[str], code: Exit, told: str) -> None:
    error = unreached.not_started(SSH, unreached.SSH_FAILED, said)
    assert error.exit_code == code
    assert told in str(error)
    if code == Exit.NOT_ALLOWED:
        assert "`ssh -n -p 2222 bob@control true`" in (error.hint or "")


def test_what_fails_behind_ssh_is_no_matter_of_ssh() -> None:
    error = unreached.not_started(SSH, 1, ["sudo: a password is required"])
    assert isinstance(error, NotAllowed)
    assert "the broker can't be started" in str(error)


def test_what_the_broker_itself_refuses_is_told_as_it_is() -> None:
    error = refusal("echo 32 of yours are at work already >&2; exit 4")
    assert isinstance(error, NotAllowed)
    assert (str(error), error.hint) == ("32 of yours are at work already", None)
