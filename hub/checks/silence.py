"""Check 12: a system that should have spoken by now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from hub.checks import words
from hub.checks.check import Check, Discrepancy, Evidence, Kind
from hub.checks.look import Look


def find(look: Look) -> Iterator[Discrepancy]:
    """Each system that is quieter than one of its role may be, by the last thing it spoke of on any
    of its feeds. One that has never spoken is not connected, as far as can be known here."""
    heard = _heard(look)
    for system, last in sorted(heard.items()):
        role = look.reader.policy.role(system)
        within = look.tolerances.get(f"{role.casefold()}_days", 0)
        due = last + timedelta(days=int(within))
        if not within or due >= look.today:
            continue
        name = words.called(role, system)
        # which others, and when, changes from day to day: what was signed off would come back
        beside = "; others have spoken since" if max(heard.values()) > last else ""
        yield Discrepancy(
            kind="silent", entity="", id="", about=system, since=due,
            sentence=f"The {name} last spoke on {last}, and was to be heard by {due}{beside}.",
            evidence=(Evidence(system=system, says=f"last spoke on {last}", of="all its feeds"),),
            act=f"the interface team, with {words.keeper_of(role)}",
        )  # fmt: skip


def _heard(look: Look) -> dict[str, date]:
    """The day on which each configured system last spoke."""
    rows = look.reader.session.all("select system, max(heard_at) from feed group by system")
    known = look.reader.policy.systems
    return {
        system: min(words.day_of(at, look.today), look.today)
        for system, at in rows if at and system in known
    }  # fmt: skip


CHECK = Check(
    name="silence",
    number=12,
    title="Systems that are silent",
    says="When each system last spoke, on any of its feeds, against how long one of its kind may "
    "be quiet. A system that was asked and had nothing new has not spoken.",
    kinds=(
        Kind(name="silent", act="the interface team",
             says="a system has not spoken for longer than one of its kind may"),
    ),
    find=find,
    scope="hub",
    tolerances={
        "ehr_days": 2, "ctms_days": 7, "edc_days": 7, "hr_days": 7, "erp_days": 7, "irb_days": 21,
        "etmf_days": 21, "ereg_days": 21, "training_days": 35, "registry_days": 0,
    },
    tolerates={
        "ehr_days": "days that an EHR may be quiet; 0: it is not watched",
        "ctms_days": "the same for a CTMS", "edc_days": "the same for an EDC",
        "hr_days": "the same for an HR system", "erp_days": "the same for an ERP",
        "irb_days": "the same for an IRB", "etmf_days": "the same for a trial master file",
        "ereg_days": "the same for a regulatory binder",
        "training_days": "the same for a training system",
        "registry_days": "the same for a public registry",
    },
)  # fmt: skip
