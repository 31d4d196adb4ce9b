"""Keeps the sums that institution-wide views are answered from, a little at a time, while settling
has nothing to do.

It follows the change feed and notes the studies whose participants, sites and open issues have
changed; their sums are made anew, some studies in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import orjson

from hub import changes, clock, tables
from hub.database import Session
from hub.model.spec import entities
from hub.views import funnel, kept
from hub.views.scope import begin
from hub.views.words import Words

# what the sums are made of, and how each says which study it belongs to
_PARTS = {
    "Study": "id", "StudySite": "study_id", "Enrollment": "study_id",
    "EnrollmentState": "enrollment_id", "Deviation": "study_id", "MonitoringFinding": "study_id",
    "ComplianceItem": "study_id",
}  # fmt: skip
_PROGRESS = ("id", "cursor", "upto")
_MADE = ((tables.study_sum, kept.of_studies), (tables.enrollment_sum, funnel.of_months))


@dataclass(slots=True, kw_only=True)
class Summing:
    """One keeper on a session for writing; of several, one works at a time. `slice` changes are
    read, or the sums of `group` studies made, in one transaction."""

    session: Session
    clock: Callable[[], int]
    slice: int = 2000
    group: int = 50

    def look(self) -> bool:
        """Does the next few. False: there is nothing to do, or another is at it."""
        if not self._has_work():
            return False
        with self.session.transaction():
            since = self._since()
            if since is None:
                return False
            return self._follow(since) or self._sum()

    def _has_work(self) -> bool:
        """A look that takes no lock: most of the time there is nothing."""
        row = self.session.one("select cursor from sum_progress where id = 1")
        if row is None or self.session.one("select 1 from sum_due limit 1"):
            return True
        return bool(changes.feed(self.session, row[0], 1))

    def _since(self) -> str | None:
        only = " for update skip locked" if self.session.dialect == "postgresql" else ""
        row = self.session.one(f"select cursor from sum_progress where id = 1{only}")
        if row:
            return str(row[0])
        if self.session.one("select 1 from sum_progress"):
            return None  # another has it
        self.session.insert(tables.sum_progress, _PROGRESS, [(1, changes.START, 0)])
        return changes.START

    def _follow(self, since: str) -> bool:
        """Notes the studies that the next changes are of. False: there are none."""
        feed = changes.feed(self.session, since, self.slice)
        if not feed:
            return False
        due = sorted(self._studies([one for one in feed if one.entity in _PARTS]))
        self.session.upsert(tables.sum_due, ("study_id",), [(one,) for one in due], ("study_id",))
        self._reached(feed[-1])
        return True

    def _reached(self, last: changes.Change) -> None:
        """Where nothing is due, the sums tell of this change, too."""
        waits = self.session.one("select 1 from sum_due limit 1")
        told = "upto" if waits else str(last.recorded_at)
        self.session.run(
            f"update sum_progress set cursor = ?, upto = {told} where id = 1", (last.cursor,)
        )

    def _studies(self, feed: Sequence[changes.Change]) -> set[str]:
        changed: dict[str, set[str]] = {}
        for one in feed:
            changed.setdefault(one.entity, set()).add(one.id)
        found: set[str] = set()
        for entity, ids in changed.items():
            found |= self._of(entity, ids)
        moved = {one.id for one in feed if one.n > 1 and one.changed and '"study"' in one.changed}
        return found | self._left(moved)

    def _of(self, entity: str, ids: Iterable[str]) -> set[str]:
        table, column = entities()[entity].table.name, _PARTS[entity]
        sql = f"select {column} from {table} where id in {{members}} and {column} is not null"
        found = {one for (one,) in self.session.among(sql, sorted(ids))}
        return self._of("Enrollment", found) if column == "enrollment_id" else found

    def _left(self, ids: Iterable[str]) -> set[str]:
        """The studies that records belonged to before they moved."""
        rows = self.session.among(
            "select changed from version where id in {members} and changed is not null",
            sorted(ids),
        )
        said = (orjson.loads(changed).get("study") for (changed,) in rows)
        return {one for one in said if one}

    def _sum(self) -> bool:
        """Makes the sums of the next studies that are due. False: none is."""
        rows = self.session.all("select study_id from sum_due order by 1 limit ?", (self.group,))
        if not rows:
            return False
        ids = [row[0] for row in rows]
        make(self.session, ids, clock.iso(self.clock()))
        self._remove("sum_due", ids)
        if not self.session.one("select 1 from sum_due limit 1"):
            self.session.run("update sum_progress set upto = ? where id = 1", (self.clock(),))
        return True

    def _remove(self, table: str, ids: Sequence[str]) -> None:
        self.session.among(
            f"delete from {table} where study_id in {{members}} returning study_id", ids
        )


def make(session: Session, ids: Sequence[str], now: str) -> None:
    """Makes the sums of these studies anew, within the caller's transaction."""
    words = Words(dialect=session.dialect, narrowed=True)
    head, values = begin(session.dialect, ids, now)
    for table, made in _MADE:
        session.among(
            f"delete from {table.name} where study_id in {{members}} returning study_id", ids
        )
        names = ", ".join(column.name for column in table.columns)
        session.run(
            f"insert into {table.name}({names}) with {head} select {names} from ({made(words)}) m",
            values,
        )


def upto(session: Session, now: int) -> int | None:
    """Until when the sums tell of everything, in microseconds; None: nobody keeps any."""
    row = session.one("select cursor, upto from sum_progress where id = 1")
    if row is None:
        return None
    behind = session.one("select 1 from sum_due limit 1") or changes.feed(session, row[0], 1)
    return row[1] if behind else now
