"""The state store of a cluster: Consul's keys, sessions and transactions.

Every write is a transaction, because only those tell the version that they made. A lease is a
lock with a session. A session ends with the node that it stands on: by that node's health checks,
unless it names none, and when the node is taken from the catalog, which Consul does to servers of
its own some seconds after they die. So nap's sessions stand on an entry of nap's own, and live by
being renewed alone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from nap_compose.cluster.cluster import Cluster, Consul
from nap_compose.cluster.consul_access import servers_of
from nap_compose.cluster.consul_servers import Servers
from nap_compose.cluster.consul_wire import CB, ClientError, ConsulException, NotFound
from nap_compose.cluster.lease import KeptLease
from nap_compose.cluster.state import Delete, Entry, Held, Lease, Lost, Put, StoreAway
from nap_compose.cluster.state_values import check_key, check_prefix, encode, encode_batch

VERSION = "v1"
"""Stands after the prefix: a later layout of the keys would get another."""

SHORTEST_TTL, LONGEST_TTL = 10, 86400
"""What Consul takes for a session, in seconds."""

LOCK_DELAY = 2
"""Seconds for which nobody gets a dead holder's key, so that its last request can end first."""

LEASES_NODE = {
    "Node": "nap-leases",
    "Address": "127.0.0.1",
    "NodeMeta": {"is": "no machine: what nap's leases stand on"},
}
"""The catalog's entry that sessions stand on. No agent is behind it, so nobody takes it away."""


