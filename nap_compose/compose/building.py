"""The keys of `build:` and `develop:`, which make images out of folders."""

from __future__ import annotations

from nap_compose.compose.objects import (
    FILE_REFERENCES,
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
from nap_compose.compose.rows import Entry, Merge
from nap_compose.compose.scalars import Flag, Size, Text
from nap_compose.compose.shapes import Either, Items, Object, Table

BUILD = Either(
    Text(),
    Object(
        Entry("context", Text(), "the folder or URL that it is built from"),
        Entry("dockerfile", Text(), "the Dockerfile within it"),
        Entry("dockerfile_inline", Text(), "a Dockerfile's text"),
        Entry("entitlements", TEXTS, "rights beyond the usual"),
        Entry("args", PAIRS, "build arguments"),
        Entry("ssh", PAIRS, "SSH agents and keys"),
        Entry("provenance", Either(Text(), Flag()), "say how it was built"),
        Entry("sbom", Either(Text(), Flag()), "say what it is made of"),
        Entry("labels", LABELS, "labels on the image"),
        Entry("cache_from", TEXTS, "where to take layers from"),
        Entry("cache_to", TEXTS, "where to keep layers"),
        Entry("no_cache", Flag(), "build every layer anew"),
        Entry("no_cache_filter", TEXT_OR_TEXTS, "stages that are built anew"),
        Entry("additional_contexts", Either(TEXTS, Table(Text())), "more folders or images"),
        Entry("network", Text(), "the network while it is built"),
        Entry("pull", Flag(), "pull the images that it begins with"),
        Entry("target", Text(), "the stage to build"),
        Entry("shm_size", Size(), "the size of /dev/shm while it is built"),
        Entry("extra_hosts", HOSTS, "more names in /etc/hosts", merge=Merge.HOSTS),
        Entry("isolation", Text(), "the isolation technology (Windows)"),
        Entry("privileged", Flag(), "with all rights on the host"),
        Entry("secrets", FILE_REFERENCES, "secrets that the build may read"),
        Entry("tags", TEXTS, "more names for the image", unique="itself"),
        Entry("ulimits", ULIMITS, "limits of the processes", merge=Merge.REPLACE_ENTRIES),
        Entry("platforms", TEXTS, "os/arch to build for"),
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
