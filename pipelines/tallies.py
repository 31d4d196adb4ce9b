"""How far the deliveries of each outbound pipeline, and of each flow, have come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from hub.database import Session
from pipelines.settings import Outbound


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """`triggered` is all of them: delivered, refused or held. `confirmed` are those delivered
    that the target acknowledged or that were read back; `states` says more of what is held:
    shadow, waiting, approval, behind, ready, sending, unknown."""

    triggered: int = 0
    delivered: int = 0
    confirmed: int = 0
    held: int = 0
    refused: int = 0
    states: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Tally) -> Tally:
        states = {
            name: self.states.get(name, 0) + other.states.get(name, 0)
            for name in sorted({*self.states, *other.states})
        }
        return Tally(
            triggered=self.triggered + other.triggered,
            delivered=self.delivered + other.delivered,
            confirmed=self.confirmed + other.confirmed,
            held=self.held + other.held,
            refused=self.refused + other.refused,
            states=states,
        )

    def plain(self) -> dict[str, int]:
        """The five counts as JSON."""
        return {name: number for name, number in asdict(self).items() if name != "states"}


def by_pipeline(session: Session) -> dict[str, Tally]:
    """Of every pipeline that has had something to say."""
    found: dict[str, Tally] = {}
    rows = session.all(
        "select pipeline, state, confirmed, count(*) from delivery group by 1, 2, 3 order by 1, 2"
    )
    for pipeline, state, confirmed, count in rows:
        found[pipeline] = found.get(pipeline, Tally()) + _tally(state, int(count), bool(confirmed))
    return found


def by_flow(found: Mapping[str, Tally], outbound: Mapping[str, Outbound]) -> dict[str, Tally]:
    """Added up for the pipelines that name a flow; one that has said nothing yet has zeros."""
    flows: dict[str, Tally] = {}
    for name, pipeline in outbound.items():
        if pipeline.flow:
            flow = pipeline.flow
            flows[flow] = flows.get(flow, Tally()) + found.get(name, Tally())
    return flows


def _tally(state: str, count: int, confirmed: bool) -> Tally:  # noqa: FBT001 - a row's columns
    delivered = count if state == "delivered" else 0
    refused = count if state == "refused" else 0
    return Tally(
        triggered=count,
        delivered=delivered,
        confirmed=delivered if confirmed else 0,
        held=count - delivered - refused,
        refused=refused,
        states={state: count},
    )
