"""debian:12: the layer that the others share."""

from bed.images.recipe import Recipe

RECIPE = Recipe(
    name="debian:12",
    about="Debian 12, as small as apt still works in it",
    parent=None,
    cmd=("bash",),
)
