"""Which planned visit of which subject a visit is: by enrollment, by its name, by its day.

A source may say all three, or only the person, the study, the kind of visit and when. What it
leaves open is looked up in the calendar of the system that asks; where one planned visit is meant
and the day lies in its window, that is it. Nothing is guessed: a day outside, several that would
do, none of that name, or two visits of one system for the same planned one are a person's to
decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import orjson

from hub.canonical_view import View
from hub.dates import local
from hub.identifiers import normalise

DONE = ("completed", "partial")
LIVE = ("scheduled", *DONE)
_OPEN = ("projected", "scheduled")
OUTSIDE = "its day lies outside the window"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """`view` is the visit as it is now, with the enrollment and the planned visit it is. `lacks`
    says what must be known first, `doubt` why a person must decide. `evidence` counts days and
    things and holds no date of anybody."""

    view: View
    lacks: str = ""
    doubt: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same as long as the same is in doubt: of a day outside the window, whatever record
        has it, since the target's own may become one with it."""
        refers = [self.view.fields.get(name) for name in ("enrollment", "visit_def")]
        one = "" if self.doubt == OUTSIDE else self.view.id
        return orjson.dumps([one, *refers, self.doubt, self.evidence]).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A planned visit of an enrollment; `due` is None where nothing says on which day."""

    enrollment: View
    planned: View
    due: date | None

    @property
    def waits(self) -> bool:
        """It has a day, and from when that counts is not known yet. What is due before the
        enrollment takes place before that is known."""
        day = self.planned.fields.get("planned_day")
        return self.due is None and day is not None and day >= 0

    def fits(self, on: date) -> bool:
        """Where no window is known, every day does."""
        before, after = self.window
        if self.due is None or before is after is None:
            return True
        return -(before or 0) <= (on - self.due).days <= (after or 0)

    @property
    def window(self) -> tuple[int | None, int | None]:
        """How many days early and late it may be."""
        fields = self.planned.fields
        return fields.get("window_before_days"), fields.get("window_after_days")

    def evidence(self, on: date) -> dict[str, Any]:
        before, after = self.window
        off = (on - self.due).days if self.due else None
        day = self.planned.fields.get("planned_day")
        return {"planned_day": day, "days_off": off, "may_be_early": before, "may_be_late": after}


def match(view: View) -> Match:
    """The planned visit that the target of `view` is to be told of. What it says may change with
    any of the records it looks at."""
    visit = view.views.now(view.entity, view.id) or view
    found = _match(visit)
    if not found.doubt or visit.fields.get("status") in (*_OPEN, *DONE):
        return found
    # it does not take place: nobody need decide, and who was told of it hears that
    known = found.doubt == OUTSIDE and visit.native_key() is not None
    lacks = "" if known else "it does not take place, and was told to nobody"
    return replace(found, doubt="", evidence={}, lacks=lacks)


def _match(visit: View) -> Match:
    enrollments, day = list(_enrollments(visit)), _day(visit)
    if not enrollments:
        return Match(view=visit, lacks="enrollment is not known yet")
    if day is None:
        return Match(view=visit, lacks="the day of the visit is not known yet")
    if all(one.native_key() is None for one in enrollments):
        return Match(view=visit, lacks=f"{visit.views.system} does not know the enrollment yet")
    places = [place for one in enrollments for place in _places(visit, one)]
    if not places:
        return _unknown(visit, enrollments)
    fitting = [place for place in places if place.fits(day)]
    if len(places) > 1 and len(fitting) != 1:
        evidence = {"planned_visits": len(places), "in_their_window": len(fitting)}
        return Match(view=visit, doubt="several planned visits would do", evidence=evidence)
    return _one(visit, (fitting or places)[0], day)


def _one(visit: View, place: _Place, day: date) -> Match:
    refers = {"enrollment": place.enrollment.id, "visit_def": place.planned.id}
    found = replace(visit, fields=visit.fields | refers)
    rivals = list(_rivals(visit, place))
    if rivals and visit.fields.get("status") not in LIVE:
        return Match(view=found, lacks="another visit has taken its place")
    if place.waits:
        return Match(view=found, lacks="enrollment.enrolled_on is not known yet")
    if rivals:
        evidence = {**place.evidence(day), "others": len(rivals)}
        return Match(view=found, doubt="it is planned once and there are more", evidence=evidence)
    if not place.fits(day):
        evidence = place.evidence(day)
        return Match(view=found, doubt=OUTSIDE, evidence=evidence)
    return Match(view=found)


def _unknown(visit: View, enrollments: Sequence[View]) -> Match:
    """No planned visit has its name, or there is no calendar yet."""
    studies = {study for one in enrollments if (study := one.fields.get("study"))}
    known = sum(len(_calendar(visit, study)) for study in studies)
    if not known:
        return Match(view=visit, lacks="the study's calendar is not known yet")
    evidence = {"planned_visits": known}
    return Match(view=visit, doubt="no planned visit is called so", evidence=evidence)


def _enrollments(visit: View) -> Iterator[View]:
    """The one that is named; else all of the person in the study."""
    fields, views = visit.fields, visit.views
    if fields.get("enrollment"):
        named = views.now("Enrollment", fields["enrollment"])
        yield from (named,) if named else ()
    elif fields.get("participant") and fields.get("study"):
        asked = {"participant": fields["participant"], "study": fields["study"]}
        for one in visit.find("Enrollment", **asked):
            if one.fields.get("state") != "entered_in_error":
                yield one


def _day(visit: View) -> date | None:
    """When it took place; before it has, when it is to, on the source's own calendar."""
    fields = visit.fields
    took_place = _whole(fields.get("actual_on"))
    if took_place or fields.get("status") in DONE:
        return took_place
    at = fields.get("scheduled_at") or ""
    return local(at).date() if "T" in at else _whole(at) or _whole(fields.get("planned_on"))


