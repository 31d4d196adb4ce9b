"""What the research office keeps in tables: studies and sites as it counts them, start-up, people's
training and delegations, its registers, and how the studies go. One table a file, by its name.

Studies go by the institution's number, sites and subjects by the study's, people by their e-mail,
units by the codes of the register: whoever reads a table finds what other systems told already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from crohub.sandbox.charges import ECG, SCAN
from crohub.sandbox.irb_records import DEPUTIES
from crohub.sandbox.people import DEPARTMENTS, Employee
from crohub.sandbox.studies import STUDIES, Site, Study
from crohub.sandbox.world import Subject, World

Row = dict[str, str]
Tables = Mapping[str, list[Row]]
_PHASE = {"phase-3": "3", "phase-2": "2", "n-a": "na"}
_STATUS = {"active": "open_to_accrual", "closed-to-accrual": "closed_to_accrual"}


def tables(world: World) -> Tables:
    """Every table, as it stands."""
    return {
        **_studies(world), **_projects(world), **_sites(world), **_start_up(world),
        **_people(world), **_registers(world), **_conduct(world),
    }  # fmt: skip


def _studies(world: World) -> Tables:
    return {
        "studies": [_study(world, one) for one in STUDIES],
        "study-states": [
            _of(one, scope="local", state=_STATUS[one.status], actual="yes",
                started_on=iso(one.started))
            for one in STUDIES
        ],
        "study-objectives": [
            _of(one, objective_oid=f"{one.number}-OBJ-1", level="primary", sequence="1",
                objective=f"Whether it helps in {one.condition.lower()}", endpoint="Change at end",
                time_frame="28 days")
            for one in STUDIES
        ],
        "study-governance": [
            _of(one, governance_no=f"GOV-{one.number}", unit_code=_unit(world, one), role="owning",
                share_percent="100", lead_email=_email(world, one.investigator),
                start_on=iso(one.started))
            for one in STUDIES
        ],
        "procedure-defs": [
            _of(one, procedure_oid=f"{one.number}-{key}", name=what.name,
                procedure_code=what.code, code_system="cpt", sequence=f"{place}")
            for one in STUDIES
            for place, (key, what) in enumerate({"ECG": ECG, "CT": SCAN}.items(), 1)
        ],
    }  # fmt: skip


def _projects(world: World) -> Tables:
    return {
        "portfolios": [
            {"portfolio_no": "PF-1", "name": "Trials of the institute", "kind": "programme",
             "owner_code": "org-cedar", "start_on": "2025-01-01"}
        ],
        "research-projects": [
            {"project_no": f"RP-{one.number}", "title": one.title, "kind": "clinical_trial",
             "status": "active", "lead_organization_code": "org-cedar",
             "lead_person_email": _email(world, one.investigator), "start_on": iso(one.started)}
            for one in STUDIES
        ],
        "portfolio-items": [
            _of(one, portfolio_no="PF-1", project_no=f"RP-{one.number}", weight="1",
                start_on=iso(one.started))
            for one in STUDIES
        ],
        "regulatory-submissions": [
            _of(one, regulatory_submission_no=f"REG-{one.number}", country="US", kind="ind",
                status="submitted", submitted_on=iso(one.started, -120))
            for one in STUDIES if one.sponsor != "org-cedar"
        ],
    }  # fmt: skip


def _sites(world: World) -> Tables:
    return {
        "study-sites": [
            _at(study, site, organization_code="org-cedar", location_code=site.ward, country="US",
                principal_investigator_email=_email(world, study.investigator),
                status="enrolling", target_enrolment="40", activated_on=iso(study.started))
            for study, site in _places()
        ],
        "study-site-states": [
            _at(study, site, state="activated", started_on=iso(study.started))
            for study, site in _places()
        ],
    }  # fmt: skip


def _start_up(world: World) -> Tables:
    return {
        "startup-tasks": [
            _at(study, site, task_no=f"TASK-{study.number}-{site.number}", kind="intake",
                name="Intake", status="done", actual_on=iso(study.started, -150),
                owner_email=_email(world, "E219"), organization_code="CRO")
            for study, site in _places()
        ],
        "feasibility-assessments": [
            _at(study, site, feasibility_no=f"FEAS-{study.number}-{site.number}",
                respondent_email=_email(world, study.investigator), outcome="pending",
                sent_on=iso(study.started, -200), projected_enrolment="40", score="8")
            for study, site in _places()
        ],
        "ancillary-reviews": [
            _at(study, site, ancillary_review_no=f"ANC-{study.number}-{site.number}",
                committee_code="CRO", kind="radiation", state="requested",
                requested_on=iso(study.started, -100))
            for study, site in _places()
        ],
        "supply-shipments": [
            _at(study, site, shipment_no=f"SHIP-{study.number}-{site.number}", direction="to_site",
                kind="laboratory_kit", description="Kits for blood", supplier_code="org-cedar",
                carrier="Invented Couriers", quantity="40", unit="kit", status="received",
                shipped_on=iso(study.started, -9), received_on=iso(study.started, -7),
                received_by_email=_email(world, study.coordinator), temperature_excursion="no")
            for study, site in _places()
        ],
    }  # fmt: skip


def _people(world: World) -> Tables:
    staff = [one for one in world.employees.values() if not one.left][:12]
    posts = [(study, who) for study in STUDIES for who in (study.coordinator, *DEPUTIES)]
    posted = [world.employees[who] for who in dict.fromkeys(who for _, who in posts)]
    return {
        "training-requirements": [
            {"requirement_no": "REQ-GCP", "name": "Good clinical practice", "scope": "institution",
             "organization_code": "org-cedar", "roles": "pi;coordinator", "tasks": "consent",
             "course_group": "GCP", "valid_months": "36", "grace_days": "0", "active": "yes"}
        ],
        # of the one whose certificate has run out the office has no other
        "training-records": [_trained(one) for one in staff if one.id != "E217"],
        "citi-completions": [
            _completion(world.employees[study.investigator]) for study in STUDIES
        ],
        "credentials": [
            *(_credential(one) for one in staff if one.npi), *(_curriculum(one) for one in posted)
        ],
        "delegations": [
            _of(study, delegation_no=f"DEL-{study.number}-{who}", tasks="consent;eligibility",
                person_email=_email(world, who), status="active", start_on=iso(study.started),
                delegated_by_email=_email(world, study.investigator), trained="yes")
            for study, who in dict.fromkeys(posts)
        ],
        "effort-records": [
            _of(study, effort_no=f"EFF-{study.number}", planned_percent="20", actual_percent="25",
                person_email=_email(world, study.coordinator), activity="coordination",
                project_no=f"RP-{study.number}", period_from=iso(world.first_day, -30),
                period_to=iso(world.first_day, -1))
            for study in STUDIES
        ],
    }  # fmt: skip


def _registers(world: World) -> Tables:
    """What may go wrong, and what is not as a rule wants it."""
    return {
        "risks": [
            _at(study, site, risk_no=f"RISK-{study.number}-{site.number}", category="enrolment",
                title="Fewer subjects than planned", likelihood="likely", impact="moderate",
                score="12", mitigation="A second clinic refers its patients", status="mitigating",
                kri_no=f"KRI-{study.number}-{site.number}",
                owner_email=_email(world, study.investigator), opened_on=iso(study.started),
                review_on=iso(world.first_day, 30))
            for study, site in _places()
        ],
        "compliance-items": [
            _of(study, compliance_item_no=f"CI-{study.number}-1", subject="registration",
                item="Results are due in the registry", rule="42 CFR 11.44", severity="major",
                owner_email=_email(world, study.investigator), opened_on=iso(study.started),
                due_on=iso(world.first_day, 60), status="open")
            for study in STUDIES if study.nct
        ],
    }  # fmt: skip


def _conduct(world: World) -> Tables:
    """How the studies go, told of the first subject of each."""
    firsts = list(_firsts(world))
    return {
        "kri-values": [
            _at(study, site, kri_no=f"KRI-{study.number}-{site.number}", value="4", unit="days",
                indicator="days from visit to entry", category="data", threshold="10",
                bad_side="above", breached="no", period_from=iso(world.first_day, -30),
                period_to=iso(world.first_day, -1))
            for study, site in _places()
        ],
        "deviations": [
            _about(study, one, deviation_no=f"DEV-{study.number}-1", category="consent",
                   severity="minor", description="Made-up", occurred_on=iso(one.since),
                   discovered_on=iso(one.since, 1), status="under_review",
                   reportable="yes" if study is STUDIES[0] else "no")
            for study, one in firsts
        ],
        "safety-event-refs": [
            _about(study, one, safety_event_no=f"SAE-{study.number}-1", kind="ae", serious="no",
                   related="no", expected="yes", onset_on=iso(one.since),
                   aware_on=iso(one.since, 1), status="follow_up")
            for study, one in firsts
        ],
        "data-queries": [
            _about(study, one, query_no=f"QRY-{study.number}-1", form="AE", item="AETERM",
                   status="answered", raised_by="data manager",
                   opened_at=f"{iso(one.since)}T09:30:00-07:00")
            for study, one in firsts
        ],
        "crf-statuses": [
            _about(study, one, form_no=f"CRF-{study.number}-1", form="AE", status="in_progress",
                   required="yes", open_queries="1", expected_on=iso(one.since))
            for study, one in firsts
        ],
    }  # fmt: skip


def _study(world: World, one: Study) -> Row:
    return _of(
        one, title=one.title, phase=_PHASE[one.phase], status=_STATUS[one.status],
        conditions=one.condition, sponsor_code=one.sponsor, nct=one.nct, irb_no=one.irb,
        principal_investigator_email=_email(world, one.investigator), start_on=iso(one.started),
    )  # fmt: skip


def _trained(one: Employee) -> Row:
    """The course of the personnel office's certificates, whose numbers are its own."""
    return {
        "completion_no": f"CITI-{one.id}", "person_email": one.email, "course_code": "GCP-1",
        "course_name": "Good clinical practice", "course_group": "GCP", "stage": "Basic",
        "provider": "Invented Training Co", "status": "completed",
        "completed_on": "2025-04-01", "expires_on": "2028-03-31", "score": "92", "pass_mark": "80",
    }  # fmt: skip


