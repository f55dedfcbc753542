"""What is refused of an app before anything is looked for on the hosts."""

from __future__ import annotations

import pytest

from nap_compose.compose.limits import MOST_REPLICAS
from nap_compose.compose.rows import Site
from nap_compose.errors import BadFile
from nap_compose.orchestration.checks import check
from nap_compose.orchestration.wanted import scaled
from tests.support.views import app


@pytest.mark.parametrize("site", [Site(), Site("lab", 3)], ids=["embedded", "cluster"])
def test_more_replicas_than_an_app_may_have(site: Site) -> None:
    model = app({"web": {"scale": 2}, "db": {}})
    check(scaled(model, {"web": MOST_REPLICAS - 1}), site)
    for scale in ({"web": MOST_REPLICAS}, {"web": 99999}, {"db": 99999, "web": 0}):
        most = max(scale, key=lambda name: scale[name])
        with pytest.raises(BadFile, match=rf"services.{most}: the app comes to \d+ replicas") as no:
            check(scaled(model, scale), site)
        assert no.value.path == ("services", most)
