"""Says deliveries to one target: in lane order, with retry, breaker and approval, until each has
ended as delivered, refused, or unknown.

That something is being sent is on disk before it is sent. So a crash in between is an outcome
that is not known, never a loss; whether that is said again or held for a person is the
pipeline's choice. A target that knows a repetition by its id has it once either way; for one
that does not, nobody can do better.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from connectors.errors import Misconfigured, TryLater
from connectors.protocol import Pushes
from connectors.record import Delivery, Receipt
from hub.decisions import IN_TIME
from hub.planned_visit import Match, match
from mappings.outbound import Wait
from mappings.values import NotUnderstood
from pipelines import answered, ask, consume, deliveries, needs, orders, render
from pipelines.ask import Question
from pipelines.breaker import Breaker
from pipelines.consume import Consumer, Desk
from pipelines.deliveries import Became, Open, Sent
from pipelines.journal import Entry
from pipelines.render import Said
from pipelines.settings import seconds

log = structlog.get_logger("deliver")

BATCH = 50
SECOND = 1_000_000  # microseconds
LONGEST = 900.0  # seconds between two tries
FEWEST = 8  # tries before giving up, however long ago the first was
_WAITS = (1 * SECOND, 300 * SECOND)  # how often a waiting one is looked at: at first, at last
_ASKED = (1 * SECOND, 5 * SECOND)  # how often a decision is looked for: at first, at last
_HELP = 300.0  # seconds until a connection that a person must mend is tried again


@dataclass(slots=True)
class Round:
    """What one look at the due deliveries has found, before anything is sent."""

    going: list[tuple[Open, Said]] = field(default_factory=list)
    outcomes: list[Became] = field(default_factory=list)
    asked: list[Question] = field(default_factory=list)
    moot: list[bytes] = field(default_factory=list)  # digests of what needs no answer any more


@dataclass(slots=True)
class Deliverer:
    """One outbound pipeline at work. `paused` gives the state of connections a person stopped;
    `chance` a number from 0 to 1."""

    desk: Desk
    connector: Pushes
    breaker: Breaker
    paused: Callable[[], dict[str, str]]
    chance: Callable[[], float] = random.random
    trouble: str = ""  # why a person must act; "" while all is well
    consumer: Consumer = field(init=False)
    _asked: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.consumer = Consumer(self.desk)

    def recover(self) -> None:
        """At the start: what was under way when the process ended has an outcome nobody knows.
        A new pipeline begins at the head of the feed."""
        desk, shadow = self.desk, self.desk.outlet.shadow
        self.consumer.upto = consume.start(desk)
        lost = deliveries.interrupted(desk.journal, self._name)
        desk.writer.keep([], [], [deliveries.switch(self._name, desk.clock(), shadow=shadow)])
        why = "the hub ended before an answer came"
        self._note([self._unknown(one, why, 0.0) for one in lost])

    def step(self) -> bool:
        """Takes in what the feed has and says what is due. False: nothing to do now."""
        state = self.paused().get(self.desk.outlet.connection, "")
        read = not state and self.consumer.step()  # who drains takes nothing new in
        self._ask_again()
        return (state != "paused" and self._say()) or read

    # -- saying

    def _say(self) -> bool:
        room = BATCH if self.desk.outlet.shadow else self.breaker.allows(BATCH)
        if not room:
            return False
        try:
            return self._say_some(room)
        finally:
            self.breaker.unused()  # where nothing was sent

    def _say_some(self, room: int) -> bool:
        now, found = self.desk.clock(), Round()
        due = deliveries.due(self.desk.journal, self._name, now, room)
        for one in due:
            self._prepare(one, found, now)
        self._note(found.outcomes, found.asked, moot=found.moot)
        if found.going:
            self._send(found.going)
        return bool(due)

    def _prepare(self, one: Open, found: Round, now: int) -> None:
        try:
            if wrong := needs.elsewhere(self.desk, one):
                found.outcomes.append(Became(one=one, state="refused", detail=wrong, tried=False))
                return
            matched = self._match(one, found)
            lacks = needs.unmet(self.desk, one) or (matched.lacks if matched else "")
            if matched and matched.doubt and not lacks and not self._sure(one, matched, found, now):
                return
            view = matched.view if matched else None
            made = Wait(lacks) if lacks else render.render(self.desk, one, view)
        except NotUnderstood as error:
            found.outcomes.append(Became(one=one, state="refused", detail=str(error), tried=False))
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours parks this one, not its lane
            log.error("not rendered", delivery=one.id, error=type(error).__name__)
            why = f"rendering failed with {type(error).__name__}"
            found.outcomes.append(Became(one=one, state="refused", detail=why, tried=False))
            return
        if isinstance(made, Wait):
            # the longer it has waited, the less often it is looked at
            wait = min(max((now - one.made_at) // 4, _WAITS[0]), _WAITS[1])
            found.outcomes.append(self._later(one, "waiting", made.reason, now + wait))
        elif self.desk.outlet.shadow:
            found.outcomes.append(self._shadow(one, made))
        elif self._may(one, made, found, now):
            found.going.append((one, made))

    def _shadow(self, one: Open, made: Said) -> Became:
        """What would be sent is kept, sealed, and opens nothing to anybody."""
        decided = ", once a person approves" if self.desk.outlet.settings.approval else ""
        said = one.said or render.pack(self.desk.keyring, made.delivery)
        return Became(one=one, state="shadow", detail=f"would be sent{decided}",
                      tried=False, said=said)  # fmt: skip

    def _match(self, one: Open, found: Round) -> Match | None:
        """What it is about, where the mapping wants that found. What was sent once is said again
        as it was."""
        if not self.desk.outlet.mapping.outgoing.matches or one.tried_at is not None:
            return None
        view = self.desk.views().version(one.entity, one.entity_id, one.n)
        matched = match(view)
        found.moot += ask.moot(self.desk.hub, one, matched)
        return matched

    def _sure(self, one: Open, matched: Match, found: Round, now: int) -> bool:
        """Whether a person has said that what is in doubt is so. In shadow nobody is asked."""
        if self.desk.outlet.shadow:
            why = f"a person would be asked: {matched.doubt}"
            found.outcomes.append(Became(one=one, state="shadow", detail=why, tried=False))
            return False
        question = Question(one, "match", matched)
        return self._answered(question, f"a person must decide: {matched.doubt}", found, now)

    def _may(self, one: Open, made: Said, found: Round, now: int) -> bool:
        """Whether a person has let it go, where the pipeline asks for that. What they are asked
        about is kept, sealed, for them to read, and is what goes out."""
        if not self.desk.outlet.settings.approval:
            return True
        said = one.said or render.pack(self.desk.keyring, made.delivery)
        question = Question(one, "approval")
        return self._answered(question, "a person must approve", found, now, said)

    def _answered(
        self, question: Question, waits: str, found: Round, now: int, kept: bytes | None = None
    ) -> bool:
        one, said = question.one, ask.answer(self.desk.hub, question)
        if said.state == "accepted":
            return True
        if said.state in ("declined", "expired"):
            declined = said.state == "declined"
            why = f"declined by {said.by}" if declined else IN_TIME
            found.outcomes.append(Became(one=one, state="refused", detail=why, tried=False))
            return False
        if not said.state:
            found.asked.append(question)
        wait = min(max((now - one.made_at) // 4, _ASKED[0]), _ASKED[1])
        waiting = self._later(one, "approval", waits, now + wait)
        found.outcomes.append(replace(waiting, said=kept))
        return False

    def _send(self, going: Sequence[tuple[Open, Said]]) -> None:
        desk = self.desk
        sent = [
            Sent(one=one, said=one.said or render.pack(desk.keyring, made.delivery),
                 prints=made.prints)
            for one, made in going
        ]  # fmt: skip
        shown = [self._shown(one, made) for one, made in going if made.opened]
        desk.writer.keep(shown, [], [deliveries.begin(sent, desk.clock())])
        receipts = self._push([made.delivery for _, made in going])
        outcomes: list[Became] = []
        broken = False
        for (one, _), receipt in zip(going, receipts, strict=True):
            # behind one that failed the connector sends no more: that is no try of theirs
            skipped = broken and receipt.outcome == "later"
            outcomes.append(self._unsent(one) if skipped else self._outcome(one, receipt))
            if not skipped:
                # a conflict is an answer: only what cannot be reached is left alone
                ok = receipt.answered or receipt.outcome in ("delivered", "refused")
                self.breaker.heard(ok=ok)
            broken = broken or receipt.outcome in ("later", "unknown")
        self._note(outcomes, named=[one for one in outcomes if one.state == "delivered"])

    def _push(self, said: Sequence[Delivery]) -> list[Receipt]:
        """A receipt each, whatever the connector does."""
        try:
            given = {receipt.id: receipt for receipt in self.connector.push(said)}
            self.trouble = ""
        except TryLater as error:
            return [
                Receipt(
                    id=one.id,
                    outcome="later",
                    detail=str(error),
                    retry_after=error.after,
                    answered=error.answered,
                )
                for one in said
            ]
        except Misconfigured as error:
            self._complain(str(error))
            return [
                Receipt(id=one.id, outcome="later", detail=str(error), retry_after=_HELP)
                for one in said
            ]
        except Exception as error:  # noqa: BLE001 - a stranger's fault: something may have been sent
            self._complain(f"the connector failed with {type(error).__name__}")
            given = {}
        return [given.get(one.id, _lost(one)) for one in said]

    def _outcome(self, one: Open, receipt: Receipt) -> Became:
        if receipt.outcome == "delivered":
            return Became(one=one, state="delivered", detail=receipt.detail,
                          native_id=receipt.native_id, confirmed=receipt.confirmed)  # fmt: skip
        if receipt.outcome == "refused":
            log.warning("refused", pipeline=self._name, delivery=one.id, detail=receipt.detail)
            return Became(one=one, state="refused", detail=receipt.detail)
        if receipt.retry_after:
            self.breaker.rest(receipt.retry_after)
        if receipt.outcome == "unknown":
            return self._unknown(one, receipt.detail, receipt.retry_after)
        return self._again(one, receipt.detail, receipt.retry_after)

    def _unknown(self, one: Open, why: str, after: float) -> Became:
        if self.desk.outlet.settings.on_unknown == "hold" or self.desk.outlet.shadow:
            log.warning("outcome unknown", pipeline=self._name, delivery=one.id, detail=why)
            return Became(one=one, state="unknown", detail=why)
        return self._again(one, f"outcome unknown: {why}", after)

    def _again(self, one: Open, why: str, after: float) -> Became:
        """Another try later, or the last was enough. The wait is drawn between nothing and what
        doubles with each try (full jitter), so that many do not come back together."""
        now, tries = self.desk.clock(), one.tries + 1
        spent = (now - (one.tried_at or now)) / SECOND
        if tries >= FEWEST and spent > seconds(self.desk.outlet.settings.tries_for):
            log.error("gave up", pipeline=self._name, delivery=one.id, tries=tries)
            return Became(one=one, state="refused", detail=f"gave up after {tries} tries: {why}")
        most = min(LONGEST, 2.0 ** min(tries, 20))
        wait = max(after, 1.0, most * self.chance())
        return Became(one=one, state="ready", detail=why, not_before=now + int(wait * SECOND))

    @staticmethod
    def _unsent(one: Open) -> Became:
        return Became(one=one, state="ready", detail="not sent: one before it failed", tried=False)

    @staticmethod
    def _later(one: Open, state: str, why: str, not_before: int) -> Became:
        return Became(one=one, state=state, detail=why, not_before=not_before, tried=False)

    # -- what persons decide

    def _ask_again(self) -> None:
        """Looks whether a person has found out what became of what was sent."""
        for one in deliveries.unsure(self.desk.journal, self._name):
            question = Question(one, "unknown")
            said = ask.answer(self.desk.hub, question)
            if not said.state:
                self._note([], [question])
            elif said.state == "accepted":
                self._note([self._later(one, "ready", "", 0)])
            elif said.state in ("declined", "expired"):
                decided = f"{said.by} decided" if said.state == "declined" else IN_TIME
                why = f"not said again: {decided}"
                self._note([Became(one=one, state="refused", detail=why, tried=False)])

    def _note(
        self,
        outcomes: Sequence[Became],
        asked: Sequence[Question] = (),
        named: Sequence[Became] = (),
        moot: Sequence[bytes] = (),
    ) -> None:
        self._asked.difference_update(moot)
        new = [question for question in asked if question.digest not in self._asked]
        if outcomes or new or moot:
            entries = [self._order(ask.proposal(question, self.desk.outlet)) for question in new]
            entries += [self._order(_moot(digest)) for digest in moot]
            for one in named:
                keys = answered.names(self.desk, one.one, one.native_id)
                entries += [self._order(key) for key in keys]
            noted = deliveries.became(outcomes, self.desk.clock())
            self.desk.writer.keep(entries, [], [noted])
            self._asked.update(question.digest for question in new)

    def _shown(self, one: Open, made: Said) -> Entry:
        """Personal data goes out: the audit names which records, to whom."""
        detail = {"delivery": one.id, "records": [f"{e} {i}" for e, i in made.opened]}
        return self._order({"do": "saw", "object": self.desk.outlet.system, "detail": detail})

    def _order(self, order: dict[str, Any]) -> Entry:
        said = {"by": f"pipeline:{self._name}", "reason": "delivery", **order}
        return orders.entry(self.desk.keyring, self.desk.journal.dialect, said)

    def _complain(self, why: str) -> None:
        if self.trouble != why:
            log.error("cannot deliver", pipeline=self._name, reason=why)
        self.trouble = why

    @property
    def _name(self) -> str:
        return self.desk.outlet.name


def _moot(digest: bytes) -> dict[str, Any]:
    """The order that closes a question nobody has answered."""
    return {"do": "moot", "object": digest.hex(), "reason": "the record answers it by now"}


def _lost(one: Delivery) -> Receipt:
    return Receipt(id=one.id, outcome="unknown", detail="the connector gave no receipt")
