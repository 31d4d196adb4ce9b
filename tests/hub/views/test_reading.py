"""What every view does alike: pages, filters, order, grants, columns that need a scope."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hub import cursors
from hub.principal import READ, Forbidden, Principal
from hub.query import BadQuery, Order, Position
from hub.statement import Identifier, Ref, Stated
from hub.views import asked, read
from hub.views.catalogue import named, views
from hub.views.words import Words

READER = Principal(name="reader", scopes=frozenset({READ}))
OVERVIEW = named("ctms_study_overview")


def study(key, **fields):
    ids = (Identifier("sponsor_protocol_no", key),)
    return Stated(entity="Study", key=key, fields={"sponsor_protocol_no": key} | fields,
                  identifiers=ids)  # fmt: skip


@pytest.fixture
def three(tell):
    """Three studies, one of them with two subjects of whom one is enrolled."""
    tell(
        study(
            "ONC-101",
            title="A",
            status="open_to_accrual",
            status_native="OPEN",
            target_enrolment=40,
        ),
        study("ONC-102", title="B", status="approved"),
        study("CAR-7", title="C", target_enrolment=5),
        system="ctms",
    )
    for number, fields in (("S-1", {"enrolled_on": "2026-03-01"}), ("S-2", {})):
        enrollment = {"study": Ref("Study", "ONC-101"), "subject_number": number} | fields
        tell(Stated(entity="Enrollment", key=number, fields=enrollment), system="ctms")


@pytest.fixture
def rows(reader, three):
    """Reads a page of the overview by the words of a URL."""

    def ask(*params, principal=READER):
        return read.page(reader, principal, OVERVIEW, asked.parse(OVERVIEW, params))

    return ask


def test_a_row_shows_the_native_word_beside_the_canonical_one(rows):
    [row] = rows(("study", "ONC-101")).items

    assert row["protocol_no"] == "ONC-101"
    assert (row["status"], row["status_native"]) == ("open_to_accrual", "OPEN")
    assert (row["target"], row["enrolled"], row["dq_flag"]) == (40, 1, "ok")


def test_pages_go_on_where_the_last_one_ended(rows):
    first = rows(("sort", "-protocol_no"), ("limit", "2"))
    second = rows(("sort", "-protocol_no"), ("limit", "2"), ("cursor", first.next))

    assert [one["protocol_no"] for one in first.items] == ["ONC-102", "ONC-101"]
    assert [one["protocol_no"] for one in second.items] == ["CAR-7"]
    assert second.next is None


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        (("enrolled__ge", "1"), ["ONC-101"]),
        (("target__missing", "true"), ["ONC-102"]),
        (("status__in", "open_to_accrual,approved"), ["ONC-101", "ONC-102"]),
    ],
)
def test_every_column_is_a_filter(rows, filter_, found):
    answer = rows(filter_, ("fields", "protocol_no"))

    assert sorted(one["protocol_no"] for one in answer.items) == found
    assert all(one.keys() == {"id", "protocol_no"} for one in answer.items)


@pytest.mark.parametrize(
    ("param", "says"),
    [
        (("colour", "red"), "is no filter of ctms_study_overview; expected one of: study_id"),
        (("sort", "colour"), "cannot be sorted by; expected one of: id, study_id"),
        (("fields", "colour"), "expected some of: study_id"),
    ],
)
def test_what_is_unknown_names_what_there_is(rows, param, says):
    with pytest.raises(BadQuery, match=says):
        rows(param)


def test_an_unknown_view_names_those_there_are():
    with pytest.raises(BadQuery, match="ctms_study_overview"):
        named("ctms_colours")


def test_only_the_studies_that_were_granted_are_shown(rows):
    [own] = rows(("study", "ONC-102")).items
    confined = Principal(name="c", scopes=frozenset({READ}), studies=frozenset({own["study_id"]}))

    assert [one["protocol_no"] for one in rows(principal=confined).items] == ["ONC-102"]
    assert rows(("study", "ONC-101"), principal=confined).items == []


def test_who_may_see_some_sites_only_is_shown_no_view_of_whole_studies(rows):
    confined = Principal(name="c", scopes=frozenset({READ}), sites=frozenset({"x"}))

    with pytest.raises(Forbidden, match="of the whole"):
        rows(principal=confined)


def test_each_view_gives_the_columns_it_says(reader):
    for view in views().values():
        question = asked.parse(view, ())
        assert read.page(reader, READER, view, question).items == [], view.name


@pytest.mark.parametrize("summed", [Decimal(3), Decimal("3.5")])
def test_a_page_may_end_at_a_sum_as_postgresql_makes_it(summed):
    order = Order(name="earned", column="earned", kind="integer", descending=True)

    assert cursors.read(cursors.write(order, Position(summed, "a")), order).value == summed


def test_a_question_about_some_studies_finds_them_first():
    """PostgreSQL: a condition told as `in` was the last of many joins, of whole tables."""
    words = Words(dialect="postgresql", narrowed=True)

    assert words.of("n.study_id") == "n.study_id = any(array(select id from scope))"
