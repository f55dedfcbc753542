"""The keys of `build:` and `develop:`, which make images out of folders."""

from __future__ import annotations

from nap_compose.compose.objects import (
    HOOK,
    HOSTS,
    LABELS,
    PAIRS,
    SOMETHING,
    TEXT_OR_TEXTS,
    TEXTS,
    ULIMITS,
    UNIQUE_TEXTS,
)
from nap_compose.compose.rows import Entry, Merge, ignored
from nap_compose.compose.scalars import Flag, Mode, Size, Text
from nap_compose.compose.shapes import Either, Items, Object, Table

_BUILDKIT = "needs the docker buildx command"
_MOUNTS = "the Dockerfile says so itself: RUN --mount=type=secret,uid=…"

SECRETS = Items(
    Either(
        Text(),
        Object(
            Entry("source", Text(), "which one"),
            Entry("target", Text(), "the id by which the Dockerfile knows it"),
            ignored("uid", Text(), "the file's user", _MOUNTS),
            ignored("gid", Text(), "the file's group", _MOUNTS),
            ignored("mode", Mode(), "the file's permissions", _MOUNTS),
            what="file",
        ),
    )
)

BUILD = Either(
    Text(),
    Object(
        Entry("context", Text(), "the folder or URL that it is built from"),
        Entry("dockerfile", Text(), "the Dockerfile within it"),
        Entry("dockerfile_inline", Text(), "a Dockerfile's text"),
        Entry("entitlements", TEXTS, "rights beyond the usual", note=_BUILDKIT),
        Entry("args", PAIRS, "build arguments"),
        Entry("ssh", PAIRS, "SSH agents and keys", note=_BUILDKIT),
        Entry("provenance", Either(Text(), Flag()), "say how it was built", note=_BUILDKIT),
        Entry("sbom", Either(Text(), Flag()), "say what it is made of", note=_BUILDKIT),
        Entry("labels", LABELS, "labels on the image"),
        Entry("cache_from", TEXTS, "where to take layers from"),
        Entry("cache_to", TEXTS, "where to keep layers", note=_BUILDKIT),
        Entry("no_cache", Flag(), "build every layer anew"),
        Entry("no_cache_filter", TEXT_OR_TEXTS, "stages that are built anew", note=_BUILDKIT),
        Entry(
            "additional_contexts",
            Either(TEXTS, Table(Text())),
            "more folders or images",
            note=_BUILDKIT,
        ),
        Entry("network", Text(), "the network while it is built"),
        Entry("pull", Flag(), "pull the images that it begins with"),
        Entry("target", Text(), "the stage to build"),
        Entry("shm_size", Size(), "the size of /dev/shm while it is built"),
        Entry("extra_hosts", HOSTS, "more names in /etc/hosts", merge=Merge.HOSTS),
        Entry("isolation", Text(), "the isolation technology (Windows)"),
        Entry("privileged", Flag(), "with all rights on the host", note=_BUILDKIT),
        Entry("secrets", SECRETS, "secrets that the build may read", note=_BUILDKIT),
        Entry("tags", TEXTS, "more names for the image", unique="itself"),
        Entry("ulimits", ULIMITS, "limits of the processes"),
        Entry("platforms", TEXTS, "os/arch to build for", note="several need docker buildx"),
    ),
)

WATCH = Object(
    Entry("path", SOMETHING, "what is watched"),
    Entry(
        "action",
        Text("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
        "what happens at a change",
    ),
    Entry("target", Text(), "where in the container it goes"),
    Entry("ignore", Either(Text(), UNIQUE_TEXTS), "what is passed over"),
    Entry("include", Either(Text(), UNIQUE_TEXTS), "what alone counts"),
    Entry("exec", HOOK, "the command that runs then"),
    Entry("initial_sync", Flag(strict=True), "bring everything over at the start"),
    required=("path", "action"),
)
DEVELOP = Object(Entry("watch", Items(WATCH), "what is watched, and what then"))
