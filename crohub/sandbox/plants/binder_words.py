"""The master files of the planted studies, under a vault's ids, with all that belongs there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from crohub.sandbox.plants.trials import TRIALS
from crohub.sandbox.studies import Site, Study

Words = Iterator[tuple[str, str, dict[str, Any]]]
_STATUS = {"active": "enrolling__v", "closed-to-accrual": "closing__v"}
VISITED = 120, 121  # days after the start of a study a monitor came and left
# what people call it, the classification of the TMF Reference Model, days after the start
_TRIAL = (
    ("Protocol", "Protocol", -90),
    ("Clinical trial agreement", "Clinical Trial Agreement", -25),
)
_SITE = (
    ("Form FDA 1572", "Form FDA 1572", -10),
    ("Curriculum vitae of the investigator", "Principal Investigator Curriculum Vitae", -10),
    ("Financial disclosure", "Financial Disclosure", -10),
    ("Delegation log", "Site Signature Sheet", 0),
    ("Report of monitoring visit 1", "Monitoring Visit Report", VISITED[1] + 9),
    ("Follow-up letter of monitoring visit 1", "Monitoring Visit Follow-up", VISITED[1] + 12),
)


def study_id(of: Study) -> str:
    """The vault's id of a planted study."""
    return f"0ST0000000{5100 + TRIALS.index(of):05d}"


def site_id(of: Study, site: Site) -> str:
    """The vault's id of one of its sites."""
    return f"0SI{51 + TRIALS.index(of):07d}{site.number:0>5}"


def study(of: Study) -> Words:
    """A study and its sites, visited once by a monitor, with a full binder."""
    yield "etmf/study__v", of.number, {
        "id": study_id(of), "name__v": of.number, "study_name__v": of.title,
        "study_phase__v": "phase_ii__v", "study_status__v": _STATUS[of.status],
    }  # fmt: skip
    for site in of.sites:
        yield "etmf/site__v", f"{of.number} {site.number}", {
            "id": site_id(of, site), "name__v": site.number, "site_name__v": site.name,
            "study__v": study_id(of), "site_status__v": "enrolling__v",
            "site_selected_date__v": _iso(of.started, -60),
        }  # fmt: skip
        yield from monitored(of, site, 1, of.started + timedelta(days=VISITED[0]))
        yield from expected(of, site, "Form FDA 1572", of.started)
    yield from _binder(of)


def monitored(of: Study, site: Site, visit: int, on: date) -> Words:
    """A monitor was there for two days."""
    name = f"{of.number} {site.number} IMV {visit}"
    number = f"{TRIALS.index(of) + 51}{site.number}{visit}"
    yield "etmf/monitoring_event__ctms", name, {
        "id": f"0ME{number:0>12}", "name__v": name, "study__v": study_id(of),
        "site__v": site_id(of, site), "state__v": "final_state__v", "visit_method__v": "onsite__v",
        "actual_start_date__v": _iso(on, 0), "actual_end_date__v": _iso(on, 1),
    }  # fmt: skip


def expected(of: Study, site: Site, what: str, due: date) -> Words:
    """A line of the list of what is expected, for a classification of the same name."""
    name = f"{of.number} {site.number} {what}"
    number = f"{TRIALS.index(of) + 51}{site.number}{sum(map(ord, what)) % 997:03}"
    yield "etmf/edl_item__v", name, {
        "id": f"0EI{number:0>12}", "name__v": what, "study__v": study_id(of),
        "site__v": site_id(of, site), "type__v": "Site Management", "subtype__v": "Site Set-up",
        "classification__v": what, "requiredness__v": "required__v",
        "expected_date__v": due.isoformat(),
    }  # fmt: skip


def filed(of: Study, what: str, artifact: str, on: date, site: Site | None = None) -> Words:
    """A document in the binder of the study, or of one of its sites."""
    title = f"{of.number} {what}" + (f", site {site.number}" if site else "")
    where = {"site__v": [site_id(of, site)]} if site else {}
    yield "etmf/documents", title, {
        "name__v": title, "title__v": title, "type__v": "Trial Master File",
        "subtype__v": "Documents", "classification__v": artifact, "status__v": "Approved",
        "study__v": [study_id(of)], **where, "filename__v": "made-up.txt",
        "format__v": "text/plain", "document_date__v": on.isoformat(),
    }  # fmt: skip


def _binder(of: Study) -> Words:
    for what, artifact, days in _TRIAL:
        if artifact != "Clinical Trial Agreement" or of.sponsor != "org-cedar":
            yield from filed(of, what, artifact, of.started + timedelta(days=days))
    for version, since in of.form:
        yield from filed(of, f"Consent form {version}", "Informed Consent Form",
                         since + timedelta(days=3))  # fmt: skip
        yield from filed(of, f"IRB approval of form {version}", "IRB/IEC Decision",
                         since + timedelta(days=4))  # fmt: skip
    for site in of.sites:
        for what, artifact, days in _SITE:
            yield from filed(of, what, artifact, of.started + timedelta(days=days), site)


def _iso(on: date, days: int) -> str:
    return (on + timedelta(days=days)).isoformat()
