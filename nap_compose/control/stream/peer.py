"""One end of the stream: it makes calls and answers the other end's, many at once.

What can't cross (a console, a function, an iterator) stays where it is and is called from the other
end, which waits for each answer: so neither side piles up what the other doesn't take.
"""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakValueDictionary

from nap_compose.control.stream import faults
from nap_compose.control.stream.codec import Decoder, Encoder, Refs
from nap_compose.control.stream.frames import MOST_VALUES, Frames, StreamBroken, TooMuch
from nap_compose.control.stream.pump import Pump
from nap_compose.control.stream.standins import (
    ConsoleHere,
    HoldHere,
    RemoteCancel,
    RemoteConsole,
    RemoteHold,
)
from nap_compose.errors import NapError, WrongUse

MOST_AT_ONCE = 32
"""Calls of the other end that are carried out at the same time."""
MOST_OPEN = 64
"""Iterators of the broker's that the other end may have open: each may read from many hosts."""
_BYTES_OF_A_VALUE = 64
"""Bytes that weigh as much as one value of a call's head."""
_TICK = 0.1
"""Seconds between two looks at whether the person has pressed Ctrl-C."""


class OtherEndGone(BaseException):
    """Whoever was to be asked has gone: nothing that is done for them goes on.

    No error of a person's, so that nobody takes it for something to report and go on after.
    """


class Waiting:
    """A call that waits for its answer, and meanwhile carries out what it is asked in return."""

    def __init__(self, things: dict[int, Any]) -> None:
        self.things = things
        self.levels: dict[int, int] = {}
        """How often Ctrl-C was pressed, as far as the other end was told."""
        self.inbox: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.crash: BaseException | None = None


