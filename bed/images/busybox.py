"""busybox:1: two megabytes, for who only needs a container."""

from bed import busybox
from bed.images.recipe import Recipe

RECIPE = Recipe(
    name="busybox:1",
    about="busybox, linked statically",
    parent=None,
    made_by=busybox.archive,
    cmd=("sh",),
)
