"""Reads the version feed for one outbound pipeline and decides what is to be said.

A new pipeline starts at the head of the feed. What a replay made is left out, what the target
itself said is never said back, and a record that was merged away says nothing more.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from hub import changes
from hub.canonical_view import Rank, View, Views
from hub.changes import Change
from hub.database import Session
from hub.model.spec import entities
from hub.principal import Principal
from hub.reader import Reader
from hub.seal import Keyring
from hub.write import read_provenance
from mappings.transforms import as_text
from pipelines import deliveries
from pipelines.deliveries import New
from pipelines.outlet import Outlet
from pipelines.writer import Writer

PAGE = 500
_UNSAVED = 20  # pages without anything to say that a restart may have to read again
_ID = 20  # characters: MSH-10 holds no more (HL7 v2.5.1 §2.14.9.10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What one outbound pipeline works with. `hub` and `journal` are only read."""

    outlet: Outlet
    hub: Session
    journal: Session
    writer: Writer
    keyring: Keyring
    rank: Rank
    clock: Callable[[], int]

    def views(self) -> Views:
        """Records as the target may be shown them."""
        return Views(self.hub, self.keyring, self.outlet.system, self.rank)


@dataclass(slots=True)
class Consumer:
    """Where one pipeline stands in the feed. `saved`: pages read since that was last stored."""

    desk: Desk
    upto: str | None = None
    unsaved: int = 0

    def step(self) -> bool:
        """Reads a page of the feed and takes in what is to be said, with the cursor, in one
        commit. False: there was nothing to read."""
        desk, name = self.desk, self.desk.outlet.name
        if self.upto is None:
            self.upto = start(desk)
        page, end = self._page(self.upto)
        if not end:
            if self.unsaved and desk.outlet.feed:  # who follows it is shown how far behind it is
                self._save(name, [])
            return False
        news = list(to_tell(desk, page) if desk.outlet.feed else to_say(desk, page))
        self.upto = end
        self.unsaved += 1
        if news or self.unsaved >= _UNSAVED:
            self._save(name, news)
        return True

    def _page(self, since: str) -> tuple[list[Change], str]:
        """What is next in the feed, and where it goes on. A mapping speaks of one entity, and
        dozens of them read the feed: no other is put before it."""
        outlet = self.desk.outlet
        if not outlet.feed:
            return changes.stretch(self.desk.hub, since, PAGE, outlet.entity)
        page = changes.feed(self.desk.hub, since, PAGE)
        return page, page[-1].cursor if page else ""

    def _save(self, name: str, news: Sequence[New]) -> None:
        desk = self.desk
        desk.writer.keep([], [], [deliveries.enter(name, news, self.upto, desk.clock())])
        self.unsaved = 0


def start(desk: Desk) -> str:
    """Where the pipeline goes on; a new one begins at the head."""
    name = desk.outlet.name
    known = deliveries.cursor(desk.journal, name)
    if known is not None:
        return known
    head = changes.head(desk.hub)
    desk.writer.keep([], [], [deliveries.enter(name, [], head, desk.clock())])
    return head


def backfill(desk: Desk, since: str = changes.START) -> int:
    """Takes in what lies behind `since` and was not said, replays included, and what only would
    have been: only when a person asks for it. Nothing is said of a record of which the target has
    been told a later version. Gives the number of deliveries; the pipeline's own cursor stays
    where it is."""
    until = changes.position(start(desk))
    number = 0
    while page := changes.feed(desk.hub, since, PAGE):
        since = page[-1].cursor
        within = [one for one in page if changes.position(one.cursor) <= until]
        news = _not_behind(desk, list(to_say(desk, within, quiet=False)))
        if news:
            enter = deliveries.enter(desk.outlet.name, news, None, desk.clock(), anew=True)
            desk.writer.keep([], [], [enter])
            number += len(news)
        if len(within) < len(page):
            break
    return number


def to_say(desk: Desk, page: Sequence[Change], *, quiet: bool = True) -> Iterator[New]:
    """The versions of a page that the mapping wants said, in their order. `quiet`: without those
    that a replay made."""
    mine = [one for one in page if one.entity == desk.outlet.entity and _touches(desk, one)]
    silent = _replayed(desk.hub, mine) if quiet else set()
    views = desk.views()
    for one in mine:
        if one.v in silent:
            continue
        after = views.version(one.entity, one.id, one.n)
        before = views.version(one.entity, one.id, one.n - 1) if one.n > 1 else None
        wanted = not after.merged and desk.outlet.mapping.wants(after, before)
        wanted = wanted and _is_news(desk, after, before) and _is_among(desk, after)
        if wanted and not _is_own_word(desk, one, after, before):
            yield New(
                id=delivery_id(desk.outlet.name, one.v, one.id),
                v=one.v,
                entity=one.entity,
                entity_id=one.id,
                n=one.n,
                lane=desk.keyring.digest(f"told|{_lane(desk, after)}"),
            )