class Peer:
    """One end. `call` is used by this end; `serve` gives the other end what it may call."""

    def __init__(self, frames: Frames, serve: Callable[[int, str], Callable[..., Any]]) -> None:
        self._frames = frames
        self._serve = serve
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Waiting] = {}
        self._owners: dict[int, tuple[Waiting | None, Any]] = {}
        # Each for as long as a call, or what came of it, has use for it.
        self._remote: WeakValueDictionary[int, RemoteCancel] = WeakValueDictionary()
        self._open: list[Pump] = []
        self._weight = 0
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(MOST_AT_ONCE)
        self._last_word: NapError | None = None
        self.gone = threading.Event()

    def read(self) -> None:
        """Take in what comes until the other end has ended; to be run in a thread of its own."""
        try:
            while (frame := self._frames.receive()) is not None:
                self._take(*frame)
        except TooMuch as error:
            with contextlib.suppress(StreamBroken):
                self._frames.send({"over": faults.told(error)})
        except (StreamBroken, KeyError, TypeError, ValueError, AttributeError):
            pass
        finally:
            self._over()

    def call(self, thing: int, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call the other end and wait for the answer. Raises what it raised, StreamBroken where it
        has gone, and what one of the things handed over raised meanwhile."""
        number = next(self._numbers)
        waiting = Waiting({})
        refs = _Refs(self, waiting)
        encoder = Encoder(refs)
        told = {"call": number, "of": thing, "name": method,
                "args": encoder.encode(list(args)), "more": encoder.encode(kwargs)}  # fmt: skip
        with self._lock:
            self._waiting[number] = waiting
        try:
            self._frames.send(told, encoder.blobs)
            if self.gone.is_set():
                raise self._gone()
            return self._answer(waiting, refs)
        finally:
            with self._lock:
                self._waiting.pop(number, None)
                for each in waiting.things:
                    self._owners[each] = (None, waiting.things[each])

    def _answer(self, waiting: Waiting, refs: _Refs) -> Any:
        waiting.levels = {number: 0 for number, each in waiting.things.items() if _is_cancel(each)}
        while True:
            try:
                kind, what = waiting.inbox.get(timeout=_TICK)
            except queue.Empty:
                kind, what = "", None
            self._pass_on_presses(waiting)
            if kind == "asked":
                self._carry_out(*what)
            elif kind == "answer":
                head, blobs = what
                return Decoder(refs, blobs).decode(head["answer"])
            elif kind == "error":
                if self.hands_back and what["error"].get("crash"):
                    raise OtherEndGone  # what the person's side can't go on after
                raise waiting.crash or faults.heard(what["error"])
            elif kind == "gone":
                raise waiting.crash or self._gone()

    def _pass_on_presses(self, waiting: Waiting) -> None:
        """Tell the other end of each new Ctrl-C; for the waiting thread alone."""
        for number, known in waiting.levels.items():
            level = waiting.things[number].level
            if level != known:
                waiting.levels[number] = level
                self._frames.send({"cancel": number, "level": level})

    def _gone(self) -> NapError:
        """Why there is no answer."""
        return self._last_word or StreamBroken("the other side of the border has ended")

    def _take(self, head: dict[str, Any], blobs: list[bytes]) -> None:
        if "call" in head:
            self._asked(head, blobs)
        elif "over" in head:
            self._last_word = faults.heard(head["over"])
        elif "cancel" in head:
            remote = self._remote.get(head["cancel"])
            if remote is not None and isinstance(head["level"], int):
                remote.level = head["level"]
        else:
            with self._lock:
                waiting = self._waiting.get(head["to"])
            if waiting is not None:
                failed = "error" in head
                waiting.inbox.put(("error", head) if failed else ("answer", (head, blobs)))

    def _asked(self, head: dict[str, Any], blobs: list[bytes]) -> None:
        """A call from the other end: carried out by the thread that waits for the call which the
        thing was handed over with (a terminal is the main thread's), else by one of its own."""
        owner, _ = self._owners.get(head["of"], (None, None))
        if owner is not None and head["name"] != "next":
            owner.inbox.put(("asked", (head, blobs, owner)))
            return
        weight = self._frames.weight + sum(map(len, blobs)) // _BYTES_OF_A_VALUE
        if not self._takes(weight):
            error = WrongUse("too much is asked for at once")
            self._frames.send({"to": head["call"], "error": faults.told(error)})
            return

        def work() -> None:
            try:
                self._carry_out(head, blobs, owner)
            finally:
                with self._lock:
                    self._weight -= weight
                self._slots.release()

        threading.Thread(target=work, daemon=True).start()

    def _takes(self, weight: int) -> bool:
        """Whether there is room for one more call of such a weight; if so it has its place."""
        if not self._slots.acquire(blocking=False):
            return False
        with self._lock:
            fits = self.hands_back is False or self._weight + weight <= 2 * MOST_VALUES
            self._weight += weight if fits else 0
        if not fits:
            self._slots.release()
        return fits

    def _carry_out(self, head: dict[str, Any], blobs: list[bytes], owner: Waiting | None) -> None:
        to = head["call"]
        waiting = Waiting({})
        refs = _Refs(self, None)
        try:
            decoder = Decoder(refs, blobs)
            args, kwargs = decoder.decode(head["args"]), decoder.decode(head["more"])
            method = self._method(head["of"], head["name"])
            answer = method(*args, **kwargs)
            encoder = Encoder(_Refs(self, waiting))
            told = {"to": to, "answer": encoder.encode(answer)}
            if head["name"] == "close" and head["of"]:
                self._let_go(head["of"])
            with self._lock:
                for each in waiting.things:
                    self._owners[each] = (None, waiting.things[each])
        except BaseException as error:
            if owner is not None and not isinstance(error, NapError):
                owner.crash = error
            if not isinstance(error, (NapError, OtherEndGone)):
                self.crashed(error)
            crash = not isinstance(error, NapError)
            told, encoder = (
                {"to": to, "error": {**faults.told(error), "crash": crash}},
                Encoder(refs),
            )
        try:
            if owner is not None and head["name"] != "next":
                # Pressed meanwhile, it counts from this answer on: nothing more is begun then.
                self._pass_on_presses(owner)
            self._frames.send(told, encoder.blobs)
        except StreamBroken:
            self._over()

    def crashed(self, error: BaseException) -> None:
        """Called with an error that nobody foresaw, before its kind is told to the other end."""

    def _method(self, thing: int, name: str) -> Callable[..., Any]:
        with self._lock:
            known = self._owners.get(thing)
        if known is None:
            return self._serve(thing, name)
        methods = _METHODS.get(_kind_of(known[1]), ())
        if name not in methods:
            raise WrongUse(f"the border knows no call '{name}'")
        found: Callable[..., Any] = known[1] if name == "run" else getattr(known[1], name)
        return found

    def _over(self) -> None:
        self.gone.set()
        with self._lock:
            waiting = list(self._waiting.values())
            remote = list(self._remote.values())
        for each in remote:
            each.level = 2
        for one in waiting:
            one.inbox.put(("gone", None))

    # --- What is handed over. ---

    def hand_over(self, waiting: Waiting | None, kind: str, thing: Any) -> int:
        """A number for something of this end's."""
        number = next(self._numbers)
        if kind == "iterator":
            thing = self._opened(thing)
        if kind == "console":
            thing = ConsoleHere(thing)
        if kind == "hold":
            thing = HoldHere(thing)
        with self._lock:
            self._owners[number] = (waiting, thing)
        if waiting is not None:
            waiting.things[number] = thing
        return number

    def _opened(self, items: Iterator[Any]) -> Pump:
        """What reads an iterator for the other end. Raises WrongUse where it has too many open."""
        pump = Pump(items)
        with self._lock:
            self._open = [each for each in self._open if not each.over]
            if not self.hands_back or len(self._open) < MOST_OPEN:
                self._open.append(pump)
                return pump
        pump.close()
        raise WrongUse("too many streams are open at once")

    def _let_go(self, number: int) -> None:
        """Forget an iterator that the other end has done with."""
        with self._lock:
            _, thing = self._owners.get(number, (None, None))
            if isinstance(thing, Pump):
                del self._owners[number]

    def stand_in(self, kind: str, number: int) -> Any:
        """What acts for something of the other end's."""
        if kind == "iterator":
            return self.items(number)
        if kind == "callable":
            return lambda *args: self.call_back(number, "run", *args)
        if kind == "cancel":
            with self._lock:
                return self._remote.setdefault(number, RemoteCancel())
        if kind == "hold":
            return RemoteHold(self, number)
        return RemoteConsole(self, number)

    def items(self, number: int) -> Iterator[Any]:
        """The items of an iterator at the other end, fetched as they are wanted."""
        try:
            while True:
                items, ended = self.call_back(number, "next")
                yield from items
                if ended:
                    return
        finally:
            if not self.gone.is_set():
                with contextlib.suppress(NapError):
                    self.call(number, "close")

    def call_back(self, number: int, method: str, *args: Any) -> Any:
        """Call something that was handed over. Raises OtherEndGone where whoever has it left."""
        try:
            return self.call(number, method, *args)
        except StreamBroken:
            if self.hands_back:
                raise OtherEndGone from None
            raise

    hands_back = False
    """Whether this end works for the other: without it nothing is to go on."""


_METHODS = {
    "iterator": ("next", "close"),
    "console": ("open", "show", "close", "next"),
    "callable": ("run",),
    "hold": ("held",),
}


def _kind_of(thing: Any) -> str:
    if isinstance(thing, Pump):
        return "iterator"
    if isinstance(thing, HoldHere):
        return "hold"
    return "console" if isinstance(thing, ConsoleHere) else "callable" if callable(thing) else ""


def _is_cancel(thing: Any) -> bool:
    return hasattr(thing, "level")


class _Refs(Refs):
    """Numbers for what one call hands over, and stand-ins for what it is given."""

    def __init__(self, peer: Peer, waiting: Waiting | None) -> None:
        self._peer = peer
        self._waiting = waiting

    def put(self, kind: str, thing: Any) -> int:
        return self._peer.hand_over(self._waiting, kind, thing)

    def get(self, kind: str, number: int) -> Any:
        return self._peer.stand_in(kind, number)
