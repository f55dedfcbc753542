"""The border: all that the commands may ask of whoever holds the keys.

On this side is the user's process, which reads files and prints; on the other the one that
reaches engines, state and records. What crosses is plain frozen data made of JSON's own types, so
that the same calls work in one process and over a stream.

One file a subject: what is asked, what is answered, and the Protocol of the calls; `Control` is
all of them together. Import from here: each name is fetched when it is first asked for, so that a
command pays for its own subject alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_SUBJECTS = {
    "adopting": ("AdoptRequest", "Adopting", "Adoption", "MovedBack", "StaysInPlace"),
    "apps": ("AppDetail", "Apps", "Deployed", "UserRow"),
    "audit": ("AuditCheck", "AuditRequest", "AuditRow", "Auditing"),
    "backup": (
        "BackingUp",
        "BackupContent",
        "BackupListing",
        "BackupMade",
        "BackupRequest",
        "BackupRestored",
        "BackupRow",
        "BackupSecret",
        "RestoreRequest",
    ),
    "collecting": (
        "CollectRequest",
        "CollectedHost",
        "CollectedReplica",
        "Collecting",
        "LogCount",
        "SearchRequest",
    ),
    "control": ("Control",),
    "deploying": (
        "ActRequest",
        "Deploying",
        "DownRequest",
        "Failure",
        "Outcome",
        "Published",
        "UpRequest",
    ),
    "digests": ("Digest", "DigestRequest"),
    "doctor": ("Doctor", "DoctorRequest", "Finding", "Grade"),
    "forwarding": (
        "MOST_CONNECTIONS",
        "WINDOW",
        "Credit",
        "ForwardRequest",
        "Forwarding",
        "Packet",
        "Sort",
        "Wire",
    ),
    "founding": (
        "ETC",
        "AddRequest",
        "Added",
        "CertificateRow",
        "FoundRequest",
        "Founded",
        "FoundedHost",
        "Founding",
        "HostStep",
        "RemoveRequest",
        "RenewRequest",
        "Renewed",
        "Survey",
    ),
    "health": ("Checkup", "HappeningRequest", "Health", "HealthReport", "WatchRequest"),
    "hosts": (
        "DrainRequest",
        "Drained",
        "HostChange",
        "HostDetail",
        "Hosts",
        "RebalanceRequest",
        "Rebalanced",
    ),
    "imaging": (
        "BuildRequest",
        "Built",
        "BuiltImage",
        "Contexts",
        "Handled",
        "Imaging",
        "PruneRequest",
        "PrunedRow",
        "PullRequest",
        "PushRequest",
    ),
    "lines": ("AttendRequest", "Lines", "LogLine", "LogLines", "LogRequest", "each_line"),
    "looking": (
        "Chosen",
        "EventRequest",
        "EventRow",
        "ImageRow",
        "Looking",
        "ProcessesRow",
        "UsageRow",
        "VolumeRow",
        "Whereabouts",
    ),
    "notifying": ("NotifyRow", "NotifyTest", "Notifying"),
    "offboarding": ("KnownSecret", "LeftApp", "OffboardRequest", "Offboarded", "Offboarding"),
    "people": ("LoggedIn", "People"),
    "quotas": ("QuotaChange", "QuotaRow", "Quotas", "owner_of", "read_amount", "show_amount"),
    "reading": ("Reading",),
    "records": (
        "Migrated",
        "Rebuilt",
        "RecordKeeping",
        "RecordsStatus",
        "Rekeyed",
        "RestoredRecords",
    ),
    "registries": ("Registries", "RegistryLogin", "RegistryRow"),
    "revisions": ("Diff", "DiffRequest", "HistoryRow", "Revisions", "RollbackRequest"),
    "rows": ("AppRow", "HostRow", "Row"),
    "setup": ("ClusterFile", "ControlMachine", "SettingUp"),
    "sharing": ("ACCESS", "ShareRequest", "ShareRow", "Sharing"),
    "standing": ("Standing", "StatusRow"),
    "storage": (
        "ContentRequest",
        "ContentRestored",
        "Moved",
        "MoveRequest",
        "OneStored",
        "Restored",
        "ServerRow",
        "SaveRequest",
        "SetRequest",
        "SetUp",
        "SetUpPoint",
        "StorageStatus",
        "StoredRequest",
        "StoredRow",
        "Storing",
    ),
    "streaming": (
        "AttachRequest",
        "CommitRequest",
        "Committed",
        "Console",
        "Ended",
        "ExecRequest",
        "FromPerson",
        "Made",
        "PathStat",
        "Resized",
        "RunRequest",
        "Signalled",
        "Streaming",
        "Typed",
    ),
    "words": (
        "RESERVED_LABELS",
        "Cancel",
        "Checked",
        "Hold",
        "Listing",
        "Refusal",
        "Target",
        "Who",
    ),
}
"""Which file has which names. What they are, for who checks types, is in `__init__.pyi`."""

_HOMES = {name: subject for subject, names in _SUBJECTS.items() for name in names}


def __getattr__(name: str) -> Any:
    """The name from its subject's file."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
