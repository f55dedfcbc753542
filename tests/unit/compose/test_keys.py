"""The table of keys: complete, and the schema made from it agrees with the check."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from nap_compose.compose import merge
from nap_compose.compose.keys import SERVICE_KEYS, TOP
from nap_compose.compose.schema import json_schema, rows
from nap_compose.compose.shapes import Reading
from nap_compose.compose.yamlfile import documents
from tests.peer.cases import read

SERVICE_KEYS_OF_COMPOSE = """
annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs
container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime
cpu_shares cpus cpuset credential_spec depends_on deploy develop device_cgroup_rules devices dns
dns_opt dns_search domainname entrypoint env_file environment expose extends external_links
extra_hosts gpus group_add healthcheck hostname image init ipc isolation label_file labels links
logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models network_mode
networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_start
pre_stop privileged profiles provider pull_policy pull_refresh_after read_only restart runtime
scale secrets security_opt shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls
tmpfs tty ulimits use_api_socket user userns_mode uts volumes volumes_from working_dir
"""


def test_every_service_key_of_compose_has_a_row() -> None:
    assert [row.key for row in SERVICE_KEYS] == SERVICE_KEYS_OF_COMPOSE.split()
    assert len(SERVICE_KEYS) == 93


def test_every_rule_of_uniqueness_exists() -> None:
    assert {row.entry.unique for row in rows() if row.entry.unique} <= merge.NAMES.keys()


def _documents(kind: str) -> list[Any]:
    """The documents of the corpus whose shape doesn't hang on variables or other files."""
    return [
        pytest.param(document.value, id=f"{case.name}:{name}")
        for case in read(kind)
        for name, text in case.files.items()
        if name.endswith(".yaml") and "${" not in text and "$" not in text.replace("$$", "")
        for document in _read(text, name)
        if isinstance(document.value, dict)
    ]


def _read(text: str, name: str) -> list[Any]:
    try:
        return list(documents(text.encode(), name))
    except Exception:
        return []


@pytest.mark.parametrize("document", _documents("accepted"))
def test_the_schema_accepts_what_is_accepted(document: dict[str, Any]) -> None:
    reading = Reading()
    TOP.read(document, reading)
    valid = jsonschema.Draft202012Validator(json_schema()).is_valid(document)
    assert valid == (not reading.faults)


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "document",
    [
        {"services": {"a": {"image": 5}}},
        {"services": {"a": {"prots": []}}},
        {"services": {"a": []}},
        {"services": []},
        {"volums": {}},
        {"services": {"a": {"ports": "80"}}},
        {"services": {"a": {"healthcheck": {"tests": 1}}}},
        {"services": {"a b": {"image": "x"}}},
        {"services": {"a": {"depends_on": {"b": {"condition": "x"}}}}},
        {"services": {"a": {"volumes": [{"target": "/x"}]}}},
        {"services": {"a": {"oom_score_adj": 5000}}},
        {"services": {"a": {"security_opt": ["a", "a"]}}},
        {"services": {"a": {"x-nap": {"bogus": 1}}}},
    ],
)
def test_the_schema_and_the_check_reject_alike(document: dict[str, Any]) -> None:
    reading = Reading()
    TOP.read(document, reading)
    assert reading.faults
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(document)
