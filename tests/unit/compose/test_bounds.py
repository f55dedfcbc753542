"""A small file can ask for a great deal: loading it ends soon, and takes memory by its size.

Each file is loaded in a process of its own, so that what it takes can be seen.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

MEBIBYTE = 1024 * 1024
AT_MOST = 200 * MEBIBYTE
"""What any file may take: a service may have every port there is, which is 65535 entries."""
TIMES_THE_FILE = 200
SECONDS = 20
"""Of processor time. The slowest of them takes three on one core."""

ROOT = Path(__file__).parents[3]

LOADER = """
import resource, sys
from bench.memory import peak
from nap_compose.compose.loader import load
from nap_compose.compose.render import render
from nap_compose.errors import BadFile

before = peak()
try:
    render(load(cwd=sys.argv[1], project_name="p").app, "json")
    end = "read"
except BadFile as error:
    end = "refused " + str(error)
used = resource.getrusage(resource.RUSAGE_SELF)
print(peak() - before, used.ru_utime + used.ru_stime, end)
"""

A = "services: {a: {image: x}}\n"


def one(keys: str) -> str:
    """A file with one service that has `keys`."""
    return f"services: {{a: {{image: x, {keys}}}}}\n"


def many(count: int, keys: str, *, more: str = "") -> str:
    """A file with services s0, s1 and so on; its `keys` with `{i}` and such filled."""
    rows = (
        f"  s{i}: {{{keys}}}\n".replace("{i}", str(i))
        .replace("{before}", f"s{i - 1}" if i else "first")
        .replace("{after}", f"s{(i + 1) % count}")
        for i in range(count)
    )
    return f"services:\n  first: {{image: x}}\n{more}{''.join(rows)}"


LAUGHS = "A0=xxxxxxxxxx\n" + "".join(f"A{i}={f'$A{i - 1}' * 10}\n" for i in range(1, 12))

REFUSED = {
    "alias-bomb": {
        "compose.yaml": "x-0: &a0 [x, x, x, x]\n"
        + "".join(f"x-{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
        + A
    },
    "merge-keys-in-a-chain": {
        "compose.yaml": "x-0: &a0 {k0: v}\n"
        + "".join(f"x-{i}: &a{i} {{<<: *a{i - 1}, k{i}: v}}\n" for i in range(1, 3000))
        + A
    },
    "deep-brackets": {"compose.yaml": "x-a: " + "[" * 100_000 + "]" * 100_000 + "\n" + A},
    "deep-indentation": {
        "compose.yaml": "x-a:\n" + "".join(" " * i + "a:\n" for i in range(1, 900))
    },
    "ports-of-many-services": {"compose.yaml": many(200, "image: x, ports: ['1-65535']")},
    "ports-of-one-service": {"compose.yaml": one(f"ports: [{', '.join(['1-65535'] * 500)}]")},
    "ports-extended": {
        "compose.yaml": many(1500, "extends: base", more="  base: {image: x, ports: ['1-65535']}\n")
    },
    "extends-that-grow": {
        "compose.yaml": many(1500, "extends: {before}, environment: {K{i}: v}"),
    },
    "extends-backwards": {"compose.yaml": many(3000, "extends: {after}")},
    "extends-over-files": {
        "compose.yaml": "services: {a: {extends: {file: f0.yaml, service: a}}}\n",
        **{
            f"f{i}.yaml": f"services: {{a: {{extends: {{file: f{i + 1}.yaml, service: a}}}}}}\n"
            for i in range(400)
        },
    },
    "include-in-a-chain": {
        "compose.yaml": "include: [f0.yaml]\n",
        **{f"f{i}.yaml": f"include: [f{i + 1}.yaml]\n" for i in range(400)},
    },
    "include-twice-each": {
        "compose.yaml": "include: [f0.yaml, f0.yaml]\n",
        **{f"f{i}.yaml": f"include: [f{i + 1}.yaml, f{i + 1}.yaml]\n" for i in range(25)},
        "f25.yaml": A,
    },
    "dotenv-that-grows": {".env": LAUGHS, "compose.yaml": one("hostname: $A11")},
    "env-file-that-grows": {"e": LAUGHS, "compose.yaml": one("env_file: e")},
    "env-file-of-many-services": {
        "e": "".join(f"K{i}=v\n" for i in range(20_000)),
        "compose.yaml": many(300, "image: x, env_file: e"),
    },
    "variables-that-grow": {
        ".env": "A=" + "x" * 100_000 + "\n",
        "compose.yaml": one(f"labels: {{a: '{'$A' * 50_000}'}}"),
    },
    "templates-open": {"compose.yaml": one(f"hostname: '{'${A:-' * 50_000}'")},
    "templates-nested": {"compose.yaml": one(f"hostname: '{'${A:-' * 20_000}{'}' * 20_000}'")},
    "templates-unpaired": {"compose.yaml": one(f"hostname: '{'${A:-{}' * 20_000}'")},
    "digits-of-a-size": {"compose.yaml": one(f"mem_limit: {'9' * 100_000}g")},
    "digits-of-a-time": {"compose.yaml": one(f"stop_grace_period: {'9' * 100_000}s")},
    "digits-of-a-number": {"compose.yaml": one(f"scale: {'9' * 100_000}")},
    "dependencies-in-a-ring": {
        "compose.yaml": many(5000, "image: x, depends_on: [{after}]"),
    },
    "faults-without-end": {"compose.yaml": many(2000, "imag: x")},
    "names-to-compare": {
        "compose.yaml": many(2000, "image: x, networks: [n{i}]")
        + "networks: {"
        + ", ".join(f"m{i}: {{}}" for i in range(2000))
        + "}\n"
    },
}
READ = {
    "every-port": {"compose.yaml": one("ports: ['1-65535:1-65535']")},
    "extends-in-a-chain": {"compose.yaml": many(3000, "extends: {before}")},
    "many-services": {"compose.yaml": many(10_000, "image: x")},
    "many-keys": {
        "compose.yaml": one("environment: {" + ", ".join(f"K{i}: v" for i in range(40_000)) + "}")
    },
    "many-documents": {"compose.yaml": (A + "---\n") * 2000 + A},
    "many-templates": {"compose.yaml": one(f"hostname: '{'${A:-b}' * 50_000}'")},
    "many-dollars": {"compose.yaml": one(f"hostname: '{'$' * 200_000}'")},
    "long-command": {"compose.yaml": one(f"command: '{'a ' * 200_000}'")},
    "long-text": {"compose.yaml": one(f"hostname: {'x' * 1_000_000}")},
    "long-lists-merged": {
        "compose.yaml": one(f"security_opt: [{', '.join(f'a{i}' for i in range(20_000))}]"),
        "compose.override.yaml": one(
            f"security_opt: [{', '.join(f'b{i}' for i in range(20_000))}]"
        ),
    },
}


def _limit() -> None:
    """Keep a fault in the loader from taking the machine's memory."""
    resource.setrlimit(resource.RLIMIT_AS, (2048 * MEBIBYTE, 2048 * MEBIBYTE))


@pytest.mark.parametrize(
    ("files", "end"),
    [pytest.param(files, "refused", id=name) for name, files in REFUSED.items()]
    + [pytest.param(files, "read", id=name) for name, files in READ.items()],
)
def test_time_and_memory_are_bounded(files: dict[str, str], end: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    result = subprocess.run(
        [sys.executable, "-c", LOADER, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=10 * SECONDS,
        check=False,
        cwd=ROOT,
        preexec_fn=_limit,
    )
    assert result.returncode == 0, result.stderr[-1000:]
    memory, seconds, found = result.stdout.split(maxsplit=2)
    size = sum(map(len, files.values()))
    assert found.split()[0] == end, found[:300]
    assert float(seconds) < SECONDS
    assert int(memory) < AT_MOST + TIMES_THE_FILE * size
