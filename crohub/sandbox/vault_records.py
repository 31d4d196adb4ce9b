"""The trial master file: studies, sites, subjects, milestones, monitoring and documents of the
institution's interventional studies, under a vault's ids."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import md5
from itertools import chain

from connectors.vault.query import SHIPPED
from crohub.sandbox.news import News
from crohub.sandbox.studies import STUDIES, Site, Study
from crohub.sandbox.vault import Row, VaultState
from crohub.sandbox.world import World, study_of

_PHASE = {"phase-3": "phase_iii__v", "phase-2": "phase_ii__v", "n-a": "not_applicable__v"}
_STATUS = {"active": "enrolling__v", "closed-to-accrual": "closing__v"}
_SUBJECT = {
    "screening": "in_screening__v", "eligible": "screened__v", "ineligible": "screen_failure__v",
    "on-study": "enrolled__v", "on-study-intervention": "in_treatment__v",
    "off-study": "complete__v", "withdrawn": "withdrawn__v",
}  # fmt: skip
# type, subtype and classification of the TMF Reference Model; days after the start of the study
_TRIAL = (
    ("Protocol", "Central Trial Documents", "Trial Documents", "Protocol", 0),
    ("Clinical trial agreement", "Site Management", "Site Set-up", "Clinical Trial Agreement", -25),
)
_SITE = (
    ("Form FDA 1572", "Site Management", "Site Set-up", "Form FDA 1572", 0),
    ("Curriculum vitae of the investigator", "Site Management", "Site Set-up",
     "Principal Investigator Curriculum Vitae", -10),
    ("Financial disclosure", "Site Management", "Site Set-up", "Financial Disclosure", -10),
    ("Delegation log", "Site Management", "Site Set-up", "Site Signature Sheet", 0),
    ("Report of monitoring visit 1", "Site Management", "Site Management",
     "Monitoring Visit Report", 130),
    ("Follow-up letter of monitoring visit 1", "Site Management", "Site Management",
     "Monitoring Visit Follow-up", 133),
)  # fmt: skip


def state() -> VaultState:
    """A vault that holds nothing but its objects."""
    made = VaultState(vault_id=4101, user="hub@cedarmesa.example")
    for query in SHIPPED.values():
        if query.object != "documents":
            made.objects.setdefault(query.object, {})
    return made


def fill(vault: VaultState, world: World, news: News) -> None:
    """Brings the vault to where the world is: only what is new is written."""
    for object, id, row in chain(_standing(), _subjects(world)):  # noqa: A001 - Vault's word
        if news.is_new(row, object, id):
            vault.put(object, id, **row)
    if not vault.documents:
        for number, (content, row) in enumerate(_documents(), 1001):
            vault.file(content, id=number, document_number__v=f"VV-TMF-{number:05d}", **row)


def study_id(study: Study) -> str:
    """The vault's id of a study."""
    return f"0ST0000000{4100 + STUDIES.index(study):05d}"


def _site_id(study: Study, site: Site) -> str:
    return f"0SI{STUDIES.index(study) + 1:07d}{site.number:0>5}"


Written = tuple[str, str, Row]


def _standing() -> Iterator[Written]:
    for study in STUDIES:
        yield "study__v", study_id(study), {
            "name__v": study.number, "study_name__v": study.title,
            "study_phase__v": _PHASE[study.phase], "study_status__v": _STATUS[study.status],
        }  # fmt: skip
        yield from _milestone(study, None, "protocol_final__v", study.started - timedelta(days=90))
        for site in study.sites:
            yield "site__v", _site_id(study, site), {
                "name__v": site.number, "site_name__v": site.name, "study__v": study_id(study),
                "site_status__v": "enrolling__v",
                "site_selected_date__v": _iso(study.started, -60),
            }  # fmt: skip
            yield from _milestone(study, site, "site_initiated__v", study.started)
            yield from _monitored(study, site)
            yield from _expected(study, site)


def _milestone(study: Study, site: Site | None, kind: str, on: date) -> Iterator[Written]:
    where = {"site__v": _site_id(study, site)} if site else {}
    number = f"{STUDIES.index(study) + 1}{site.number if site else '000'}"
    yield "milestone__v", f"0MI{number:0>12}", {
        "name__v": kind.removesuffix("__v").replace("_", " ").capitalize(),
        "study__v": study_id(study), **where, "milestone_type__v": kind,
        "planned_finish_date__v": on.isoformat(), "actual_finish_date__v": on.isoformat(),
        "complete__v": True,
    }  # fmt: skip


