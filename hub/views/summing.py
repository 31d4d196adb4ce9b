"""Keeps the sums and rows that institution-wide views are answered from, a little at a time, while
settling has nothing to do.

It follows the change feed and notes the studies that a change bears on; what is kept of them is
made anew, some studies in one transaction. On another day all are: how late something is, is told
in days.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Table

from hub import changes, clock, tables
from hub.database import Dialect, Session
from hub.progress import held
from hub.views import bearing, funnel, kept, whole
from hub.views.scope import begin
from hub.views.words import Words

_WAITS = "select 1 from sum_due limit 1"
_BEGUN = {"cursor": changes.START, "upto": 0, "day": "", "turning": ""}
_SUMS = (
    (tables.study_sum, kept.of_studies),
    (tables.accrual_sum, kept.of_years),
    (tables.enrollment_sum, funnel.of_months),
)


@cache
def read() -> frozenset[str]:
    """The entities that what is kept is made of."""
    return frozenset[str]().union(*(bearing.read(sql) for _, sql in _made("sqlite")))


@dataclass(slots=True, kw_only=True)
class Summing:
    """One keeper on a session for writing; of several, one works at a time. `slice` changes are
    read, or what is kept of `group` studies made, in one transaction."""

    session: Session
    clock: Callable[[], int]
    slice: int = 2000
    group: int = 20

    def look(self) -> bool:
        """Does the next few. False: there is nothing to do, or another is at it."""
        if not self._has_work():
            return False
        with self.session.transaction():
            row = held(self.session, tables.sum_progress, _BEGUN)
            if row is None:
                return False
            return self._turn() or self._follow(row[0]) or self._sum()

    def _has_work(self) -> bool:
        """A look that takes no lock: most of the time there is nothing."""
        row = self.session.one("select cursor, day from sum_progress where id = 1")
        if row is None or row[1] != self._today() or self.session.one(_WAITS):
            return True
        return bool(changes.feed(self.session, row[0], 1))

    def _today(self) -> str:
        return clock.iso(self.clock())[:10]

    def _turn(self) -> bool:
        """On another day notes every study. False: it is the same."""
        noted = "update sum_progress set turning = ? where id = 1 and turning <> ?"
        if not self.session.run(noted, (self._today(), self._today())):
            return False
        self.session.run(
            "insert into sum_due(study_id) select id from study where true "
            "on conflict(study_id) do nothing"
        )
        return True

    def _follow(self, since: str) -> bool:
        """Notes the studies that the next changes are of. False: there are none."""
        feed = changes.feed(self.session, since, self.slice)
        if not feed:
            return False
        due = sorted(bearing.studies(self.session, feed, read()))
        self.session.upsert(tables.sum_due, ("study_id",), [(one,) for one in due], ("study_id",))
        self._reached(feed[-1])
        return True

    def _reached(self, last: changes.Change) -> None:
        """Where nothing is due, the sums tell of this change, too."""
        waits = self.session.one(_WAITS)
        told = "upto" if waits else str(last.recorded_at)
        self.session.run(
            f"update sum_progress set cursor = ?, upto = {told} where id = 1", (last.cursor,)
        )

    def _sum(self) -> bool:
        """Makes what is kept of the next studies that are due. False: none is."""
        rows = self.session.all("select study_id from sum_due order by 1 limit ?", (self.group,))
        ids = [row[0] for row in rows]
        if ids:
            now = clock.iso(self.clock())
            for one in ids:
                make(self.session, one, now)
            self.session.many("delete from sum_due where study_id = ?", rows)
        if not self.session.one(_WAITS):
            self.session.run(
                "update sum_progress set upto = ?, day = turning where id = 1", (self.clock(),)
            )
        return bool(ids)


def make(session: Session, one: str, now: str) -> None:
    """Makes what is kept of a study anew, within the caller's transaction: by itself, as a question
    about it alone is answered, whatever else is due."""
    head, values = begin(session.dialect, [one], now)
    for table, sql in _made(session.dialect):
        session.run(f"delete from {table.name} where study_id = ?", (one,))
        names = ", ".join(column.name for column in table.columns)
        session.run(
            f"insert into {table.name}({names}) with {head} select {names} from ({sql}) m", values
        )


@cache
def _made(dialect: Dialect) -> list[tuple[Table, str]]:
    words = Words(dialect=dialect, narrowed=True)
    sums = [(table, sql(words)) for table, sql in _SUMS]
    return sums + [(whole.table(view), view.sql(words)) for view in whole.kept()]


def upto(session: Session, now: int) -> int | None:
    """Until when what is kept tells of everything, in microseconds; None: nobody keeps anything."""
    row = session.one("select cursor, upto from sum_progress where id = 1")
    if row is None:
        return None
    behind = session.one(_WAITS) or changes.feed(session, row[0], 1)
    return row[1] if behind else now


def day(session: Session) -> str:
    """The day that kept rows of views are of; "" before they have been made."""
    row = session.one("select day from sum_progress where id = 1")
    return str(row[0]) if row else ""
