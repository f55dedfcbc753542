"""From recipe to the file that `docker load` reads, each step kept in the cache."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from bed import layout
from bed.errors import BedError
from bed.images import archive, cache, layers
from bed.images.catalogue import NAMES, RECIPES
from bed.images.recipe import Recipe


def tar(name: str) -> Path:
    """The image's tar file; the first call builds it."""
    if name not in RECIPES:
        raise BedError(f"the bed has no image {name}; it builds {', '.join(NAMES)}")
    recipe = RECIPES[name]
    with layout.lock("images"):
        lower = _layers(recipe)
        image = cache.folder() / f"{name.replace(':', '-')}-{_key(recipe, lower)}.tar"
        if not image.exists():
            with cache.fresh(image) as part, cache.scratch("files.layer") as own:
                if recipe.files:
                    archive.write_files(recipe.files, own)
                    lower = [*lower, own]
                archive.write_image(recipe, lower, part)
        return image


def build_all(names: Iterable[str] = NAMES) -> None:
    """Build every image that isn't in the cache."""
    for name in names:
        tar(name)


def _layers(recipe: Recipe) -> list[Path]:
    """The recipe's layers of packages, lowest first; those that are missing get built."""
    below = _layers(RECIPES[recipe.parent]) if recipe.parent else []
    if not recipe.packages and recipe.parent:
        return below
    layer = cache.folder() / f"{layers.key(recipe, [path.stem for path in below])}.layer"
    if not layer.exists():
        # the one thing of a bed that takes minutes, the first time
        print(f"building {recipe.name} from Debian packages", file=sys.stderr, flush=True)
        with cache.fresh(layer) as part:
            layers.build(recipe, below, part)
    return [*below, layer]


def _key(recipe: Recipe, lower: list[Path]) -> str:
    """Names what the image is made from: another entrypoint, another key."""
    own = {path: (file.read_text(), file.stat().st_mode) for path, file in recipe.files.items()}
    made_from = [[path.name for path in lower], own, recipe.config(), recipe.about]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:12]
