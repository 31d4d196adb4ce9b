"""What is particular about single entities: addresses, identifiers, states, money, and who sees
them; and every one of them can be settled and read on both databases."""

from __future__ import annotations

import re

import pytest
from hl7apy.v2_5_1.fields import FIELDS

from hub import filters, repository
from hub.api import records
from hub.identifiers import judge, normalise
from hub.model.base import ENVELOPE, Entity
from hub.model.check import illegal_jump
from hub.model.spec import by_plural, entities
from hub.principal import READ, SYSTEM, Principal
from hub.statement import Identifier, Ref, Stated

SPECS = list(entities().values())
OPEN = [spec for spec in SPECS if not spec.beside]
PLAIN = {
    "text": "a text",
    "texts": ["a", "b"],
    "date": "2026-03",
    "instant": "2026-03-01T08:30Z[+01:00]",
    "integer": 7,
    "decimal": "1840.00",
    "flag": True,
}


@pytest.mark.parametrize(
    ("entity", "plural"),
    [
        ("Study", "studies"),
        ("DataQuery", "data-queries"),
        ("LedgerEntry", "ledger-entries"),
        ("EligibilityCriterion", "eligibility-criteria"),
        ("CrfStatus", "crf-statuses"),
        ("AccountAccess", "account-access"),
        ("StudyGovernance", "study-governance"),
        ("IrbSubmission", "irb-submissions"),
        ("ProtocolVersion", "protocol-versions"),
        ("StudySiteState", "study-site-states"),
        ("SafetyEventRef", "safety-event-refs"),
    ],
)
def test_an_entity_is_read_at_its_plural(entity, plural):
    assert by_plural()[plural].name == entity
    assert records.served()[plural].name == entity


def test_no_plural_is_made_by_an_s_that_does_not_fit():
    uncounted = {"account-access", "participant-phi", "study-governance"}

    assert uncounted <= set(by_plural())
    assert all(plural.endswith(("s", "criteria")) for plural in set(by_plural()) - uncounted)
    wrong = re.compile(r"[^aeiou]ys$|[sx]s$|[cs]hs$|criterions$")
    assert [p for p in by_plural() if wrong.search(p)] == ["account-access", "study-epochs"]


def test_no_record_is_read_where_the_api_has_something_else():
    assert not {"changes", "findings", "decisions", "feeds"} & set(by_plural())


def test_no_field_is_called_what_a_query_or_the_envelope_means_otherwise():
    taken = {*ENVELOPE, *filters.OF_PAGES, *filters.OF_VIEWS, "key", "identifiers", "labels"}

    assert not [(s.name, field) for s in SPECS for field in s.fields if field in taken]


def test_an_amount_of_money_stands_beside_its_currency_and_is_confidential():
    for spec in SPECS:
        amounts = [f for f in spec.fields.values() if re.search(r"(^|_)amount$", f.name)]
        assert all(field.meta.kind == "decimal" for field in amounts), spec.name
        if amounts:
            assert "USD" in spec.fields["currency"].meta.codes
            assert spec.sensitivity == "confidential", spec.name


def test_what_belongs_to_a_study_says_so_itself():
    """Grants look at a record's own study, site and enrollment: one that could tell its study
    only by way of another record would be shown to nobody, or to everybody."""
    ways = {"study", "study_site", "enrollment"}
    for spec in OPEN:
        bound = [f for f in spec.fields.values() if f.meta.of and "study" in _fields(f.meta.of)]
        if bound and not ways & set(spec.fields):
            assert spec.name == "Credential", f"{spec.name} by {bound[0].name}"


def _fields(entity):
    return entities()[entity].fields


def test_only_a_charge_and_what_was_there_before_refers_to_a_person_of_research():
    """A record that names a participant is held until that person has a research link."""
    naming = {s.name for s in SPECS for f in s.fields.values() if f.meta.of == "Participant"}

    assert naming == {"Consent", "Enrollment", "ParticipantVisit", "Charge"}


