"""Reading canonical records: filters, pages, grants, sealed parts, provenance; both databases."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hub import filters, repository
from hub.model.spec import entities
from hub.principal import ALL, READ, SYSTEM, Forbidden, Principal
from hub.provenance import Teller
from hub.query import BadQuery, Condition, Order, Query, Sought, View
from hub.sql import ordered
from hub.statement import Gone, Identifier, Ref, SameAs, Stated

READER = Principal(name="reader", scopes=frozenset({READ}))


def study(key, *identifiers, **fields):
    return Stated(entity="Study", key=key, fields=fields, identifiers=identifiers)


def patient(key, *mrns, **fields):
    given = tuple(Identifier("mrn", mrn, "UH") for mrn in mrns)
    return Stated(entity="Participant", key=key, fields=fields, identifiers=given)


def phi(key, **fields):
    return Stated(entity="ParticipantPhi", key=key, fields=fields)


def enrolled(key, study_, person, **fields):
    refs = {"study": Ref("Study", study_), "participant": Ref("Participant", person)}
    return Stated(entity="Enrollment", key=key, fields={**refs, **fields})


def ask(reader, entity, *params, principal=READER):
    spec = entities()[entity]
    query = filters.parse(spec, [tuple(one.split("=", 1)) for one in params])
    return repository.page(reader, principal, spec, query)


def read(reader, entity, one, principal=READER, **view):
    return repository.get(reader, principal, entities()[entity], one, View(**view))


def titles(page):
    return [item["title"] for item in page.items]


@pytest.fixture
def studies(tell):
    """Five studies: two with a day, one with a month, one with a year, one without a start."""
    rows = [
        ("A", {"title": "alpha 100%", "start_on": "2026-03-01", "status": "open_to_accrual"}),
        ("B", {"title": "beta", "start_on": "2026-03-15", "target_enrolment": 20}),
        ("C", {"title": "Gamma_x", "start_on": "2026-04", "conditions": ["asthma", "copd"]}),
        ("D", {"title": "delta", "start_on": "2025", "randomised": True, "target_enrolment": 3}),
        ("E", {"title": "epsilon", "status": "closed_to_accrual", "randomised": False}),
    ]
    for key, fields in rows:
        tell(study(key, **fields))


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("status=open_to_accrual", ["alpha 100%"]),
        ("status__in=open_to_accrual,closed_to_accrual", ["alpha 100%", "epsilon"]),
        ("status__missing=true", ["Gamma_x", "beta", "delta"]),
        ("start_on__ge=2026-03-02", ["Gamma_x", "beta"]),
        ("start_on__lt=2026-03-15", ["alpha 100%", "delta"]),
        ("start_on__le=2026-03", ["alpha 100%", "beta", "delta"]),
        ("start_on__gt=2026-03", ["Gamma_x"]),
        ("start_on=2026-04", ["Gamma_x"]),
        ("title__contains=ALPHA", ["alpha 100%"]),
        ("title__contains=0%", ["alpha 100%"]),
        ("title__contains=_", ["Gamma_x"]),
        ("title__in=beta,delta", ["beta", "delta"]),
        ("conditions=copd", ["Gamma_x"]),
        ("conditions=cop", []),
        ("target_enrolment__ge=20", ["beta"]),
        ("target_enrolment__lt=20", ["delta"]),
        ("randomised=true", ["delta"]),
        ("randomised=false", ["epsilon"]),
        ("withdrawn=true", []),
        ("quality=ok", ["Gamma_x", "alpha 100%", "beta", "delta", "epsilon"]),
        ("title='; drop table study; --", []),
    ],
)
def test_a_filter_finds_what_it_says(reader, studies, filter_, expected):
    found = ask(reader, "Study", filter_, "sort=title")

    assert titles(found) == expected


def test_filters_together_must_all_hold(reader, studies):
    found = ask(
        reader, "Study", "start_on__ge=2026", "start_on__le=2026-03", "status__missing=true"
    )

    assert titles(found) == ["beta"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("title", ["Gamma_x", "alpha 100%", "beta", "delta", "epsilon"]),
        ("-title", ["epsilon", "delta", "beta", "alpha 100%", "Gamma_x"]),
        ("start_on", ["delta", "alpha 100%", "beta", "Gamma_x", "epsilon"]),
        ("-start_on", ["Gamma_x", "beta", "alpha 100%", "delta", "epsilon"]),
        ("target_enrolment", ["delta", "beta", "alpha 100%", "Gamma_x", "epsilon"]),
        ("id", ["alpha 100%", "beta", "Gamma_x", "delta", "epsilon"]),
        ("-id", ["epsilon", "delta", "Gamma_x", "beta", "alpha 100%"]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_pages_of_any_size_give_every_record_once_in_order(reader, studies, order, expected, size):
    found, cursor = [], ""
    while cursor is not None:
        one = ask(reader, "Study", f"sort={order}", f"limit={size}", f"cursor={cursor}")
        found += titles(one)
        cursor = one.next

    assert found == expected


def test_no_record_is_lost_or_doubled_while_others_are_added(reader, tell):
    for number in range(10):
        tell(study(f"old{number}", title=f"study {number}"))
    found, cursor = [], ""
    while cursor is not None:
        one = ask(reader, "Study", "sort=title", "limit=3", f"cursor={cursor}")
        found += titles(one)
        cursor = one.next
        if len(found) < 10:
            tell(study(f"before{len(found)}", title=f"aaa {len(found)}"))
            tell(study(f"behind{len(found)}", title=f"zzz {len(found)}"))

    old = [title for title in found if title.startswith("study")]
    assert old == [f"study {number}" for number in range(10)]
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("params", "code", "names"),
    [
        (["bogus=1"], "CROHUB-UNKNOWN-PARAMETER", "'bogus' is no filter of Study"),
        (["bogus=1"], "CROHUB-UNKNOWN-PARAMETER", "start_on"),
        (["title__ge=1"], "CROHUB-UNKNOWN-PARAMETER", "title__contains"),
        (["sort=bogus"], "CROHUB-UNKNOWN-SORT", "target_enrolment"),
        (["sort=conditions"], "CROHUB-UNKNOWN-SORT", "title"),
        (["status=ZZPHI"], "CROHUB-BAD-VALUE", "open_to_accrual"),
        (["start_on__ge=ZZPHI"], "CROHUB-BAD-VALUE", "start_on__ge: expected a date"),
        (["target_enrolment=1e9"], "CROHUB-BAD-VALUE", "a whole number"),
        (["target_enrolment=9999999999999999999999"], "CROHUB-BAD-VALUE", "a whole number"),
        (["randomised=1"], "CROHUB-BAD-VALUE", "true or false"),
        (["title=a\0b"], "CROHUB-BAD-VALUE", "printable"),
        (["recorded_at__ge=ZZPHI"], "CROHUB-BAD-VALUE", "ISO 8601"),
        (["limit=0"], "CROHUB-BAD-VALUE", "limit"),
        (["limit=-5"], "CROHUB-BAD-VALUE", "limit"),
        (["limit=ZZPHI"], "CROHUB-BAD-VALUE", "limit"),
        (["sort=id", "sort=title"], "CROHUB-BAD-VALUE", "given twice"),
        (["cursor=ZZPHI"], "CROHUB-BAD-CURSOR", "cursor"),
        (["fields=title,bogus"], "CROHUB-UNKNOWN-FIELD", "'bogus' is not one of"),
        (["include=phi"], "CROHUB-UNKNOWN-INCLUDE", "labels"),
        (["identifier=ZZPHI"], "CROHUB-BAD-VALUE", "type|value"),
        (["identifier=ZZPHI|1"], "CROHUB-UNKNOWN-IDENTIFIER-TYPE", "nct"),
        (["ZZPHI=1"], "CROHUB-UNKNOWN-PARAMETER", "a parameter is no filter"),
    ],
)
def test_a_question_that_cannot_be_answered_is_named_without_its_values(
    reader, params, code, names
):
    with pytest.raises(BadQuery) as refused:
        ask(reader, "Study", *params)

    assert refused.value.code == code
    assert names in str(refused.value)
    assert "ZZPHI" not in str(refused.value)


def test_a_cursor_goes_on_only_in_its_own_order(reader, studies):
    first = ask(reader, "Study", "sort=title", "limit=2")

    with pytest.raises(BadQuery, match="in this order"):
        ask(reader, "Study", "sort=-title", f"cursor={first.next}")


def test_a_page_is_never_larger_than_five_hundred(reader):
    assert filters.parse(entities()["Study"], [("limit", "999999")]).limit == 500


def test_only_the_fields_asked_for_are_shown(reader, studies):
    found = ask(reader, "Study", "fields=title,status", "limit=1", "sort=title")

    assert [sorted(item) for item in found.items] == [["id", "status", "title"]]


def test_a_record_shows_its_envelope_and_every_field(reader, tell):
    tell(study("A", title="alpha", conditions=["asthma"], randomised=True))

    [item] = ask(reader, "Study").items

    assert set(item) == {
        "id", "version", "valid_from", "recorded_at", "quality", "withdrawn", "superseded_by",
        "ext", *entities()["Study"].fields,
    }  # fmt: skip
    assert (item["conditions"], item["randomised"], item["withdrawn"]) == (["asthma"], True, False)
    assert item["valid_from"] == "2026-02-25T06:13:21.000000Z"


def test_a_reference_names_the_record_and_its_label_when_asked(reader, tell):
    tell(study("A", title="alpha"), patient("p"), enrolled("e", "A", "p"))

    [plain] = ask(reader, "Enrollment").items
    [labelled] = ask(reader, "Enrollment", "include=labels").items

    one = ask(reader, "Study").items[0]["id"]
    assert plain["study"] == {"entity": "Study", "id": one}
    assert labelled["study"] == {"entity": "Study", "id": one, "label": "alpha"}
    assert "label" not in labelled["participant"]


def test_records_are_found_by_whom_they_refer_to(reader, tell):
    tell(study("A", title="alpha"), study("B", title="beta"), patient("p"))
    tell(enrolled("1", "A", "p", subject_number="one"), enrolled("2", "B", "p"))
    one = ask(reader, "Study", "title=alpha").items[0]["id"]

    found = ask(reader, "Enrollment", f"study={one}")

    assert [item["subject_number"] for item in found.items] == ["one"]


def test_a_withdrawn_record_stays_with_its_last_values(reader, tell):
    tell(study("A", title="alpha"))
    tell(Gone(entity="Study", key="A"))

    [item] = ask(reader, "Study", "withdrawn=true").items

    assert (item["title"], item["withdrawn"], item["version"]) == ("alpha", True, 2)


def test_a_record_is_found_by_identifier_whatever_its_spelling(reader, tell):
    tell(study("A", Identifier("nct", "NCT00184067"), title="alpha"))
    tell(study("B", Identifier("nct", "NCT00184068"), title="beta"))

    found = ask(reader, "Study", "identifier=NCT|nct 0018-4067")

    assert titles(found) == ["alpha"]


def test_several_identifiers_must_all_belong_to_the_record(reader, tell):
    irb = Identifier("irb_no", "2026-17", "UH")
    tell(study("A", Identifier("nct", "NCT00184067"), irb, title="alpha"))
    tell(study("B", Identifier("irb_no", "2026-17", "Other"), title="beta"))

    both = ask(reader, "Study", "identifier=nct|NCT00184067", "identifier=irb_no|2026-17")
    any_assigner = ask(reader, "Study", "identifier=irb_no|2026-17", "sort=title")
    one_assigner = ask(reader, "Study", "identifier=irb_no|other|2026-17")

    assert titles(both) == ["alpha"]
    assert titles(any_assigner) == ["alpha", "beta"]
    assert titles(one_assigner) == ["beta"]


def test_identifiers_are_shown_when_asked_and_personal_ones_only_beside_the_phi(reader, tell):
    tell(
        Stated(
            entity="Participant", key="p", fields={"sex": "female"},
            identifiers=(Identifier("mrn", "12345", "UH"), Identifier("research_id", "R-7", "UH")),
        ),
        phi("p", family_name="ZZPHI"),
    )  # fmt: skip
    research = {"type": "research_id", "value": "R-7", "assigner": "UH"}

    [plain] = ask(reader, "Participant").items
    [shown] = ask(reader, "Participant", "include=identifiers").items
    [whole] = ask(reader, "Participant", "include=identifiers,phi", principal=SYSTEM).items

    assert "identifiers" not in plain
    assert shown["identifiers"] == [research]
    assert whole["identifiers"] == [{"type": "mrn", "value": "12345", "assigner": "UH"}, research]


def test_a_search_by_a_personal_number_needs_the_scope_and_is_reported(reader, tell, audited):
    tell(patient("p", "12345", sex="female"))

    with pytest.raises(Forbidden, match=r"phi\.read"):
        ask(reader, "Participant", "identifier=MRN|12345")
    [found] = ask(reader, "Participant", "identifier=MRN|12345", principal=SYSTEM).items

    assert found["sex"] == "female"
    assert audited == [("Participant by identifier", [found["id"]], SYSTEM)]


def test_sealed_parts_are_shown_only_when_asked_and_allowed_and_each_read_is_reported(
    reader, tell, audited
):
    tell(patient("p", "1", sex="female"), phi("p", family_name="ZZPHI", address_lines=["1 Elm"]))
    tell(patient("q", "2", sex="male"))

    plain = ask(reader, "Participant", principal=SYSTEM).items
    with pytest.raises(Forbidden, match=r"phi\.read"):
        ask(reader, "Participant", "include=phi")
    before = list(audited)
    opened = ask(reader, "Participant", "include=phi", "sort=sex", principal=SYSTEM).items

    assert all("phi" not in item for item in plain)
    assert before == []
    assert opened[0]["phi"]["family_name"] == "ZZPHI"
    assert opened[0]["phi"]["address_lines"] == ["1 Elm"]
    assert opened[1]["phi"] is None
    assert audited == [("ParticipantPhi", [opened[0]["id"]], SYSTEM)]


def test_an_answer_that_cannot_be_reported_is_not_given(store, keyring, tell):
    from hub.reader import Reader

    tell(patient("p", "1"), phi("p", family_name="ZZPHI"))

    def full(*_):
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        ask(Reader(store, keyring, full), "Participant", "include=phi", principal=SYSTEM)


def test_the_arm_is_for_the_unblinded_alone(reader, tell, audited):
    arm = Stated(entity="EnrollmentArm", key="e", fields={"arm_assigned": "placebo"})
    tell(study("A"), patient("p"), enrolled("e", "A", "p"), arm)
    blind = Principal(name="blind", scopes=frozenset({READ, "phi.read"}))
    unblinded = Principal(name="dsmb", scopes=frozenset({READ, "unblinded.read"}))

    with pytest.raises(Forbidden, match=r"unblinded\.read"):
        ask(reader, "Enrollment", "include=arm", principal=blind)
    [item] = ask(reader, "Enrollment", "include=arm", principal=unblinded).items

    assert item["arm"]["arm_assigned"] == "placebo"
    assert [kind for kind, _, _ in audited] == ["EnrollmentArm"]


def test_provenance_names_the_system_and_message_of_each_field(reader, tell):
    first = tell(patient("p", "1", sex="female", deceased=False), phi("p", city="Oslo"))
    second = tell(patient("7", "1", language="no"), system="ctms")

    [item] = ask(reader, "Participant", "provenance=true", "include=phi", principal=SYSTEM).items

    told = {name: (one["system"], one["message"]) for name, one in item["provenance"].items()}
    assert told == {
        "sex": ("ehr", first), "deceased": ("ehr", first), "language": ("ctms", second),
        "phi.city": ("ehr", first),
    }  # fmt: skip
    assert item["provenance"]["sex"]["at"] == "2026-02-25T06:13:21.000000Z"


def test_provenance_keeps_to_the_fields_asked_for(reader, tell):
    tell(patient("p", "1", sex="female", language="no"))

    [item] = ask(reader, "Participant", "provenance=true", "fields=sex").items

    assert list(item["provenance"]) == ["sex"]


def test_a_merged_id_answers_with_the_record_it_became(reader, tell):
    tell(patient("A", "1", sex="female"))
    tell(patient("B", "2", sex="male"))
    kept, lost = (item["id"] for item in ask(reader, "Participant", "sort=id").items)
    tell(SameAs(entity="Participant", kept="A", retired="B"))

    assert read(reader, "Participant", lost)["id"] == kept
    assert [item["id"] for item in ask(reader, "Participant").items] == [kept]
    assert [i["id"] for i in ask(reader, "Participant", "superseded=true").items] == [lost]


def test_an_id_nobody_has_is_none(reader):
    assert read(reader, "Study", "00000000-0000-7000-8000-000000000000") is None


@pytest.fixture
def granted(reader, tell):
    """Two studies with a site, a participant, an enrollment, a consent and a visit each; one
    principal for the first study, one for its site."""
    for key in ("A", "B"):
        site = Stated(
            entity="StudySite", key=f"site{key}",
            fields={"study": Ref("Study", key), "site_number": key},
        )  # fmt: skip
        at_site = {"study_site": Ref("StudySite", f"site{key}"), "subject_number": key}
        in_trial = {"enrollment": Ref("Enrollment", f"e{key}")}
        tell(
            study(key, title=key), site, patient(f"p{key}", key * 3, language=key),
            enrolled(f"e{key}", key, f"p{key}", **at_site),
            Stated(entity="Consent", key=f"c{key}", fields={**in_trial, "form_name": key}),
            Stated(entity="ParticipantVisit", key=f"v{key}", fields=in_trial),
            Stated(entity="EnrollmentState", key=f"s{key}", fields=in_trial),
            Stated(entity="StaffAssignment", key=f"a{key}",
                   fields={"study_site": Ref("StudySite", f"site{key}"), "role_native": key}),
        )  # fmt: skip
    tell(
        Stated(entity="Organization", key="o", fields={"name": "UH"}),
        Stated(entity="Person", key="staff", fields={"family_name": "Berg"}),
        Stated(entity="ParticipantVisit", key="loose",
               fields={"participant": Ref("Participant", "pA"), "visit_type": "routine"}),
        Stated(entity="StaffAssignment", key="ward", fields={"role_native": "ward"}),
    )  # fmt: skip
    one = ask(reader, "Study", "title=A").items[0]["id"]
    site = ask(reader, "StudySite", "site_number=A").items[0]["id"]
    return {
        "study": Principal(name="s", scopes=frozenset({READ}), studies=frozenset({one})),
        "site": Principal(name="t", scopes=frozenset({READ}), sites=frozenset({site})),
        "none": Principal(name="n", scopes=frozenset({READ}), studies=frozenset()),
    }


COUNTS = {
    # entity: of all, by study, by site, by no study
    "Study": (2, 1, 2, 0),
    "StudySite": (2, 1, 1, 0),
    "Participant": (2, 1, 1, 0),
    "Enrollment": (2, 1, 1, 0),
    "EnrollmentState": (2, 1, 1, 0),
    "Consent": (2, 1, 1, 0),
    "ParticipantVisit": (3, 1, 1, 0),
    "StaffAssignment": (3, 2, 2, 1),
    "Organization": (1, 1, 1, 1),
    "Person": (1, 1, 1, 1),
}


@pytest.mark.parametrize("entity", COUNTS)
def test_grants_leave_out_what_belongs_to_other_studies(reader, granted, entity):
    whole = {item["id"] for item in ask(reader, entity).items}
    seen = {
        name: {item["id"] for item in ask(reader, entity, principal=principal).items}
        for name, principal in granted.items()
    }

    assert (len(whole), *(len(seen[n]) for n in ("study", "site", "none"))) == COUNTS[entity]
    for name, principal in granted.items():
        found = {one for one in whole if read(reader, entity, one, principal)}
        assert found == seen[name]


def test_without_the_scope_to_read_nothing_is_read(reader, studies):
    nobody = Principal(name="nobody", scopes=frozenset(ALL) - {READ, "admin"})

    with pytest.raises(Forbidden, match=r"records\.read"):
        ask(reader, "Study", principal=nobody)
    with pytest.raises(Forbidden, match=r"records\.read"):
        read(reader, "Study", "00000000-0000-7000-8000-000000000000", nobody)


def test_records_are_counted_as_a_page_would_list_them(reader, tell):
    tell(study("1", title="Drug A", phase="2"), study("2", title="Drug B", phase="3"))
    tell(study("3", title="No drug"))
    spec = entities()["Study"]

    def counted(*conditions, principal=READER):
        return repository.counted(reader, principal, spec, Query(conditions=conditions, limit=1))

    assert counted() == 3
    assert counted(Condition("phase", "code", "not", "2")) == 2, "another phase, or none"
    assert counted(Condition("title", "text", "contains", "drug")) == 3
    assert counted(principal=replace(READER, studies=frozenset())) == 0


def test_to_count_who_has_a_personal_number_is_told_to_the_audit(reader, tell, audited):
    tell(patient("p", "00123"))
    spec = entities()["Participant"]
    query = Query(identifiers=(Sought("mrn", "00123"),))

    assert repository.counted(reader, SYSTEM, spec, query) == 1
    assert [kind for kind, _, _ in audited] == ["Participant by identifier"]
    with pytest.raises(Forbidden):
        repository.counted(reader, READER, spec, query)


def test_a_page_of_all_is_found_by_its_key(store):
    """Told to sort ids by code point, PostgreSQL reads and sorts the whole table for each page."""
    by = ordered(Order(), store.dialect)
    explain = "explain query plan" if store.dialect == "sqlite" else "explain"
    with store.transaction():
        if store.dialect == "postgresql":
            store.run("set local enable_seqscan = off")  # the table is too small for an index
        plan = store.all(f"{explain} select e.id from participant_visit e order by {by} limit 100")

    told = " ".join(str(row[-1]) for row in plan)
    assert "INDEX" in told.upper()
    assert "SORT" not in told.upper()
    assert "B-TREE FOR ORDER BY" not in told


def test_the_name_of_a_study_that_is_not_shown_is_not_told_by_a_reference(tell, reader, store):
    """A reference may lead out of what a caller may see; the other record's name stays there."""
    tell(study("A", title="mine"), study("B", title="theirs"), enrolled("e", "A", "p"))
    [(one,)] = store.all("select id from enrollment")
    ids = {title: key for key, title in store.all("select id, title from study")}
    elsewhere = {"study": Ref("Study", id=ids["theirs"])}
    tell(Stated(entity="Enrollment", key="x", fields=elsewhere, of=one), system="edc")
    [(own,)] = store.all("select study_id from enrollment")
    confined = Principal(name="part", scopes=frozenset({READ}), studies=frozenset({own}))
    [shown, hidden] = sorted(ids, key=lambda title: ids[title] != own)
    spec = entities()["Enrollment"]

    [seen] = ask(reader, "Enrollment", "include=labels", principal=confined).items
    teller = Teller(reader, reader.policy, lambda _: {})
    told = json.dumps(teller.story(confined, spec, seen["id"], ["study"]).fields, default=str)

    assert seen["study"]["label"] == shown
    assert ids[hidden] in told, "that another study is meant is told"
    assert f'"{hidden}"' not in told
    assert '"label": null' in told
