"""nap as a Debian package: `python tools/deb.py FOLDER [PYTHON]`, which prints the package's path.

In it is an environment of root's own under /opt/nap, for the system's Python: what a user installs
for other programs can't change what nap runs, and the broker's account can't be had through it.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import manpages  # noqa: E402
from click.shell_completion import get_completion_class  # noqa: E402

import nap_compose  # noqa: E402
from nap_compose.cli.calling import root  # noqa: E402

NAME = "nap-compose"
HOME = Path("opt/nap")
SCRIPTS = Path(__file__).parent / "debian"
SOURCES = ("pyproject.toml", "setup.py", "README.md")
LAUNCHER = """\
#!/opt/nap/bin/python3 -I
import sys

from nap_compose.cli.main import main

sys.exit(main())
"""
COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/nap",
    "zsh": "usr/share/zsh/vendor-completions/_nap",
    "fish": "usr/share/fish/vendor_completions.d/nap.fish",
}
CONTROL = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: The nap developers <nap@nap.invalid>
Depends: python3 (>= {this}), python3 (<< {next})
Recommends: sudo
Suggests: openssh-client
Section: admin
Priority: optional
Installed-Size: {size}
Description: Compose for a shared cluster of Docker hosts
 nap reads Compose files and runs them over several Docker hosts: it places
 services, rolls out updates, watches over containers, and keeps apart what
 belongs to different people.
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: The nap developers
License: Apache-2.0
 See /usr/share/common-licenses/Apache-2.0. The libraries in /opt/nap have their
 own licences, each beside it in a folder that ends with .dist-info.
"""


def build(folder: Path, python: Path) -> Path:
    """Build the package for a Python of the system's; gives where it is."""
    with tempfile.TemporaryDirectory(prefix="nap-deb-") as draft:
        stage = Path(draft, "stage")
        stage.mkdir(mode=0o755)
        stage.chmod(0o755)
        _environment(stage, python, Path(draft, "tree"))
        _program(stage)
        _pages(stage)
        _completions(stage)
        _documents(stage)
        _control(stage, python)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{NAME}_{nap_compose.__version__}_{_architecture()}.deb"
        _run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", stage, file)
        return file


def _environment(stage: Path, python: Path, tree: Path) -> None:
    """nap and what it needs, exactly as it was tested, with nothing of the way they came there."""
    tree.mkdir()
    for name in SOURCES:
        shutil.copy2(ROOT / name, tree / name)
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "nap_compose", tree / "nap_compose", ignore=skipped)
    home = stage / HOME
    _run(python, "-m", "venv", "--without-pip", home)
    _run(
        *(sys.executable, "-m", "pip", "--python", home / "bin" / "python3"),
        *("install", "--quiet", "--no-compile", "-c", ROOT / "requirements-test.lock", tree),
    )
    for file in (home / "bin").iterdir():
        if file.name != "python3":
            file.unlink()
    for each in home.iterdir():  # libraries leave things here that nobody reads
        if each.is_dir() and each.name == "include":
            shutil.rmtree(each)
        elif each.is_file() and each.name != "pyvenv.cfg":
            each.unlink()
    (home / "bin" / "python3").unlink()
    (home / "bin" / "python3").symlink_to(python)
    settings = f"home = {python.parent}\ninclude-system-site-packages = false\n"
    (home / "pyvenv.cfg").write_text(settings)
    # Nobody else may write there later, and root's own runs should leave nothing behind either.
    _run(python, "-m", "compileall", "-q", "-s", stage, "-p", "/", home / "lib")


def _program(stage: Path) -> None:
    program = stage / HOME / "bin" / "nap"
    program.write_text(LAUNCHER)
    program.chmod(0o755)
    (stage / "usr" / "bin").mkdir(parents=True)
    (stage / "usr" / "bin" / "nap").symlink_to("/" / HOME / "bin" / "nap")


def _pages(stage: Path) -> None:
    folder = stage / "usr/share/man/man1"
    folder.mkdir(parents=True)
    for name, text in manpages.pages():
        _packed(folder / f"{name}.1.gz", text)


def _completions(stage: Path) -> None:
    for shell, place in COMPLETIONS.items():
        found = get_completion_class(shell)
        if found is None:
            raise SystemExit(f"there is no completion for {shell}")
        file = stage / place
        file.parent.mkdir(parents=True)
        file.write_text(found(root(), {}, "nap", "_NAP_COMPLETE").source())


def _documents(stage: Path) -> None:
    folder = stage / "usr/share/doc" / NAME
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copy2(ROOT / "README.md", folder)
    (folder / "copyright").write_text(COPYRIGHT)


def _control(stage: Path, python: Path) -> None:
    said = _run(python, "-c", "import sys; print(*sys.version_info[:2])").split()
    major, minor = map(int, said)
    size = sum(file.lstat().st_size for file in stage.rglob("*") if not file.is_dir())
    folder = stage / "DEBIAN"
    folder.mkdir(mode=0o755)
    text = CONTROL.format(
        name=NAME,
        version=nap_compose.__version__,
        architecture=_architecture(),
        this=f"{major}.{minor}",
        next=f"{major}.{minor + 1}",
        size=-(-size // 1024),
    )
    (folder / "control").write_text(text)
    for script in SCRIPTS.iterdir():
        shutil.copy2(script, folder / script.name)
        (folder / script.name).chmod(0o755)
    for each in stage.rglob("*"):  # whatever this shell's umask is
        if not each.is_symlink():
            each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)


def _packed(file: Path, text: str) -> None:
    file.write_bytes(gzip.compress(text.encode(), mtime=0))


def _architecture() -> str:
    return _run("dpkg", "--print-architecture").strip()


def _run(*argv: str | Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, argv))}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    print(build(Path(sys.argv[1]), Path(sys.argv[2] if sys.argv[2:] else "/usr/bin/python3")))
