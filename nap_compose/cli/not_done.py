"""What Docker Compose has and nap hasn't, with what to do instead: loaded when somebody asks."""

from __future__ import annotations

_LOOKING = "it changes nothing anyway: leave that out"
_AT_ONCE = "it can't be told before it is done: leave that out"

OPTIONS = {
    ("", "--parallel"): "nap asks all hosts at once, as many of them as is good",
    ("", "--compatibility"): "containers are called as Compose 2 calls them: leave that out",
    ("up", "--menu"): "-w watches files, -d leaves the app running, and Ctrl-C stops it",
    **dict.fromkeys(
        (
            (name, "--dry-run")
            for name in ("config", "events", "images", "logs", "ls", "port", "ps", "stats", "top",
                         "version", "volumes", "wait")
        ),
        _LOOKING,
    ),
    **dict.fromkeys(
        (
            (name, "--dry-run")
            for name in ("attach", "commit", "cp", "exec", "export", "run", "watch")
        ),
        _AT_ONCE,
    ),
}  # fmt: skip
"""By command, empty for what stands before one, and option."""

COMMANDS = {
    "alpha": "nap has none of Compose's trials",
    "bridge": "nap makes no files for other systems",
    "convert": "it is called nap config",
    "publish": "nap publishes no apps; nap push brings their images to a registry",
}
