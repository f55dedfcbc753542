"""python:3"""

from bed.images.recipe import Recipe

# Redis' client is in already, so that `pip install redis` is content where there is no PyPI.
OPEN_TO_PIP = """
ln -sf python3 /usr/bin/python
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
"""

RECIPE = Recipe(
    name="python:3",
    about="Python 3 with pip and the client for Redis",
    packages=("python3", "python3-pip", "python3-redis"),
    setup=OPEN_TO_PIP,
    env={"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"},
    cmd=("python3",),
)
