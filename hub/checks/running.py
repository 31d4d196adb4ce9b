"""Checks anew what has changed, a little at a time, while settling has nothing to do.

It follows the change feed and notes the studies and people that changed records are about; those
are checked one small group after another. Once a day, and under another policy, all are: days go
by without a record changing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from itertools import islice

import orjson
import structlog

from hub import audit, changes, tables
from hub.checks import CHECKS
from hub.checks.check import Check, Discrepancy, Scope
from hub.checks.keeping import HUB, Kept, fail, keep
from hub.checks.look import Look
from hub.checks.reach import Reach, reach
from hub.checks.settings import Checks
from hub.clock import from_micros
from hub.database import Session
from hub.policy import Policy
from hub.progress import held
from hub.reader import Reader
from hub.seal import Keyring

log = structlog.get_logger("checks")
ACTOR = "checks"  # who the audit names
_SPENT = 600_000_000  # microseconds after which what is bounded by nothing is looked at again
# what a check's own mistake raises; whatever the store raises ends the turn
_FAULTS = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
_DEAR = 0.1  # seconds of computing after which a study rests
_SHARE = 20  # times as long as it took: checks take a twentieth of the time at most
_DUE = ("scope", "id")
_BEGUN = {"cursor": changes.START, "day": "", "policy": ""}


@dataclass(slots=True, kw_only=True)
class Checking:
    """One checker on a session for writing; of several, one works at a time. `slice` changes or
    `group` studies are looked at in one transaction."""

    session: Session
    keyring: Keyring
    clock: Callable[[], int]
    chain: str
    policy: Policy = field(default_factory=Policy)
    checks: Checks = field(default_factory=Checks)
    zone: tzinfo = UTC
    slice: int = 500
    group: int = 5
    hub_at: int = 0  # when what is bounded by nothing was last looked at
    resting: dict[tuple[str, str], float] = field(default_factory=dict)  # what was dear, until when

    def look(self) -> bool:
        """Does the next few. False: there is nothing to do, or another is at it."""
        if not self._has_work():
            return False
        with self.session.transaction():
            since = self._since()
            if since is None:
                return False
            return self._follow(since) or self._check()

    def today(self) -> date:
        """The day it is where the hub stands."""
        return from_micros(self.clock()).astimezone(self.zone).date()

    def _has_work(self) -> bool:
        """A look that takes no lock: most of the time there is nothing."""
        row = self.session.one("select cursor, day, policy from check_progress where id = 1")
        if row is None or self._is_new_day(row[1], row[2]) or self._hub_due():
            return True
        due = self.session.all("select scope, id from check_due limit ?", (len(self.resting) + 1,))
        return any(not self._rests(*one) for one in due) or bool(
            changes.feed(self.session, row[0], 1)
        )

    def _since(self) -> str | None:
        """Where the feed goes on; None: another is at it."""
        row = held(self.session, tables.check_progress, _BEGUN)
        if row is None:
            return None
        if self._is_new_day(row[1], row[2]):
            return self._all_due()
        return str(row[0])

    def _is_new_day(self, day: str, policy: str) -> bool:
        return day != str(self.today()) or policy != self.checks.digest(self.policy)

    def _all_due(self) -> str:
        """Notes everything; where the feed goes on."""
        for scope, table in (("study", "study"), ("person", "person")):
            self.session.run(
                f"insert into check_due(scope, id) select ?, id from {table} "
                "where superseded_by is null on conflict do nothing",
                (scope,),
            )
        # what was merged away has none any more
        rows = self.session.all(
            "select distinct scope, rule from finding where closed_at is null and scope <> ''"
        )
        scopes = {name: check.scope for name, check in CHECKS.items()}
        self._put({(scopes.get(rule.split(".")[1], "study"), one) for one, rule in rows})
        self.hub_at = 0
        head = changes.head(self.session)  # what has changed until now is looked at with the rest
        self.session.run(
            "update check_progress set day = ?, policy = ?, cursor = ? where id = 1",
            (str(self.today()), self.checks.digest(self.policy), head),
        )
        return head

    def _follow(self, since: str) -> bool:
        """Notes what the next changes are about. False: there are none."""
        feed = changes.feed(self.session, since, self.slice)
        if not feed:
            return False
        changed: dict[str, dict[str, None]] = {}
        for change in feed:
            changed.setdefault(change.entity, {})[change.id] = None
        found = reach(self.session, {entity: list(ids) for entity, ids in changed.items()})
        self._note(found)
        self.session.run("update check_progress set cursor = ? where id = 1", (feed[-1].cursor,))
        return True

    def _note(self, found: Reach) -> None:
        if found.everything:
            self.session.run("update check_progress set day = '' where id = 1")
        due: set[tuple[str, str]] = {("study", one) for one in found.studies}
        self._put(due | {("person", one) for one in found.people})

    def _put(self, due: set[tuple[str, str]]) -> None:
        self.session.upsert(tables.check_due, _DUE, sorted(due), _DUE)

    def _check(self) -> bool:
        if self._hub_due():
            self.hub_at = self.clock()
            self.run("hub", [HUB])
            return True
        scopes: tuple[Scope, ...] = ("study", "person")
        for scope in scopes:
            rows = self.session.all(
                "select id from check_due where scope = ? order by id limit ?",
                (scope, self.group + len(self.resting)),
            )
            ids = [one for (one,) in rows if not self._rests(scope, one)][: self.group]
            if ids:
                began = time.thread_time()
                self.run(scope, ids)
                self._rest(scope, ids, time.thread_time() - began)
                self.session.among(
                    "delete from check_due where scope = ? and id in {members} returning id",
                    ids,
                    (scope,),
                )
                return True
        return False

    def _rests(self, scope: str, one: str) -> bool:
        """Whether it was dear to check, and that was lately."""
        return self.resting.get((scope, one), 0.0) > time.monotonic()

    def _rest(self, scope: str, ids: Sequence[str], cost: float) -> None:
        """A large study that messages come about all day is not checked anew with each of them."""
        now = time.monotonic()
        self.resting = {key: until for key, until in self.resting.items() if until > now}
        if cost > _DEAR:
            self.resting |= dict.fromkeys(((scope, one) for one in ids), now + _SHARE * cost)

    def _hub_due(self) -> bool:
        return self.clock() - self.hub_at > _SPENT and any(
            check.scope == "hub" for check in CHECKS.values()
        )

    def run(self, scope: Scope, ids: Sequence[str]) -> None:
        """Makes all checks of these studies or people, within the caller's transaction; those that
        are switched off have no findings any more."""
        for check in (one for one in CHECKS.values() if one.scope == scope):
            found = self._found(check, ids) if check.name not in self.checks.off else []
            if found is None:
                kept = fail(
                    self.session, self.keyring, check, ids, now=self.clock(), today=self.today()
                )
            else:
                kept = keep(
                    self.session, self.keyring, check, ids, found,
                    now=self.clock(), today=self.today(),
                )  # fmt: skip
            if kept.changed:
                self._tell(check, kept)

    def _found(self, check: Check, ids: Sequence[str]) -> list[Discrepancy] | None:
        """None: the check itself failed; what it found before stands."""
        look = self.looks(check, ids)
        try:
            return list(islice(check.find(look), 100_000))
        except _FAULTS as error:
            log.error("a check failed", check=check.name, error=type(error).__name__)
            return None

    def looks(self, check: Check, ids: Sequence[str]) -> Look:
        """How a check looks at these studies or people."""
        return Look(
            reader=Reader(
                self.session, self.keyring, lambda *_: None, self.checks.seen(self.policy)
            ),
            today=self.today(),
            now=self.clock(),
            studies=ids if check.scope == "study" else (),
            people=ids if check.scope == "person" else (),
            tolerances=self.checks.tolerance(check),
        )

    def _tell(self, check: Check, kept: Kept) -> None:
        counts = {
            "opened": kept.opened, "reworded": kept.reworded, "closed": kept.closed,
            "returned": kept.returned,
        }  # fmt: skip
        entry = audit.Entry(
            at=self.clock(), actor=ACTOR, action="check", object=check.name,
            reason=check.title, detail=orjson.dumps(counts).decode(),
        )  # fmt: skip
        audit.append(self.session, self.chain, [entry])
