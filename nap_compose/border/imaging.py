"""What makes images, brings them and takes them away: what is asked, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from nap_compose.border.words import Cancel, Listing
from nap_compose.compose.bake import NO_WISHES, Wishes
from nap_compose.compose.model import App
from nap_compose.orchestration.events import OnEvent
from nap_compose.plaindata import dataclass

Contexts = Callable[[str], Iterator[bytes]]
"""Gives the build context of a service as a tar, in pieces."""


@dataclass(frozen=True)
class BuildRequest:
    """Build the images of the `services` (none: of all that have a `build:`); `dependencies` too:
    of those that they depend on.

    `contexts` gives what the classic builder is sent. The docker buildx command, where there is
    one, reads the folders itself, as it would for the person who calls.
    """

    app: App
    services: tuple[str, ...] = ()
    dependencies: bool = False
    wishes: Wishes = NO_WISHES
    contexts: Contexts | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class BuiltImage:
    """An image that was built: `names` are all that it goes by, the service's own first. `id` is
    empty where it went to its registry alone."""

    service: str
    names: tuple[str, ...]
    host: str
    id: str = ""


@dataclass(frozen=True)
class Built:
    """What came of a build; `builder` is buildx or classic."""

    images: tuple[BuiltImage, ...] = ()
    builder: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PushRequest:
    """Push the images of those `services` (none: of all) that are built and have a name of their
    own, and with `dependencies` of those that they depend on. With `ignore_failures` a failure is
    only told."""

    app: App
    services: tuple[str, ...] = ()
    dependencies: bool = False
    ignore_failures: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class PullRequest:
    """Pull the images of the `services` (none: of all), with `dependencies` also of those that they
    depend on. `policy` (missing or always) wins over the services' own; `ignore_buildable` leaves
    out what can be built, and with `ignore_failures` a failure is only told."""

    app: App
    services: tuple[str, ...] = ()
    dependencies: bool = False
    policy: str = ""
    ignore_buildable: bool = False
    ignore_failures: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Handled:
    """What came of a pull or a push: what was done (or, in a dry run, would be), and what a person
    should know, a sentence each."""

    done: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PruneRequest:
    """Remove what no app needs any more: images and shipped files of revisions before an app's
    last `keep`, containers of `nap run` that have ended and failed ones that were kept, all older
    than `older_than` seconds; and the history of deployments that ended more than `history`
    seconds ago. Never volumes. What is None is as the cluster file's `prune` says."""

    keep: int | None = None
    older_than: float | None = None
    history: float | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class PrunedRow:
    """Something that was removed, or would be: `kind` is image, container, files, deployments or
    revisions; `size` in bytes where it is known. `problem` says why it is still there."""

    kind: str
    subject: str
    host: str = ""
    size: int = 0
    problem: str = ""


class Imaging(Protocol):
    """The calls about images. Every method raises NapError with its exit code."""

    def build(self, request: BuildRequest, on_event: OnEvent, cancel: Cancel) -> Built:
        """Build on one host; from there `up` brings the images to where they are needed.

        Raises BadFile, with the path in the document, for what the builder that is there can't do.
        """

    def push(self, request: PushRequest, on_event: OnEvent, cancel: Cancel) -> Handled:
        """Push what was built, each image from a host that has it."""

    def pull(self, request: PullRequest, on_event: OnEvent, cancel: Cancel) -> Handled:
        """Pull images, each to the hosts on which containers are or would be made of it."""

    def prune(self, request: PruneRequest) -> Listing:
        """Rows of `PrunedRow`."""
