"""What the IRB has approved for a study: which consent form on which day, and from when until when
the study itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hub.checks import words
from hub.checks.look import Look, Record

_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_NEVER = ("draft", "in_review", "expected", "missing", "withdrawn")
_APPROVALS = ("initial", "continuing_review", "amendment_cr", "reliance", "site_add", "nhsr")
_DECIDED = ("approved", "expired", "suspended", "closed", "terminated")
AMENDMENTS = ("amendment", "amendment_cr")


@dataclass(frozen=True, slots=True)
class Form:
    """One version of a consent form: of which document, for which site ("": all), in force from
    `since`, to `until` where it ends by itself; whether an amendment brought it."""

    id: str  # the DocumentVersion
    document: str
    site: str
    label: str  # v3, as it was said
    since: date
    until: date | None
    amended: bool


@dataclass(frozen=True, slots=True)
class Approval:
    """A time for which the study was approved at a site ("": all). `until`: its last day; None: it
    has no end."""

    id: str  # the IrbSubmission
    site: str
    number: str
    since: date
    until: date | None
    shadow: bool = False  # a portal's note of what another board decides


def version(said: object) -> str:
    """A version as it is compared: v3, Version 3.0 and 3 are one."""
    text = str(said or "").strip().casefold()
    found: list[str] = _NUMBER.findall(text)
    if len(found) != 1:
        return text  # none, or a date: it is what it says
    number = found[0]
    while number.endswith(".0"):
        number = number[:-2]
    return number


def label(said: object) -> str:
    """A version as people say it: a bare number is v3."""
    text = str(said or "").strip()
    return f"v{text}" if _NUMBER.fullmatch(text) else text or "a form"


def forms(look: Look) -> dict[str, list[Form]]:
    """The approved consent forms of each study, the earliest first. Where the IRB says itself what
    it has approved, only that counts."""
    papers = {d["id"]: d for d in look.of_studies("Document") if d["kind"] == "informed_consent"}
    rows = [
        v for v in look.where("DocumentVersion", "document_id", papers)
        if v["version_no"] and v["status"] not in _NEVER
    ]  # fmt: skip
    brought = _kinds(look, rows)
    found: dict[str, list[Form]] = {}
    for study in look.studies:
        own = [v for v in rows if _study(v, papers) == study]
        reviewed = [v for v in own if v["irb_approved_on"] or v["irb_submission_id"]]
        made = [_form(v, papers[v["document_id"]], brought) for v in reviewed or own]
        found[study] = sorted((form for form in made if form), key=lambda form: form.since)
    return found


def in_force(known: Sequence[Form], site: str, day: date) -> list[Form]:
    """The versions in force on a day at a site, one a document."""
    latest: dict[str, Form] = {}
    for form in at_site(known, site):
        if form.since <= day:
            latest[form.document] = form
    return [form for form in latest.values() if form.until is None or day <= form.until]


def at_site(known: Sequence[Form], site: str) -> list[Form]:
    """The forms of a site: its own where it has some, else those for all."""
    own = [form for form in known if form.site and form.site == site]
    return own or [form for form in known if not form.site]


def approvals(look: Look) -> dict[str, list[Approval]]:
    """For each study the times for which it was approved, the earliest first. What a portal says
    of another board's review is a shadow; where that board does not speak it is all there is."""
    found: dict[str, list[Approval]] = {study: [] for study in look.studies}
    rows = [
        one for one in look.of_studies("IrbSubmission")
        if one["kind"] in _APPROVALS and one["state"] in _DECIDED
    ]  # fmt: skip
    for study in look.studies:
        own = [one for one in rows if one["study_id"] == study]
        speaks = any(not _is_shadow(one) for one in own)
        made = [_approval(one, shadow=speaks and _is_shadow(one)) for one in own]
        found[study] = sorted((one for one in made if one), key=lambda one: one.since)
    return found


def lapsed_on(known: Sequence[Approval], site: str, day: date) -> Approval | None:
    """The approval that had run out on this day and that nothing followed; None where one was in
    force, or none had ever been."""
    own = [one for one in known if one.site in ("", site) and one.since <= day and not one.shadow]
    if any(one.until is None or day <= one.until for one in own):
        return None
    return max(own, key=lambda one: one.until or day, default=None)


def _study(row: Record, papers: Mapping[str, Record]) -> str | None:
    study: str | None = row["study_id"] or papers[row["document_id"]]["study_id"]
    return study


def _kinds(look: Look, rows: Sequence[Record]) -> dict[str, str]:
    submissions = look.where("IrbSubmission", "id", [row["irb_submission_id"] for row in rows])
    return {one["id"]: one["kind"] for one in submissions}


def _form(row: Record, paper: Record, brought: Mapping[str, str]) -> Form | None:
    since = next(
        (day for name in ("effective_on", "irb_approved_on", "approved_on")
         if (day := words.day(row[name]))), None,
    )  # fmt: skip
    if since is None:
        return None
    return Form(
        id=row["id"], document=row["document_id"],
        site=row["study_site_id"] or paper["study_site_id"] or "", label=label(row["version_no"]),
        since=since, until=words.day(row["expires_on"]),
        amended=brought.get(row["irb_submission_id"], "") in AMENDMENTS,
    )  # fmt: skip


def _is_shadow(row: Record) -> bool:
    """A portal's note of what another board decides."""
    of_record, board = row["irb_of_record_id"], row["board_id"]
    return bool(of_record and board and of_record != board)


def _approval(row: Record, *, shadow: bool) -> Approval | None:
    since = words.day(row["effective_on"]) or words.day(row["approval_on"])
    if since is None or (row["expires_on"] and not words.day(row["expires_on"])):
        return None
    until = words.day(row["expires_on"])
    if until and row["expiry_day_valid"] is False:
        until = words.before(until)
    return Approval(
        id=row["id"], site=row["study_site_id"] or "", number=row["native_no"] or "the approval",
        since=since, until=until, shadow=shadow,
    )  # fmt: skip
