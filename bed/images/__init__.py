"""Images of real software, made from Debian packages: no public registry is needed.

`tar(NAME)` gives the file that `docker load` reads, and builds it where it isn't in the cache yet.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from bed.images import archive, cache, layers
from bed.images.catalogue import NAMES, RECIPES
from bed.images.recipe import Recipe

__all__ = ["NAMES", "build_all", "tar"]


def tar(name: str) -> Path:
    """The image's tar file; the first call builds it."""
    recipe = RECIPES[name]
    with cache.locked():
        lower = _layers(recipe)
        image = cache.folder() / f"{name.replace(':', '-')}-{_key(recipe, lower)}.tar"
        if not image.exists():
            with cache.fresh(image) as part, cache.scratch("files.layer") as own:
                if recipe.files:
                    archive.write_files(recipe.files, own)
                    lower = [*lower, own]
                archive.write_image(recipe, lower, part)
        return image


def build_all() -> list[Path]:
    """Build every image that isn't in the cache."""
    return [tar(name) for name in NAMES]


def _layers(recipe: Recipe) -> list[Path]:
    """The recipe's layers of packages, lowest first; those that are missing get built."""
    below = _layers(RECIPES[recipe.parent]) if recipe.parent else []
    if not recipe.packages and recipe.parent:
        return below
    layer = cache.folder() / f"{layers.key(recipe, [path.stem for path in below])}.layer"
    if not layer.exists():
        with cache.fresh(layer) as part:
            layers.build(recipe, below, part)
    return [*below, layer]


def _key(recipe: Recipe, lower: list[Path]) -> str:
    """Names what the image is made from: another entrypoint, another key."""
    own = {path: (file.read_text(), file.stat().st_mode) for path, file in recipe.files.items()}
    made_from = [[path.name for path in lower], own, recipe.config(), recipe.about]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:12]