def to_tell(desk: Desk, page: Sequence[Change]) -> Iterator[New]:
    """The changes of a page that a subscriber to the feed itself wants and may see, a replay's
    included; those of one record keep their order."""
    feed = desk.outlet.feed
    reader = Reader(desk.hub, desk.keyring, _nobody_saw)
    for one in changes.select(reader, feed.principal, page, feed.wanted) if feed else ():
        yield New(
            id=delivery_id(desk.outlet.name, one.v, one.id),
            v=one.v,
            entity=one.entity,
            entity_id=one.id,
            n=one.n,
            lane=desk.keyring.digest(f"told|{one.id}"),
        )


def _nobody_saw(_entity: str, _ids: Sequence[str], _principal: Principal) -> None:
    """Nothing personal is read: the feed shows no sealed value."""


def delivery_id(pipeline: str, v: int, entity_id: str) -> str:
    """The same for the same version of the same store, however often it is asked."""
    digest = hashlib.sha256(f"{pipeline}|{v}|{entity_id}".encode()).digest()
    return base64.b32encode(digest)[:_ID].decode()


def _replayed(hub: Session, page: Sequence[Change]) -> set[int]:
    rows = hub.among(
        "select version.v from version join replayed on replayed.seq = version.seq "
        "where version.recorded_at >= replayed.at and version.v in {members}",
        [one.v for one in page],
    )
    return {row[0] for row in rows}


def _asked(desk: Desk) -> set[str]:
    """The fields whose change is what the mapping waits for."""
    return {when.field for when in desk.outlet.mapping.outgoing.when if when.now}


def _touches(desk: Desk, one: Change) -> bool:
    """Whether the mapping may want a version at all: most are passed over unread. That the hub
    thinks better or worse of a record is nothing that the record says."""
    asked = _asked(desk)
    changed = one.changed or ""
    if '"#quality"' in changed and orjson.loads(changed).keys() == {"#quality"}:
        return False
    if one.changed is None or not asked or one.n == 1:
        return True
    return all(f'"{name}":' in one.changed for name in asked)


def _is_among(desk: Desk, view: View) -> bool:
    """Whether the pipeline speaks of such records; what is not known yet speaks for it."""
    for find, values in desk.outlet.only:
        found = find(view)
        said = found if isinstance(found, list) else [] if found is None else [found]
        if said and not values.intersection(map(as_text, said)):
            return False
    return True


def _is_news(desk: Desk, after: View, before: View | None) -> bool:
    """Whether a version says anything that the one before, if that was to be said, did not."""
    mapping = desk.outlet.mapping
    if not mapping.outgoing.news or before is None or not mapping.wants(before, None):
        return True
    return any(after.fields.get(n) != before.fields.get(n) for n in mapping.outgoing.news)


def _is_own_word(desk: Desk, one: Change, after: View, before: View | None) -> bool:
    """Whether the target itself said what makes this version worth saying."""
    known = before.fields if before else {}
    changed = [n for n, v in after.fields.items() if known.get(n) != v and n[0] != "#"]
    named = _asked(desk).intersection(changed) or set(changed)
    row = desk.hub.one("select provenance from version where v = ?", (one.v,))
    held = [name for name in changed if after.fields[name] is not None]
    winners = read_provenance(row[0] if row else "", held)
    numbers = {winners.get(name) for name in named}
    if not numbers or None in numbers:
        return False
    if before:
        won = _won(desk, one, before)
        if all(won.get(name) == winners[name] for name in named):
            return False  # it said so before: others have said since that two are one
    rows = desk.hub.among(
        "select distinct xref.system from assertion join xref on xref.x = assertion.x "
        "where assertion.a in {members}",
        sorted(number for number in numbers if number is not None),
    )
    return {row[0] for row in rows} == {desk.outlet.system}


def _won(desk: Desk, one: Change, before: View) -> dict[str, int]:
    """Which assertion won each field of the version before."""
    row = desk.hub.one(
        "select provenance from version where entity = ? and id = ? and n = ?",
        (one.entity, one.id, one.n - 1),
    )
    held = [name for name, value in before.fields.items() if value is not None]
    return read_provenance(row[0] if row else "", held)


def _not_behind(desk: Desk, news: Sequence[New]) -> list[New]:
    """Those of which nothing later has been said."""
    told = deliveries.told(desk.journal, desk.outlet.name, sorted({one.entity_id for one in news}))
    latest: dict[str, int] = {}
    for one, n in told:
        latest[one] = max(n, latest.get(one, 0))
    return [one for one in news if one.n > latest.get(one.entity_id, 0)]


def _lane(desk: Desk, view: View) -> str:
    """Whom a record is about: what is said of one person or study keeps its order. One that a
    person may have to be asked about keeps no other waiting."""
    if desk.outlet.mapping.outgoing.matches or desk.outlet.settings.approval:
        return view.id
    spec = entities()[view.entity]
    owner = view.views.now(spec.beside, view.id) if spec.beside else view
    if owner is None or owner.entity == "Participant":
        return view.id
    enrollment = owner.follow("enrollment") if "enrollment" in owner.fields else None
    found: Iterable[object] = (
        owner.fields.get("participant"),
        enrollment.fields.get("participant") if enrollment else None,
        owner.fields.get("study"),
    )
    return next((str(one) for one in found if one), owner.id)
