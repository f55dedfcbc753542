"""Why a replica goes to its host: plain data, which crosses the border to whoever asked."""

from __future__ import annotations

from collections.abc import Iterator

from nap_compose.plaindata import dataclass


@dataclass(frozen=True)
class Verdict:
    """What spoke against a host, or else how it scored: parts by name, the weightiest first, and
    in each the smaller number is the better."""

    host: str
    objections: tuple[str, ...] = ()
    score: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Why a replica goes where it goes, with the verdict on every host at that moment."""

    replica: str
    host: str
    reason: str
    verdicts: tuple[Verdict, ...]

    def lines(self) -> Iterator[str]:
        """The table for a person."""
        yield f"{self.replica} on {self.host}: {self.reason}"
        width = max(len(verdict.host) for verdict in self.verdicts)
        for verdict in self.verdicts:
            chosen = verdict.host == self.host
            word = "here" if chosen else "no" if verdict.objections else "fits"
            told = "; ".join(verdict.objections) or ", ".join(
                f"{number} {name}" for name, number in verdict.score
            )
            yield f"  {verdict.host:<{width}}  {word:<4}  {told}".rstrip()
