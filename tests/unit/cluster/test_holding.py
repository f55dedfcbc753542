"""What containers hold of their host, and the devices that engines tell of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nap_compose.cluster import seen
from nap_compose.cluster.holding import ALL, NOTHING, Holding, kind, nano

HOLDINGS = st.builds(
    Holding,
    st.integers(0, 64_000).map(lambda thousandths: thousandths * 1_000_000),
    st.integers(0, 1 << 45),
    st.dictionaries(st.text(min_size=1), st.integers(1, 16) | st.just(ALL), max_size=3),
)


@given(HOLDINGS)
def test_a_label_says_it_again(holding: Holding) -> None:
    assert Holding.read(holding.label()) == holding


def test_nothing_is_an_empty_label() -> None:
    assert NOTHING.label() == ""
    assert Holding(nano(0.5), 64, {"gpu": 1}).label() == (
        '{"cpus":0.5,"memory":64,"devices":{"gpu":1}}'
    )


@pytest.mark.parametrize(
    "label",
    ["", "x", "[]", "7", '{"cpus":"many"}', '{"memory":{}}', '{"devices":[1]}', '{"cpus":1e999}'],
)
def test_a_label_that_nap_did_not_write(label: str) -> None:
    assert Holding.read(label) == NOTHING


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("gpu", "gpu"), ("GPU", "gpu"), ("NVIDIA-GPU", "gpu"), ("nvidia.com/gpu", "gpu"),
        ("FPGA", "fpga"), ("gpus", "gpus"),
    ],
)  # fmt: skip
def test_any_makers_gpu_is_a_gpu(name: str, counted: str) -> None:
    assert kind(name) == counted


def test_devices_that_an_engine_tells_of() -> None:
    info = {
        "GenericResources": [
            {"DiscreteResourceSpec": {"Kind": "SSD", "Value": 3}},
            {"NamedResourceSpec": {"Kind": "NVIDIA-GPU", "Value": "UUID1"}},
            {"NamedResourceSpec": {"Kind": "NVIDIA-GPU", "Value": "UUID2"}},
        ],
        "DiscoveredDevices": [
            {"Source": "cdi", "ID": "nvidia.com/gpu=0"},
            {"Source": "cdi", "ID": "nvidia.com/gpu=all"},
            {"Source": "cdi", "ID": "intel.com/npu=0"},
            {"Source": "cdi", "ID": "intel.com/npu=1"},
            {"Source": "cdi", "ID": "intel.com/npu=all"},
        ],
    }
    assert seen.devices(info) == {"ssd": 3, "gpu": 2, "intel.com/npu": 2}
    assert seen.devices({"DiscoveredDevices": info["DiscoveredDevices"][:2]}) == {"gpu": 1}
    assert seen.devices({"GenericResources": None, "DiscoveredDevices": None}) == {}
