"""`pip install .` reads pyproject.toml; `python setup.py install` hands over to pip.

Setuptools alone no longer installs dependencies for `install`, so a plain
`setup()` there would leave a `nap` that can't start.
"""

import subprocess
import sys
from pathlib import Path

from setuptools import setup

if sys.argv[1:2] == ["install"]:
    here = str(Path(__file__).resolve().parent)
    raise SystemExit(subprocess.call([sys.executable, "-m", "pip", "install", *sys.argv[2:], here]))

setup()
