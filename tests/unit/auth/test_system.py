"""Who the system says is asking."""

from __future__ import annotations

import os
import pwd

import pytest

from nap_compose.auth.system import user_name


def test_it_is_the_process_s_user() -> None:
    assert user_name({}) == pwd.getpwuid(os.getuid()).pw_name


def test_variables_claim_nothing() -> None:
    mine = pwd.getpwuid(os.getuid()).pw_name
    assert user_name({"USER": "bob", "LOGNAME": "bob", "USERNAME": "bob"}) == mine


def test_root_is_believed_about_who_used_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert user_name({"SUDO_USER": "daemon"}) == "daemon"
    assert user_name({"SUDO_USER": "no-such-user"}) == user_name({})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_nobody_else_is() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(pwd.getpwnam("nobody").pw_uid)
        os.write(writer, user_name({"SUDO_USER": "root"}).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        assert answer.read() == "nobody"
