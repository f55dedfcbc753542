"""Security options: their forms, and seccomp profiles read from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from nap_compose.compose.layers import Options
from nap_compose.compose.loader import load
from nap_compose.errors import BadFile


def options(folder: Path, *written: str, deploy: bool = True) -> list[str]:
    quoted = ", ".join(f'"{option}"' for option in written)
    (folder / "compose.yaml").write_text(
        f"services:\n  web:\n    image: web\n    security_opt: [{quoted}]\n"
    )
    app = load(cwd=folder, options=Options(deploy=deploy)).app
    found: list[str] = app.services["web"].spec["security_opt"]
    return found


@pytest.mark.parametrize("sign", ["=", ":"])
def test_a_seccomp_profile_is_read_where_the_app_runs(sign: str, tmp_path: Path) -> None:
    (tmp_path / "chrome.json").write_text('{\n  "defaultAction": "SCMP_ACT_ALLOW"\n}\n')
    written = f"seccomp{sign}./chrome.json"
    assert options(tmp_path, written) == ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']
    assert options(tmp_path, written, deploy=False) == [written]


def test_what_is_no_file_stays_as_it_is(tmp_path: Path) -> None:
    kept = ["seccomp:unconfined", "seccomp=builtin", "no-new-privileges", "label:user:me",
            "apparmor=mine", "systempaths=unconfined"]  # fmt: skip
    assert options(tmp_path, *kept) == kept


def test_faults_have_their_place(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    for written, said in (
        ("seccomp:missing.json", "there is no file"),
        ("seccomp:broken.json", "is no JSON"),
        ("privileged", "is no security option"),
    ):
        with pytest.raises(BadFile, match=said) as fault:
            options(tmp_path, "no-new-privileges", written)
        assert (fault.value.place.line, fault.value.place.column) == (4, 41)  # type: ignore[union-attr]