def test_what_is_known_about_staff_is_confidential():
    for name in ("Employment", "Delegation", "Credential", "TrainingRecord", "EffortRecord",
                 "AccountAccess"):  # fmt: skip
        assert entities()[name].sensitivity == "confidential"


@pytest.mark.parametrize(
    ("entity", "type", "value", "normal"),
    [
        ("Contract", "contract_no", "cta-2026-014", "CTA2026-014"),
        ("Invoice", "invoice_no", "INV 10-1", "INV10-1"),
        ("Award", "grant_no", "R01 CA-123456", "R01CA123456"),
        ("AccountingCode", "chartstring", "1000.20-300", "1000.20-300"),
        ("LedgerEntry", "ledger_entry_no", "1000/2026/19-1/2", "1000/2026/19-1/2"),
        ("AccountAccess", "login", "a.bc", "A.BC"),
        ("CrfStatus", "form_no", "FRM_1-11", "FRM_1-11"),
        ("DocumentVersion", "sha256", "ab" * 32, "AB" * 32),
        ("IrbSubmission", "irb_submission_no", "STUDY-00000123", "STUDY00000123"),
    ],
)
def test_an_identifier_is_compared_in_its_normal_form(entity, type, value, normal):
    assert type in entities()[entity].identifiers
    assert normalise(type, value) == normal


@pytest.mark.parametrize(
    ("entity", "identifier", "worth"),
    [
        ("Contract", Identifier("contract_no", "CTA-14", "ACME"), "matches"),
        ("Contract", Identifier("contract_no", "CTA-14"), "weak"),
        ("Invoice", Identifier("invoice_no", "7", "UH"), "matches"),
        ("Credential", Identifier("licence", "MD1", "NY"), "weak"),
        ("DocumentVersion", Identifier("sha256", "ab" * 32), "weak"),
        ("DocumentVersion", Identifier("sha256", "ab" * 31), "malformed"),
        ("Payment", Identifier("payment_no", "R-7781", "ERP"), "matches"),
        ("Payment", Identifier("payment_reference", "1", "BANK"), "weak"),
        ("Award", Identifier("grant_no", "R01CA123456"), "weak"),
        ("AccountAccess", Identifier("login", "jdoe", "edc"), "matches"),
    ],
)
def test_what_an_identifier_is_worth(entity, identifier, worth):
    assert judge(entity, identifier) == worth


def test_an_employee_number_identifies_the_person_and_no_single_job():
    assert "hr_id" in entities()["Person"].identifiers
    assert "hr_id" not in entities()["Employment"].identifiers


STEPS = [
    ("IrbSubmission", "in_review", "approved", True),
    ("IrbSubmission", "approved", "suspended", True),
    ("IrbSubmission", "suspended", "approved", True),
    ("IrbSubmission", "approved", "terminated", True),
    ("IrbSubmission", "draft", "approved", False),
    ("IrbSubmission", "terminated", "withdrawn", False),
    ("Contract", "out_for_signature", "executed", True),
    ("Contract", "intake", "executed", False),
    ("Invoice", "sent", "paid", True),
    ("Invoice", "paid", "credited", True),
    ("Invoice", "void", "sent", False),
    ("Receivable", "earned", "invoiceable", True),
    ("Receivable", "invoiced", "invoiceable", True),
    ("Receivable", "entered_in_error", "earned", False),
    ("Payment", "posted", "reversed", True),
    ("Payment", "posted", "announced", False),
    ("Document", "effective", "superseded", True),
    ("Document", "archived", "draft", False),
    ("MonitoringVisit", "report_review", "report_approved", True),
    ("MonitoringVisit", "planned", "report_approved", False),
    ("Delegation", "active", "revoked", True),
    ("Delegation", "revoked", "active", False),
    ("Employment", "terminated", "active", True),
    ("AccountAccess", "closed", "active", True),
    ("Award", "active", "no_cost_ext", True),
    ("CrfStatus", "locked", "entered", True),
    ("CrfStatus", "expected", "locked", False),
    ("DataQuery", "closed", "open", True),
    ("Charge", "billed", "reversed", True),
    ("Charge", "billed", "held", False),
]