def _completion(one: Employee) -> Row:
    """A line of the CITI report, to which people sign up with whatever address they have."""
    number = f"{int(one.id[1:]):06d}"
    return {
        "Member ID": f"7{number}", "First Name": one.given, "Last Name": one.family,
        "Institutional Email": "", "Email": f"{one.given.lower()}{one.id[1:]}@home.example",
        "Employee Number": one.id, "Group ID": "12", "Group": "Human Subjects Research",
        "Completion Report": "Biomedical Researchers", "Stage": "Refresher Course",
        "Registration Date": "2026-01-12", "Completion Date": "2026-02-09",
        "Expiration Date": "2029-02-08", "Score": "96", "Passing Score": "80",
        "Completion Report ID": f"51{number}",
        "Verification URL": f"https://citi.example/verify/?w51{number}",
    }  # fmt: skip


def _credential(one: Employee) -> Row:
    return {
        "credential_no": f"LIC-{one.id}", "person_email": one.email, "number": f"AZ{one.npi[5:]}",
        "kind": "medical_license", "issuer": "Invented Board", "jurisdiction": "AZ",
        "country": "US", "issued_on": "2024-07-01", "expires_on": "2027-06-30", "status": "valid",
    }  # fmt: skip


def _curriculum(one: Employee) -> Row:
    return {
        "credential_no": f"CV-{one.id}", "person_email": one.email, "kind": "cv",
        "issued_on": "2025-01-06", "expires_on": "2027-01-05", "status": "valid",
    }  # fmt: skip


def _places() -> Iterator[tuple[Study, Site]]:
    return ((study, site) for study in STUDIES for site in study.sites)


def _firsts(world: World) -> Iterable[tuple[Study, Subject]]:
    for study in STUDIES:
        mine = [one for one in world.subjects.values() if one.study == study.key and one.number]
        yield study, mine[0]


def _of(study: Study, **more: str) -> Row:
    return {"protocol_no": study.number, **more}


def _at(study: Study, site: Site, **more: str) -> Row:
    return {"protocol_no": study.number, "site_no": site.number, **more}


def _about(study: Study, one: Subject, **more: str) -> Row:
    site = next(site for site in study.sites if site.key == one.site)
    return _at(study, site, subject_number=one.number, **more)


def _unit(world: World, study: Study) -> str:
    code = world.employees[study.investigator].department
    return code if code in DEPARTMENTS else "CRO"


def _email(world: World, who: str) -> str:
    return world.employees[who].email


def iso(on: date, days: int = 0) -> str:
    """A date, or one so many days later, as tables write it."""
    return (on + timedelta(days=days)).isoformat()