def _whole(said: str | None) -> date | None:
    """A date that is known to the day."""
    return date.fromisoformat(said) if said and len(said) == 10 else None


def _places(visit: View, enrollment: View) -> Iterator[_Place]:
    """The planned visits of an enrollment that are called as the visit is."""
    study = enrollment.fields.get("study") or visit.fields.get("study")
    called = _called(visit)
    named = {
        one.id: one
        for one in visit.find("VisitDef", study=study or "")
        if called & _words(one) and one.native_key() is not None
    }
    rows = _rows(visit, enrollment, named)
    for one in _in_force(visit, rows, named):
        row = next((row for row in rows if row.fields["visit_def"] == one.id), visit)
        due = _whole(row.fields.get("planned_on")) or _counted(enrollment, one)
        yield _Place(enrollment=enrollment, planned=one, due=due)


def _calendar(visit: View, study: str) -> list[View]:
    """The study's planned visits that the target knows."""
    return [one for one in visit.find("VisitDef", study=study) if one.native_key() is not None]


def _called(visit: View) -> set[str]:
    """What the visit is called: as the planned visit is that its source names, else as it says."""
    named = visit.fields.get("visit_def")
    planned = visit.views.now("VisitDef", named) if named else None
    said = normalise("visit_code", visit.fields.get("visit_type") or "")
    return _words(planned) if planned and _words(planned) else {said} - {""}


def _words(planned: View) -> set[str]:
    said = [one.value for one in planned.identifiers("visit_code")]
    said += [planned.fields.get("name") or ""]
    return {normalise("visit_code", word) for word in said if word}


def _rows(visit: View, enrollment: View, named: Mapping[str, View]) -> list[View]:
    """The target's own planned visits of the enrollment; those still open, where there are any."""
    rows = [
        row
        for row in visit.find("ParticipantVisit", enrollment=enrollment.id)
        if row.fields.get("visit_def") in named and row.native_key() is not None
    ]
    still_open = [row for row in rows if row.fields.get("status") in _OPEN]
    return [row for row in rows if row.id == visit.id] or still_open or rows


def _in_force(visit: View, rows: Sequence[View], named: Mapping[str, View]) -> list[View]:
    """The calendar by which the enrollment goes: what the target has planned for it, else the
    newest. So an amendment leaves alone what was planned, or done, by the calendar before."""
    planned = {row.fields["visit_def"] for row in rows}
    if planned:
        return [one for key, one in named.items() if key in planned]
    newest = max((_version(one) for one in named.values()), default=[])
    return [one for one in named.values() if _version(one) == newest]


def _version(planned: View) -> list[tuple[int, str]]:
    """Sorts 1.10 behind 1.9."""
    parts = re.findall(r"\d+|\D+", planned.fields.get("calendar_version") or "")
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


def _counted(enrollment: View, planned: View) -> date | None:
    began, day = _whole(enrollment.fields.get("enrolled_on")), planned.fields.get("planned_day")
    return None if began is None or day is None else began + timedelta(days=day)


def _rivals(visit: View, place: _Place) -> Iterator[View]:
    """Other visits that a system of this one has for the same planned visit. One that is only
    booked is none to a visit that took place."""
    fields, mine = visit.fields, visit.systems() - {visit.views.system}
    words = _words(place.planned)
    study = place.enrollment.fields.get("study") or ""
    whose = fields.get("participant") or ""
    for other in visit.find("ParticipantVisit", participant=whose, study=study):
        theirs = other.fields
        if other.id == visit.id or theirs.get("status") not in LIVE or not mine & other.systems():
            continue
        if theirs.get("enrollment") not in (None, place.enrollment.id):
            continue
        if fields.get("status") in DONE and theirs["status"] not in DONE:
            continue
        if _called(other) & words:
            yield other
