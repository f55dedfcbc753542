"""Users, shares and quotas: what every records database must do with them."""

from __future__ import annotations

import dataclasses

import pytest

from nap_compose.db.people import (
    EVERYBODY,
    CredentialRecord,
    GivenRecord,
    QuotaRecord,
    ShareRecord,
    UserRecord,
    group,
)
from nap_compose.db.records import Records
from nap_compose.db.transactions import Clash

AT = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-02T00:00:00.000Z"
ADA = UserRecord("uuid-1", "ada", "Ada", "user", ("students", "staff"), AT, AT)


class PeopleConformance:
    """Inherited by `RecordsConformance`, whose fixtures it uses."""

    def test_a_user_is_kept_as_last_seen(self, records: Records) -> None:
        assert records.user("ada") is None
        records.see_user(ADA)
        assert records.user("ada") == ADA
        now = dataclasses.replace(ADA, role="admin", groups=(), first_seen=LATER, last_seen=LATER)
        records.see_user(now)
        assert records.users() == [dataclasses.replace(now, first_seen=AT)]

    def test_a_user_may_be_renamed(self, records: Records) -> None:
        records.see_user(ADA)
        records.see_user(dataclasses.replace(ADA, owner="lovelace"))
        assert records.user("ada") is None and records.user("lovelace") is not None

    def test_a_name_stays_with_the_person_who_had_it(self, records: Records) -> None:
        records.see_user(ADA)
        with pytest.raises(Clash, match="belongs to somebody else") as caught:
            records.see_user(dataclasses.replace(ADA, id="uuid-2"))
        assert caught.value.hint
        assert records.user("ada") == ADA

    def test_credentials(self, records: Records) -> None:
        mine = CredentialRecord("ada", "registry.example:5000", "ada-pull", "sealed", AT)
        hub = dataclasses.replace(mine, registry="docker.io")
        other = dataclasses.replace(mine, owner="Ada")
        for each in (mine, hub, other, dataclasses.replace(mine, sealed="anew", changed=LATER)):
            records.keep_credential(each)
        mine = dataclasses.replace(mine, sealed="anew", changed=LATER)
        assert records.credentials("ada") == [hub, mine]
        assert records.credentials() == [other, hub, mine]
        assert records.reseal_credentials(lambda each: "x" if each == hub else None) == 1
        assert [each.sealed for each in records.credentials("ada")] == ["x", "anew"]
        assert records.drop_credential("ada", "docker.io")
        assert not records.drop_credential("ada", "docker.io")
        assert records.credentials() == [other, mine]

    def test_shares(self, records: Records) -> None:
        shop = records.ensure_app("ada", "shop", "ada_shop")
        wiki = records.ensure_app("eve", "wiki", "eve_wiki")
        view = ShareRecord(shop.id, "bob", "view", "ada", AT)
        operate = dataclasses.replace(view, access="operate")
        for share in (view, operate, dataclasses.replace(view, grantee=group("staff"))):
            records.share(share)
        records.share(ShareRecord(wiki.id, "bob", "view", "eve", AT))
        assert [each.grantee for each in records.shares(shop.id)] == ["@staff", "bob"]
        assert records.shares(shop.id)[1] == operate
        found = records.shared_with(["bob", group("staff")])
        assert [(app.name, share.grantee, share.access) for app, share in found] == [
            ("shop", "@staff", "view"),
            ("shop", "bob", "operate"),
            ("wiki", "bob", "view"),
        ]
        assert records.shared_with([]) == [] and records.shared_with(["Bob"]) == []
        assert records.unshare(shop.id, "bob") and not records.unshare(shop.id, "bob")
        assert [app.name for app, _ in records.shared_with(["bob"])] == ["wiki"]
        records.remove_app(wiki.id)
        assert records.shared_with(["bob"]) == []

    def test_a_share_of_no_app_is_refused(self, records: Records) -> None:
        with pytest.raises(Clash):
            records.share(ShareRecord("nobody's", "bob", "view", "ada", AT))

    def test_apps_that_were_given(self, records: Records) -> None:
        assert records.given() == []
        shop = GivenRecord("ada", "shop", "bob", "root", AT)
        records.give(shop)
        records.give(GivenRecord("ada", "wiki", "bob", "root", AT))
        assert [each.name for each in records.given()] == ["shop", "wiki"]
        records.give(dataclasses.replace(shop, owner="eve", since=LATER))
        assert records.given()[0] == dataclasses.replace(shop, owner="eve", since=LATER)
        with pytest.raises(Clash):
            records.give(GivenRecord("zoe", "shop", "eve", "root", AT))
        assert [each.maker for each in records.given()] == ["ada", "ada"]
        records.give(dataclasses.replace(shop, owner="ada"))
        assert [each.name for each in records.given()] == ["wiki"]

    def test_quotas(self, records: Records) -> None:
        kept = [
            QuotaRecord(EVERYBODY, "memory", 2**40, "root", AT),
            QuotaRecord(group("staff"), "cpus", 8_000_000_000, "root", AT),
            QuotaRecord("ada", "containers", 3, "root", AT),
        ]
        for each in reversed(kept):
            records.set_quota(each)
        assert records.quotas() == kept
        more = dataclasses.replace(kept[2], amount=-1, changed=LATER)
        records.set_quota(more)
        assert records.quotas() == [*kept[:2], more]
        assert records.clear_quota("ada", "containers")
        assert not records.clear_quota("ada", "containers")
        assert records.quotas() == kept[:2]
