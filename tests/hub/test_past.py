"""Lists and records as of another day, for what became known late as well."""

from __future__ import annotations

import pytest

from hub import filters
from hub.history import Asked, rebuilt
from hub.model.spec import entities
from hub.past_page import page_of_past
from hub.principal import READ, SYSTEM, Principal
from hub.query import BadQuery, View
from hub.repository import page
from hub.statement import REMOVED, Gone, Identifier, SameAs, Stated
from tests.hub.conftest import BASE

ENROLLMENT = entities()["Enrollment"]
SECOND = 1_000_000
ALWAYS = Asked(as_of=BASE * 2)


def subject(number, key=None, **fields):
    ids = (Identifier("subject_number", number, "urn:x:1"),)
    return Stated(
        entity="Enrollment", key=key or number, identifiers=ids,
        fields={"subject_number": number, **fields},
    )  # fmt: skip


def listed(reader, *params, asked=ALWAYS, principal=SYSTEM):
    found = page_of_past(reader, principal, ENROLLMENT, filters.parse(ENROLLMENT, params), asked)
    return [(one["subject_number"], one["state"]) for one in found.items]


def at(second, known=None):
    return Asked(as_of=BASE + second * SECOND, known_at=known)


def test_a_late_word_that_changes_nothing_today_is_so_on_its_day(reader, tell, store):
    tell(subject("S-1", state="off_study"), at=50)
    tell(subject("S-1", state="enrolled"), at=10)

    assert store.all("select state, version from enrollment") == [("off_study", 1)]
    assert listed(reader, asked=at(9)) == []
    assert listed(reader, asked=at(20)) == [("S-1", "enrolled")]
    assert listed(reader, asked=at(50)) == [("S-1", "off_study")]


def test_it_was_not_known_before_it_came(reader, tell, context):
    tell(subject("S-1", state="off_study"), at=50)
    between = context.clock()
    tell(subject("S-1", state="enrolled"), at=10)

    assert listed(reader, asked=at(20, between)) == []
    assert listed(reader, asked=at(60, between)) == [("S-1", "off_study")]
    assert listed(reader, asked=Asked(known_at=between)) == [("S-1", "off_study")]


def test_who_is_believed_is_believed_about_the_past_too(reader, tell):
    tell(subject("S-1", state="enrolled"), system="ctms", at=10)
    tell(subject("S-1", "e1", state="on_treatment"), system="edc", at=20)
    tell(subject("S-1", state="off_study"), system="ctms", at=30)

    assert listed(reader, asked=at(25)) == [("S-1", "enrolled")]


def test_a_withdrawn_record_had_not_been_withdrawn_before(reader, tell, store):
    tell(subject("S-1", state="enrolled"), at=10)
    tell(Gone(entity="Enrollment", key="S-1"), at=40)
    [(one,)] = store.all("select id from enrollment")

    def withdrawn(second):
        return rebuilt(reader, SYSTEM, ENROLLMENT, one, View(), at(second))["withdrawn"]

    assert (withdrawn(20), withdrawn(40)) == (False, True)


def test_what_was_settled_again_is_what_it_means_now(reader, tell, context):
    from hub.said import Said
    from hub.settle import settle
    from hub.statement import Meaning

    seq = tell(subject("S-1", state="enrolled"), at=10)
    again = Said(
        seq=seq, system="ehr", at=BASE + 10 * SECOND, again=True,
        meaning=Meaning(statements=(subject("S-1", state="consented"),)),
    )  # fmt: skip
    with context.session.transaction():
        settle(context, [again])

    assert listed(reader, asked=at(20)) == [("S-1", "consented")]


def test_references_lead_to_the_records_of_today(reader, tell, store):
    for key, number in (("s1", "NCT04280705"), ("s2", "NCT04280706")):
        ids = (Identifier("nct", number),)
        tell(Stated(entity="Study", key=key, identifiers=ids, fields={"title": key}), at=1)
    from hub.statement import Ref

    tell(subject("S-1", state="enrolled", study=Ref("Study", "s2")), at=10)
    tell(SameAs(entity="Study", kept="s1", retired="s2"))
    [first, _] = [row[0] for row in store.all("select id from study order by id")]

    assert listed(reader, ("study", first), asked=at(20)) == [("S-1", "enrolled")]


SCOPES = (["treatment"], ["treatment", "data_use"], ["follow_up"])
FILTERS = [
    (("state", "enrolled"),),
    (("state__in", "enrolled,off_study"),),
    (("state__missing", "true"),),
    (("state__missing", "false"),),
    (("enrolled_on", "2026-03-05"),),
    (("enrolled_on__le", "2026-03"),),
    (("enrolled_on__gt", "2026-03-04"),),
    (("enrolled_on__ge", "2026-03"), ("state", "enrolled")),
    (("enrolled_on__lt", "2026-03-05"),),
    (("registered_at__le", "2026-03-05T08:30"),),
    (("registered_at__gt", "2026-03-05T08:00"),),
    (("screening_no__contains", "a_%"),),
    (("screening_no__contains", "B7"),),
    (("eligible", "true"),),
    (("eligible", "false"),),
    (("withdrawal_scope", "treatment"),),
]


@pytest.fixture
def many(tell):
    dates = ("2026", "2026-03", "2026-03-04", "2026-03-05", "2026-04-01", REMOVED)
    for number, day in enumerate(dates):
        tell(
            subject(
                f"S-{number}", enrolled_on=day, eligible=number % 2 == 0,
                state=("enrolled", "off_study", REMOVED)[number % 3],
                registered_at=f"2026-03-05T0{number + 6}:30Z[+00:00]",
                screening_no=("xa_%b", "xaab", "b7")[number % 3],
                withdrawal_scope=SCOPES[number % 3],
            ),
        )  # fmt: skip


@pytest.mark.parametrize(
    "params", FILTERS, ids=lambda params: "&".join("=".join(p) for p in params)
)
def test_a_filter_finds_in_the_past_what_it_finds_in_the_present(reader, many, params):
    now = page(reader, SYSTEM, ENROLLMENT, filters.parse(ENROLLMENT, params))

    assert listed(reader, *params) == [(r["subject_number"], r["state"]) for r in now.items]
    assert 0 < len(now.items) < 6


def test_pages_of_the_past_follow_each_other(reader, many):
    seen, cursor = [], ""
    for _ in range(10):
        params = [("limit", "2"), *([("cursor", cursor)] if cursor else [])]
        found = page_of_past(reader, SYSTEM, ENROLLMENT, filters.parse(ENROLLMENT, params), ALWAYS)
        seen += [one["subject_number"] for one in found.items]
        cursor = found.next
        if cursor is None:
            break

    assert seen == [f"S-{number}" for number in range(6)]


def test_a_reader_sees_of_the_past_what_they_may_see_today(reader, many):
    other = Principal(name="x", scopes=frozenset({READ}), studies=frozenset({"none"}))

    assert listed(reader, principal=other) == []


@pytest.mark.parametrize(
    "params", [(("sort", "-state"),), (("provenance", "true"),), (("quality", "ok"),)]
)
def test_what_the_past_cannot_tell_is_refused(reader, params):
    with pytest.raises(BadQuery):
        listed(reader, *params)
