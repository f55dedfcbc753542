"""guestbook:1: the app of examples/guestbook, as its Dockerfile says."""

from pathlib import Path

from bed.images.recipe import Recipe

SOURCE = Path(__file__).parents[2] / "examples" / "guestbook"

RECIPE = Recipe(
    name="guestbook:1",
    about="the guestbook of the examples",
    parent="python:3",
    files={"/app/app.py": SOURCE / "app.py"},
    env={"PYTHONUNBUFFERED": "1"},
    cmd=("python", "app.py"),
    ports=(8000,),
    workdir="/app",
    user="nobody",
)
