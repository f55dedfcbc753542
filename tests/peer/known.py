"""What nap asks an engine for otherwise than the real Compose, by name and on purpose.

`docs/beside-compose.md` lists the same for users. What is refused by its key stands in the table of
keys instead; how `nap config` prints is tried in `test_config`.
"""

from __future__ import annotations

DROPPED = "Keys that Compose drops"
CPUS = "CPUs are counted exactly"
REFUSED = "What can't run is refused at once"
SLOTS = "A missing replica is filled in"
CONTENT = "Changed content is a change"

DIFFERENCES = {
    DROPPED: "a file's words reach the engine, or are refused, but never get lost",
    CPUS: "what a policy allows is within it, and an engine with 11 CPUs gives all of them",
    REFUSED: "nothing is half made of what is sure to fail",
    SLOTS: "replicas are numbered slots, whose names, places and volumes last",
    CONTENT: "a container with what the file no longer says isn't up to date",
}
"""Each by its name, with the reason."""
