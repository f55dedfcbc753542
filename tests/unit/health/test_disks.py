"""What an engine's own count of its disk comes to."""

from nap_compose.control.watching.disks import GRAIN, taken_by


def test_layers_containers_and_volumes_to_the_next_grain() -> None:
    usage = {
        "LayersSize": GRAIN,
        "Containers": [{"SizeRw": 1}, {}],
        "Volumes": [
            {"UsageData": {"Size": GRAIN}},
            {"UsageData": {"Size": -1}},
            {"UsageData": None},
        ],
    }
    assert taken_by(usage) == 3 * GRAIN
    assert taken_by({}) == 0
