"""Errors are for the person: one message for each fault, a hint, an exit code, no traceback."""

import errno
from pathlib import Path

import pytest

from nap_compose.border import Listing
from nap_compose.cli.main import main
from nap_compose.cli.output.terminal import Terminal
from nap_compose.cli.session import Session
from nap_compose.errors import Away, BadFile, BadFiles, Locked, NapError, NotAllowed, Place
from tests.unit.cli.scripted import Scripted, Stream, nap


class Failing(Scripted):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def apps(self, **_: object) -> Listing:
        raise self.error


FAULTS = BadFiles(
    (
        BadFile("unknown key 'imagee'", place=Place("a.yml", 3, 5), hint="did you mean 'image'?"),
        BadFile("'x' is no port", place=Place("a.yml", 7)),
    )
)


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (NapError("it broke", hint="mend it"), 1, "nap: it broke\n     mend it\n"),
        (
            FAULTS,
            2,
            "nap: a.yml:3:5: unknown key 'imagee'\n     did you mean 'image'?\n"
            "nap: a.yml:7: 'x' is no port\n",
        ),
        (Away("no answer", host="h2"), 5, "nap: host h2: no answer\n"),
        (NotAllowed("not yours"), 4, "nap: not yours\n"),
        (Locked("bob deploys"), 7, "nap: bob deploys\n"),
        (NapError("a\x1b[2Jb"), 1, "nap: a\\x1b[2Jb\n"),
        (NapError("two\nlines"), 1, "nap: two\n     lines\n"),
        (OSError(errno.ENOSPC, "No space left", "/srv/x"), 1, "nap: No space left: /srv/x\n"),
        (
            ZeroDivisionError("by zero"),
            1,
            "nap: this is a bug in nap: ZeroDivisionError: by zero\n"
            "     run it again with --debug to see where it arose, and report that\n",
        ),
    ],
)
def test_an_error_and_its_code(error: Exception, code: int, shown: str) -> None:
    control = Failing(error)
    result = nap("ls", control=control)
    assert (result.code, result.out, result.err) == (code, "", shown)
    assert control.closed


def test_debug_shows_the_traceback() -> None:
    for words in (("ls", "--debug"), ("--debug", "ls")):
        err = nap(*words, control=Failing(ZeroDivisionError("by zero"))).err
        assert "Traceback (most recent call last)" in err
        assert "raise self.error" in err
        assert err.endswith("nap: this is a bug in nap: ZeroDivisionError: by zero\n")
    assert "Traceback" in nap("ls", "--debug", control=Failing(NapError("it broke"))).err


def test_ctrl_c_ends_with_its_code() -> None:
    assert nap("ls", control=Failing(KeyboardInterrupt())).code == 130


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("pss",), "there is no command 'pss'; did you mean 'ps'?"),
        (("explode",), "there is no command 'explode'"),
        (("strat",), "there is no command 'strat'; did you mean 'start'?"),
        (("compose",), "nap is called without 'compose': nap up"),
        (("docker", "compose", "ps", "-a"), "nap is called without 'docker': nap ps -a"),
        (("docker-compose", "down"), "nap is called without 'docker-compose': nap down"),
        (("completion",), "'{bash|zsh|fish}'. Choose from: bash, zsh, fish\n"),
        (("up", "--project-directory", "gone"), "--project-directory: gone isn't there\n"),
        (("--project-directory", "compose.yaml", "ps"), "compose.yaml is a file and no folder\n"),
        (("scale", "web=two"), "'web=two' doesn't say how many replicas of which service\n"),
        (("ls", "--formt", "json"), "there is no option '--formt'; did you mean '--format'?"),
        (("logs", "--nope"), "'--nope'\n     `nap logs --help` shows what there is\n"),
        (("host", "lss"), "there is no command 'lss'; did you mean 'ls'?"),
        (("up", "--menu"), "there is no option '--menu'\n     -w watches files"),
        (("--dry-run", "ps"), "'--dry-run'\n     it changes nothing anyway: leave that out\n"),
        (("--dry-run", "exec", "web", "ls"), "it can't be told before it is done"),
        (("ps", "--dry-run"), "'--dry-run'\n     it changes nothing anyway: leave that out\n"),
        (("publish",), "no command 'publish': nap publishes no apps; nap push brings"),
        (("host", "publish"), "there is no command 'publish'"),
        (("ls", "--format", "xml"), "invalid value for '--format': 'xml' is not one of"),
        (("config", "-p", "Bad Name"), '"Bad Name"'),
    ],
)
def test_wrong_use(shop: Path, words: tuple[str, ...], error: str) -> None:
    result = nap(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("nap: ")
    assert error in result.err


@pytest.mark.parametrize(
    "words", [("ps",), ("up",), ("cp", "shop/web:/etc", "."), ("-f", "x", "config")]
)
def test_a_folder_that_is_gone_is_no_bug(
    empty: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    gone = empty / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    result = nap(*words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("nap: the folder that you are in isn't there any more\n     go to")


@pytest.mark.parametrize(("words", "heading"), [((), "Looking:"), (("host",), "Commands:")])
def test_without_words_the_help_is_shown(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], heading: str
) -> None:
    assert nap(*words).code == 2
    shown = capsys.readouterr()
    assert heading in shown.err
    assert shown.out == ""


def test_a_variable_with_a_wrong_value_is_named(shop: Path) -> None:
    result = nap("up", env={"COMPOSE_ANSI": "sometimes"})
    assert result.code == 2
    assert "COMPOSE_ANSI is 'sometimes', which is none of auto, never, always" in result.err


def test_a_reader_that_goes_away_ends_it_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(Stream):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("nap_compose.cli.calling._forget_output", lambda: None)
    err = Stream()
    session = Session(env={}, terminal=Terminal(Closed(), err, {}), connect=lambda *_: Scripted())
    assert main(["ls"], session) == 141
    assert err.getvalue() == ""