def _monitored(study: Study, site: Site) -> Iterator[Written]:
    number = f"{STUDIES.index(study) + 1}{site.number}"
    place = {"study__v": study_id(study), "site__v": _site_id(study, site)}
    yield "monitoring_event__ctms", f"0ME{number:0>12}", place | {
        "name__v": f"{study.number} {site.number} IMV 1", "state__v": "final_state__v",
        "visit_method__v": "onsite__v", "actual_start_date__v": _iso(study.started, 120),
        "actual_end_date__v": _iso(study.started, 121),
    }  # fmt: skip
    yield "monitoring_follow_up_item__v", f"0MF{number:0>12}", place | {
        "name__v": f"{study.number} {site.number} 1", "monitoring_event__v": f"0ME{number:0>12}",
        "category__v": "informed_consent__v", "severity__v": "minor__v",
        "description__v": "A page of a consent form is not initialled",
        "identified_date__v": _iso(study.started, 120), "due_date__v": _iso(study.started, 150),
        "state__v": "closed_state__v", "closed_date__v": _iso(study.started, 140),
    }  # fmt: skip


def _expected(study: Study, site: Site) -> Iterator[Written]:
    name, kind, subtype, classification, _ = _SITE[0]
    number = f"{STUDIES.index(study) + 1}{site.number}"
    yield "edl_item__v", f"0EI{number:0>12}", {
        "name__v": name, "study__v": study_id(study), "site__v": _site_id(study, site),
        "type__v": kind, "subtype__v": subtype, "classification__v": classification,
        "requiredness__v": "required__v", "expected_date__v": study.started.isoformat(),
    }  # fmt: skip


def _subjects(world: World) -> Iterator[Written]:
    for one in world.subjects.values():
        if one.number and one.state in _SUBJECT:
            study = study_of(one)
            site = next(site for site in study.sites if site.key == one.site)
            number = int(one.id.rpartition("-")[2])
            yield "subject__clin", f"0SU{number:012d}", {
                "name__v": one.number, "study__clin": study_id(study),
                "site__clin": _site_id(study, site), "subject_status__clin": _SUBJECT[one.state],
            }  # fmt: skip


def _documents() -> Iterator[tuple[bytes, Row]]:
    """A binder of each study, with what the IRB approved, and one of each of its sites."""
    for study in STUDIES:
        for name, kind, subtype, artifact, days in _TRIAL:
            if study.sponsor != "org-cedar" or artifact != "Clinical Trial Agreement":
                yield _document(study, name, (kind, subtype, artifact), days)
        for version, since in study.form:
            days = (since - study.started).days
            yield _document(study, f"Consent form {version}", _FORM, days + 3)
            yield _document(study, f"IRB approval of form {version}", _APPROVAL, days + 4)
        for site in study.sites:
            for name, kind, subtype, artifact, days in _SITE:
                yield _document(study, name, (kind, subtype, artifact), days, site)


_FORM = ("Central Trial Documents", "Subject Documents", "Informed Consent Form")
_APPROVAL = ("IRB/IEC and other Approvals", "IRB/IEC Trial Approval", "IRB/IEC Decision")


def _document(
    study: Study, name: str, kinds: tuple[str, str, str], days: int, site: Site | None = None
) -> tuple[bytes, Row]:
    title = f"{study.number} {name}" + (f" of site {site.number}" if site else "")
    content = f"{title}: made up\n".encode()
    where = {"site__v": [_site_id(study, site)]} if site else {}
    return content, {
        "name__v": title, "title__v": title, "type__v": kinds[0], "subtype__v": kinds[1],
        "classification__v": kinds[2], "status__v": "Approved", "study__v": [study_id(study)],
        **where, "filename__v": "made-up.txt", "format__v": "text/plain",
        "size__v": len(content), "document_date__v": _iso(study.started, days),
        "md5checksum__v": md5(content, usedforsecurity=False).hexdigest(),
    }  # fmt: skip


def _iso(on: date, days: int) -> str:
    return (on + timedelta(days=days)).isoformat()
