"""What is put off as nap starts is there all the same for whoever wants it."""

import copy
import inspect
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from nap_compose import spared

ROOT = Path(__file__).parents[2]


def in_new_python(script: str) -> str:
    """What a script prints that puts the modules off first."""
    done = subprocess.run(
        # Without what finds the sources that are worked on, which loads some of them itself.
        [sys.executable, "-S", "-c", f"from nap_compose import spared\nspared.modules()\n{script}"],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LOADED = "import sys; print([n for n in NAMES if type(sys.modules[n]).__name__ == 'module'])"


def test_what_click_and_pathlib_import_waits() -> None:
    names = "NAMES = ['gettext', 'inspect', 'ipaddress', 'platform', 'urllib.parse']"
    assert in_new_python(f"import click, pathlib, uuid\n{names}\n{LOADED}") == "[]"


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("import inspect; print(inspect.signature(lambda a, b=1: 0))", "(a, b=1)"),
        ("from inspect import getdoc; print(getdoc(getdoc)[:3])", "Get"),
        ("from inspect import *; print(isclass(int))", "True"),
        (
            "from gettext import ngettext; print([ngettext('a', 'b', n) for n in (0, 1, 2)])",
            "['b', 'a', 'b']",
        ),
        ("import gettext; print(gettext.dgettext('nap', 'x'), gettext.gettext('y'))", "x y"),
        ("import platform; print(platform.system() == __import__('os').uname().sysname)", "True"),
        ("import platform; print(platform.python_version_tuple()[0])", "3"),
        ("import urllib.parse; print(urllib.parse.quote('a b'))", "a%20b"),
        ("from urllib.parse import urlsplit; print(urlsplit('tcp://h:1').port)", "1"),
        ("import urllib.request; print(urllib.request.Request('http://h/').host)", "h"),
        ("from pathlib import Path; print(Path('/a b').as_uri())", "file:///a%20b"),
        ("import inspect, sys; inspect.stack(); print(sys.modules['inspect'] is inspect)", "False"),
    ],
)
def test_who_wants_it_has_it(script: str, printed: str) -> None:
    assert in_new_python(script) == printed


def test_who_holds_what_stood_for_a_module_finds_the_modules_own_things() -> None:
    script = "import inspect as held; held.stack; import sys; real = sys.modules['inspect']\n"
    assert in_new_python(script + "print(held.signature is real.signature, held is real)") == (
        "True False"
    )


def test_many_threads_that_want_it_at_once_have_it() -> None:
    script = """
import inspect, threading
found = []
def want():
    found.append(inspect.signature(want))
threads = [threading.Thread(target=want) for _ in range(20)]
for each in threads: each.start()
for each in threads: each.join()
print(len(found))
"""
    assert in_new_python(script) == "20"


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("from json import decoder; print(type(decoder).__name__)", "_LaterPackage"),
        ("import json.decoder as it; print(it.JSONDecoder().decode('[1]'))", "[1]"),
        ("from json.decoder import JSONDecoder; print(JSONDecoder().decode('[1]'))", "[1]"),
        ("from xml import etree; print(type(etree).__name__)", "_LaterPackage"),
        ("from xml.etree import ElementTree as it; print(it.fromstring('<a/>').tag)", "a"),
        ("import xml.etree.ElementTree as it; print(it.fromstring('<a/>').tag)", "a"),
    ],
)
def test_a_package_that_waits_has_its_modules(script: str, printed: str) -> None:
    assert in_new_python(f"spared.packages('json.decoder', 'xml.etree')\n{script}") == printed


@pytest.mark.parametrize(
    "text", ["one line", "  indented", "\ta tab\tand one", "", "two\n    lines\n", "\n  a\n    b\n"]
)
def test_documentation_is_cleaned_as_python_does(text: str) -> None:
    assert in_new_python(f"import inspect; print(ascii(inspect.cleandoc({text!r})))") == ascii(
        inspect.cleandoc(text)
    )


def test_a_module_that_is_there_stays_as_it_is() -> None:
    script = "import inspect as before; spared.modules(); import inspect; print(inspect is before)"
    code = f"import inspect; from nap_compose import spared\n{script}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "True"


def test_a_pattern_that_waits_does_what_a_compiled_one_does() -> None:
    with spared.patterns:
        made: Any = re.compile(r"(\d+)-(?P<rest>\w+)", re.IGNORECASE)
        with spared.patterns:
            pass
        inner: Any = re.compile("x")
    assert not isinstance(made, re.Pattern)
    assert not isinstance(inner, re.Pattern)
    assert isinstance(re.compile("x"), re.Pattern)
    match = made.match("12-Ab")
    assert match is not None
    assert (match[1], match["rest"], made.groups, made.flags & re.IGNORECASE) == ("12", "Ab", 2, 2)
    assert made.sub("-", "1-a 2-b") == "- -"
    assert copy.deepcopy(made).match("1-a")


def test_a_pattern_that_is_none_says_so_when_it_is_used() -> None:
    with spared.patterns:
        made: Any = re.compile("(")
    with pytest.raises(re.error):
        made.match("x")


def test_an_import_that_fails_leaves_python_as_it_was() -> None:
    with pytest.raises(ZeroDivisionError), spared.patterns:
        raise ZeroDivisionError
    assert isinstance(re.compile("x"), re.Pattern)