@pytest.mark.parametrize(("entity", "old", "new", "drawn"), STEPS)
def test_a_step_is_drawn_or_a_jump(entity, old, new, drawn):
    assert {old, new} <= set(entities()[entity].lifecycle.steps)
    assert illegal_jump(entity, old, new) is not drawn


def test_histories_of_states_speak_of_the_states_of_their_owner():
    for history, owner in (("StudyState", "Study"), ("StudySiteState", "StudySite"),
                           ("EnrollmentState", "Enrollment")):  # fmt: skip
        states = set(entities()[owner].lifecycle.steps)

        assert set(entities()[history].fields["state"].meta.codes) == states


def stated(spec):
    fields = {field.name: _value(field.meta) for field in spec.fields.values()}
    given = tuple(
        Identifier(kind.type, f"{kind.type} 1", "UH")
        for kind in spec.identifiers.values()
        if not kind.form
    )
    return Stated(entity=spec.name, key="one", fields=fields, identifiers=given)


def _value(meta):
    if meta.kind == "ref":
        return Ref(meta.of, "one")
    if meta.codes:
        return meta.codes[0] if meta.kind == "code" else [meta.codes[0]]
    return PLAIN[meta.kind]


def test_every_entity_can_be_settled_and_read_with_every_field(reader, tell):
    for spec in OPEN:
        tell(stated(spec))

    for spec in OPEN:
        query = filters.parse(spec, [("include", "labels")])
        [record] = repository.page(reader, SYSTEM, spec, query).items
        for field in spec.fields.values():
            expected = _value(field.meta)
            if field.meta.kind == "ref":
                assert record[field.name]["entity"] == field.meta.of, f"{spec.name}.{field.name}"
            else:
                assert record[field.name] == expected, f"{spec.name}.{field.name}"
        assert record["quality"] == "ok"


MINE = ("Budget", "Contract", "Receivable", "IrbSubmission", "Deviation", "MonitoringFinding",
        "Delegation", "CrfStatus", "Document", "KriValue", "Risk", "ComplianceItem",
        "SupplyShipment")  # fmt: skip


def test_money_and_findings_of_a_study_are_seen_by_those_who_may_see_it(reader, tell):
    for key in ("A", "B"):
        tell(Stated(entity="Study", key=key, fields={"title": key}))
        for name in MINE:
            tell(Stated(entity=name, key=key, fields={"study": Ref("Study", key)}))
    tell(*(Stated(entity=name, key="of no study", fields={}) for name in MINE))
    whole = filters.parse(entities()["Study"], [("title", "A")])
    [one] = repository.page(reader, SYSTEM, entities()["Study"], whole).items
    of_a = Principal(name="a", scopes=frozenset({READ}), studies=frozenset({one["id"]}))

    for name in MINE:
        spec = entities()[name]
        seen = repository.page(reader, of_a, spec, filters.parse(spec, [])).items
        of_none = 0 if spec.sensitivity == "confidential" else 1
        assert len(seen) == 1 + of_none, name
        assert [r["study"]["id"] for r in seen if r["study"]] == [one["id"]]


def test_loading_the_model_builds_no_object_mapping_and_no_validator():
    """Forty per cent of the time and memory of every process that loads it."""
    assert not hasattr(entities()["Study"].kind, "__mapper__")
    assert Entity.model_config["defer_build"]


def test_a_place_in_hl7_is_a_field_that_version_2_5_1_has():
    places = [
        (spec.name, field.name, f"{segment}_{number}")
        for spec in SPECS
        for field in spec.fields.values()
        for segment, number in re.findall(
            r"\b([A-Z][A-Z0-9]{2})-(\d+)", field.meta.crosswalk.get("hl7", "")
        )
    ]

    assert len(places) > 100
    assert not [place for place in places if place[2] not in FIELDS]
    assert FIELDS["CER_27"][3] == "EXPIRATION_DATE", "the names are those of the standard"
