"""Every image that the bed can build."""

from __future__ import annotations

from bed.images import (
    busybox,
    debian,
    guestbook,
    haproxy,
    mariadb,
    nginx,
    python,
    redis,
    wordpress,
)
from bed.images.recipe import Recipe

#: the images that a bed brings along; the others are only built upon
_MODULES = (mariadb, wordpress, redis, nginx, haproxy, python, guestbook, busybox)
NAMES = tuple(module.RECIPE.name for module in _MODULES)
RECIPES: dict[str, Recipe] = {module.RECIPE.name: module.RECIPE for module in (debian, *_MODULES)}
