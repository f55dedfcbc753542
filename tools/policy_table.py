"""Write docs/policy.md from the table of what users may ask for.

python tools/policy_table.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from nap_compose.auth.policy.keys import KEYS  # noqa: E402
from nap_compose.auth.policy.rules import FREE, INSIDE, ROUTERS, Bounds, Rule  # noqa: E402

PAGE = ROOT / "docs" / "policy.md"
HEAD = """\
# What a file may ask of a host

<!-- Written by tools/policy_table.py from the table of rules: don't edit. -->

Admins may ask for everything. A user's file is judged by this table, whatever led to a key: short
forms, `extends`, `include`, anchors, variables. What has no class here is refused, and so is a
field of the body for an engine that nap doesn't know. `nap config --check` shows it beforehand,
and a refusal names key, line and rule (exit code 4). The settings stand under
[`policy`](cluster-file.md#policy) in the cluster file; [people](people.md) tells of the rest.

A key without a prefix is a service's. `[]` stands for each entry of a list, `*` for a name of your
own.
"""
LIMITS = {
    "addresses": "every address of the host, or the loopback's",
    "build network": "`none` or `default`",
    "capabilities": "those of `policy.capabilities`",
    "cpus": "as many as `policy.cpus`, where that is set",
    "devices": "those of `policy.devices`",
    "gpus": "as many as `policy.gpus`",
    "limits of processes": "none of real time and priority (`nice`, `rtprio`, `rttime`)",
    "labels": "none that routers act on ("
    + ", ".join(f"`{name}…`" for name in ROUTERS)
    + "), unless they begin as `policy.labels` says",
    "log drivers": "those of `policy.log_drivers`",
    "log options": "names, plain tags and sizes, in all as much as `policy.log_most`",
    "memory": "as much as `policy.memory`, where that is set",
    "mounts": "`bind` of what the file brings or `policy.binds` lists, `tmpfs`, `volume`",
    "namespace": "its own, or that of a service of the same app where nap shares it",
    "network drivers": "those of `policy.network_drivers`",
    "oom score": "0 or more",
    "pids": "as many as `policy.pids`, where that is set",
    "ports": "from `policy.lowest_port` on, within `ports.range`",
    "propagation": "`private` or `rprivate`",
    "runtimes": "those of `policy.runtimes`",
    "security options": "`no-new-privileges`",
    "shm": "as much as `policy.shm`",
    "swap": "with the memory twice as much as `policy.memory`, where that is set",
    "sysctls": "those of `policy.sysctls`",
    "tmpfs": "as much as `policy.tmpfs` each, told as `size`",
    "volume drivers": "those of `policy.volume_drivers`",
    "volume options": "those of cluster storage",
    "weight": "the engine's own",
}
"""What users may ask for, by the name of the rule."""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            HEAD,
            "## For admins only",
            "",
            "| key | what it is |",
            "|---|---|",
            *(f"| `{key}` | {why} |" for key, why in _for_admins()),
            "",
            "## Within limits",
            "",
            "| key | what users may ask for |",
            "|---|---|",
            *(f"| `{key}` | {LIMITS[rule.name]} |" for key, rule in _limited()),
            "",
            "## Free",
            "",
            "They reach nothing of the host that isn't the container's own.",
            "",
            ", ".join(f"`{key}`" for key, rule in _rules() if rule is FREE),
            "",
        ]
    )


def _rules() -> Iterator[tuple[str, Rule]]:
    for key, rule in sorted(KEYS.items()):
        short = key.removeprefix("services.*.")
        yield key if short.startswith("networks") else short, rule


def _for_admins() -> Iterator[tuple[str, str]]:
    for key, rule in _rules():
        if rule.name == "admins" and rule.judge is not None:
            verdict = rule.judge("anything", Bounds())
            if verdict is not None:
                yield key, verdict.why.removesuffix(": for admins only")


def _limited() -> Iterator[tuple[str, Rule]]:
    for key, rule in _rules():
        if rule not in (FREE, INSIDE) and rule.name != "admins":
            yield key, rule


if __name__ == "__main__":
    PAGE.write_text(page())
