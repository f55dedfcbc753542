"""`pip install .` reads pyproject.toml; `python setup.py install` hands over to pip.

Setuptools alone no longer installs dependencies for `install`, so a plain `setup()` there would
leave a `nap` that can't start. pip brings the setuptools that it needs itself: a new virtual
environment has none since Python 3.12.
"""

import subprocess
import sys
from pathlib import Path

if sys.argv[1:2] == ["install"]:
    here = str(Path(__file__).resolve().parent)
    raise SystemExit(subprocess.call([sys.executable, "-m", "pip", "install", *sys.argv[2:], here]))

from setuptools import setup

setup()