class ConsulStore:
    """A StateStore in Consul. Safe to use from several threads."""

    def __init__(self, servers: Servers, prefix: str) -> None:
        self._servers = servers
        # A lease's time would be over before a server that hangs is given up on.
        self._for_leases = servers.in_haste()
        self._root = f"{prefix}/{VERSION}/"

    @classmethod
    def of(cls, cluster: Cluster, section: Consul) -> ConsulStore:
        """The cluster's Consul. Raises BadFile for what can't, or mustn't, be used of it."""
        return cls(servers_of(cluster, section), section.prefix)

    def get(self, key: str) -> Entry | None:
        row = self._row(check_key(key))
        return self._entry(row) if row else None

    def put(self, key: str, value: Any, if_version: int | None = None) -> int:
        check_key(key)
        op = Put(key, value, if_version)
        results = self._transact([self._put(op, encode(key, value))])
        return int(results[0]["KV"]["ModifyIndex"])

    def delete(self, key: str, if_version: int | None = None) -> None:
        check_key(key)
        self._transact(self._delete(Delete(key, if_version)))

    def list(self, prefix: str) -> Sequence[Entry]:
        path = self._root + check_prefix(prefix)
        _, rows = self._servers.call(lambda client: client.kv.get(path, recurse=True))
        return self._entries(rows)

    def watch(self, prefix: str, after: int, timeout: float) -> tuple[Sequence[Entry], int]:
        path = self._root + check_prefix(prefix)
        deadline = time.monotonic() + timeout

        def look(client: Any) -> Any:
            left = math.floor((deadline - time.monotonic()) * 1000)
            # To Consul no index, and no time, mean something else: now, and five minutes.
            if after <= 0 or left <= 0:
                return client.kv.get(path, recurse=True)
            return client.kv.get(path, recurse=True, index=after, wait=f"{left}ms")

        index, rows = self._servers.call(look)
        return self._entries(rows), int(index)

    def lease(self, key: str, holder: Mapping[str, Any], ttl: float = 15.0) -> Lease:
        check_key(key)
        text = encode(key, dict(holder))
        seconds = min(max(math.ceil(ttl), SHORTEST_TTL), LONGEST_TTL)
        asked_at = time.monotonic()
        session = self._open_session(key, seconds)
        try:
            fence = self._lock(key, text, session)
        except BaseException:
            with contextlib.suppress(StoreAway):
                self._close_session(session)
            raise
        return KeptLease(
            key,
            fence=fence,
            ttl=seconds,
            renew=lambda: self._renew(key, session),
            give_back=lambda: self._give_back(key, session),
            taken_at=asked_at,
        )

    def batch(self, ops: Sequence[Put | Delete]) -> None:
        texts = encode_batch(ops)
        written = [
            step
            for op in ops
            for step in (
                [self._put(op, texts[op.key])] if isinstance(op, Put) else self._delete(op)
            )
        ]
        if written:
            self._transact(written)

    def close(self) -> None:
        self._servers.close()
        self._for_leases.close()

    def _row(self, key: str) -> Any:
        return self._servers.call(lambda client: client.kv.get(self._root + key))[1]

    def _entry(self, row: Mapping[str, Any]) -> Entry:
        key = row["Key"][len(self._root) :]
        try:
            value = json.loads(row["Value"] or b"")
        except ValueError:
            raise StoreAway(
                f"under {row['Key']} in Consul stands something that nap didn't write",
                hint="give nap a prefix of its own: `prefix` under `consul` in the cluster file",
            ) from None
        return Entry(key, value, int(row["ModifyIndex"]))

    def _entries(self, rows: Sequence[Mapping[str, Any]] | None) -> Sequence[Entry]:
        return sorted((self._entry(row) for row in rows or ()), key=lambda entry: entry.key)

    def _put(self, op: Put, text: str) -> Mapping[str, Any]:
        # Flags are the writer's own to choose. Chance in them marks each write as this one: Consul
        # would pass over a write that changes nothing, and the version would stay as it was.
        step = self._step("set", op.key, Value=_base64(text), Flags=secrets.randbits(53))
        if op.if_version is not None:
            step["KV"].update(Verb="cas", Index=op.if_version)
        return step

    def _delete(self, op: Delete) -> Sequence[Mapping[str, Any]]:
        if op.if_version is None:
            return [self._step("delete", op.key)]
        # On its own, Consul's conditional delete is content with a key that is gone.
        verbs = ("check-index", "delete-cas")
        return [self._step(verb, op.key, Index=op.if_version) for verb in verbs]

    def _step(self, verb: str, key: str, **more: Any) -> dict[str, Any]:
        return {"KV": {"Verb": verb, "Key": self._root + key, **more}}

    def _transact(self, steps: Sequence[Mapping[str, Any]], *, once: bool = True) -> Any:
        """Run a transaction and give its results. Raises Lost where a step doesn't fit.

        `once` false says that it fits, and does the same, when it was run before.
        """
        doubts: list[str] = []
        try:
            answer = self._servers.call(lambda client: client.txn.put(list(steps)), doubts)
        except ClientError as error:
            status, _, body = str(error).partition(" ")
            if status != "409":
                raise StoreAway(f"Consul refused a transaction: {error}") from error
            said = [str(each.get("What", "")) for each in json.loads(body).get("Errors") or ()]
            if any("Permission denied" in what for what in said):
                raise self._servers.refused(", ".join(said)) from error
            if doubts and once:
                return self._found_done(steps, doubts)
            raise Lost(", ".join(said)) from error
        return answer["Results"]

    def _found_done(self, steps: Sequence[Mapping[str, Any]], doubts: Sequence[str]) -> Any:
        """The results of a transaction that a server did and didn't say so, so that it no longer
        fitted when it was asked for again. Raises StoreAway where nobody can tell."""
        rows = [self._row(step["KV"]["Key"][len(self._root) :]) for step in steps]
        if all(_shows(row, step["KV"]) for row, step in zip(rows, steps, strict=True)):
            return [{"KV": row} for row in rows]
        raise StoreAway(
            f"Consul didn't say whether a change was made ({'; '.join(doubts)})",
            hint="run the command again: it finds out, and goes on from there",
        )

    def _open_session(self, key: str, ttl: int) -> str:
        body = json.dumps(
            {
                "Name": f"nap {key}",
                "Node": LEASES_NODE["Node"],
                "TTL": f"{ttl}s",
                "Behavior": "delete",
                "LockDelay": f"{LOCK_DELAY}s",
                # Both: each that is left out means the health of the node that was asked.
                "Checks": [],
                "NodeChecks": [],
            }
        )

        def create(client: Any) -> Any:
            try:
                return _put(client, CB.json(is_id=True), "/v1/session/create", body)
            except ConsulException as error:
                if "Missing node registration" not in str(error):
                    raise
            _put(client, CB.json(), "/v1/catalog/register", json.dumps(LEASES_NODE))
            return _put(client, CB.json(is_id=True), "/v1/session/create", body)

        return str(self._servers.call(create))

    def _close_session(self, session: str) -> None:
        self._servers.call(lambda client: client.session.destroy(session))

    def _lock(self, key: str, text: str, session: str) -> int:
        """Lock the key; its new version. Raises Held."""
        lock = self._step("lock", key, Value=_base64(text), Session=session)
        deadline = time.monotonic() + LOCK_DELAY + 1
        while True:
            try:
                return int(self._transact([lock], once=False)[0]["KV"]["ModifyIndex"])
            except Lost:
                row = self._row(key)
                if row and row.get("Session"):
                    raise Held(key, _holder(self._entry(row).value)) from None
                # Its holder died a moment ago, or has just let go.
                if time.monotonic() >= deadline:
                    raise Held(key, {}) from None
            time.sleep(0.2)

    def _renew(self, key: str, session: str) -> bool:
        try:
            self._for_leases.call(lambda client: client.session.renew(session))
        except NotFound:
            return False
        # That tells enough, unless somebody deleted the key to break the lease.
        try:
            _, row = self._for_leases.call(lambda client: client.kv.get(self._root + key))
        except StoreAway:
            return True
        return bool(row) and row.get("Session") == session

    def _give_back(self, key: str, session: str) -> None:
        # The key goes before the session: a session that ends with a lock starts the lock delay.
        ours = self._step("check-session", key, Session=session)
        with contextlib.suppress(Lost):
            self._transact([ours, self._step("delete", key)])
        self._close_session(session)


def _put(client: Any, callback: Any, path: str, body: str) -> Any:
    """A request that the library has no word for."""
    return client.http.put(callback, path, headers=client.prepare_headers(), data=body)


def _shows(row: Mapping[str, Any] | None, step: Mapping[str, Any]) -> bool:
    """Whether a key looks as this step leaves it behind."""
    if "Flags" in step:
        return row is not None and row["Flags"] == step["Flags"]
    return row is None or not step["Verb"].startswith("delete")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _holder(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
