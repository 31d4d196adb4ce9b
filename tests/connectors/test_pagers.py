"""Pagers, each against what its systems answer."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.errors import Refused
from connectors.http import Ask
from connectors.pagers import AnyPager, Came

_URL = "https://host.example/api/list"


def _pager(**settings):
    return TypeAdapter(AnyPager).validate_python(settings)


def _came(value=None, *, count=2, last_id="", headers=None) -> Came:
    return Came(value=value, headers=headers or {}, url=_URL, count=count, last_id=last_id)


def _ask(**params: str) -> Ask:
    return Ask(url=_URL, params=tuple(params.items()))


def test_without_pages_everything_came_at_once():
    assert _pager(kind="none").next(_ask(), _came()) is None


def test_a_link_in_the_body_is_followed_as_it_stands():
    pager = _pager(kind="next_link", link='"@odata.nextLink"')
    link = "https://host.example/api/list?$skiptoken=a%2Bb"

    ask = pager.next(_ask(q="1"), _came({"@odata.nextLink": link}))

    assert (ask.url, ask.params) == (link, None)


def test_a_relative_link_starts_where_the_answer_came_from():
    ask = _pager(kind="next_link", link="next").next(_ask(), _came({"next": "list?p=2"}))

    assert ask.url == "https://host.example/api/list?p=2"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/api/list",
        "http://host.example/api/list",
        "https://host.example:8443/api/list",
        "https://host.example@evil.example/",
        "https://host.example.evil.example/",
        "//evil.example/",
        "javascript://host.example/",
        "https://[broken/",
    ],
)
def test_a_link_to_another_origin_is_refused(link):
    with pytest.raises(Refused):
        _pager(kind="next_link", link="next").next(_ask(), _came({"next": link}))


@pytest.mark.parametrize("value", [{}, {"next": None}, {"next": ""}])
def test_no_link_is_the_end(value):
    assert _pager(kind="next_link", link="next").next(_ask(), _came(value)) is None


@pytest.mark.parametrize(
    "header",
    [
        '</api/list?startid=5>; rel="next"',
        "</api/list?a=1>; rel=prev, </api/list?startid=5>; title=x; rel=next",
        '<https://host.example/api/list?startid=5>; REL="last next"',
    ],
)
def test_a_link_header_names_the_next_page(header):
    ask = _pager(kind="link_header").next(_ask(), _came(headers={"link": header}))

    assert ask.url == "https://host.example/api/list?startid=5"


def test_a_link_header_without_next_is_the_end():
    header = {"link": '</api/list>; rel="first"; title="next"'}

    assert _pager(kind="link_header").next(_ask(), _came(headers=header)) is None


def test_an_offset_moves_by_what_came_and_not_by_what_was_asked_for():
    pager = _pager(kind="offset", limit=500, has_more="hasMore")

    first = pager.first(_ask(q="1"))
    second = pager.next(first, _came({"hasMore": True}, count=100))

    assert dict(first.params) == {"q": "1", "limit": "500", "offset": "0"}
    assert dict(second.params)["offset"] == "100"


@pytest.mark.parametrize(
    ("settings", "value", "count", "ends"),
    [
        ({"has_more": "hasMore"}, {"hasMore": False}, 2, True),
        ({"has_more": "hasMore"}, {}, 2, True),
        ({"total": "total"}, {"total": 2}, 2, True),
        ({"total": "total"}, {"total": "3"}, 2, False),
        ({}, {}, 1, False),  # a short page need not be the last
        ({}, {}, 0, True),
    ],
)
def test_an_offset_ends_when_the_system_says_so(settings, value, count, ends):
    pager = _pager(kind="offset", **settings)

    after = pager.next(pager.first(_ask()), _came(value, count=count))

    assert (after is None) == ends


def test_a_total_that_is_no_number_is_refused():
    pager = _pager(kind="offset", total="total")

    with pytest.raises(Refused, match="'total'"):
        pager.next(pager.first(_ask()), _came({"total": None}))


def test_page_numbers_count_up_to_the_number_of_pages():
    pager = _pager(kind="page_number", size_param="per_page", size=50, pages="pages")

    first = pager.first(_ask())
    second = pager.next(first, _came({"pages": 2}))
    third = pager.next(second, _came({"pages": 2}))

    assert dict(first.params) == {"per_page": "50", "page": "1"}
    assert dict(second.params)["page"] == "2"
    assert third is None


def test_a_page_token_asks_for_the_next_page_with_the_same_question():
    pager = _pager(kind="page_token", token="nextPageToken", token_param="pageToken")

    ask = pager.next(_ask(q="1"), _came({"nextPageToken": "abc"}))

    assert dict(ask.params) == {"q": "1", "pageToken": "abc"}
    assert pager.next(ask, _came({})) is None


def test_the_same_page_token_again_is_refused():
    pager = _pager(kind="page_token", token="t", token_param="t")

    with pytest.raises(Refused, match="same page token"):
        pager.next(_ask(t="abc"), _came({"t": "abc"}))


def test_a_keyset_goes_on_behind_the_last_id():
    pager = _pager(kind="keyset", after_param="startid")

    ask = pager.next(_ask(startid="3"), _came(last_id="9"))

    assert dict(ask.params) == {"startid": "9"}
    assert pager.next(ask, _came(count=0)) is None


@pytest.mark.parametrize("last_id", ["", "3"])
def test_a_keyset_that_does_not_move_is_refused(last_id):
    pager = _pager(kind="keyset", after_param="startid")

    with pytest.raises(Refused):
        pager.next(_ask(startid="3"), _came(last_id=last_id))


def test_what_is_no_jmespath_is_told_when_settings_are_read():
    with pytest.raises(ValidationError, match="no JMESPath"):
        _pager(kind="next_link", link="a[")


def test_jmespath_that_does_not_fit_the_answer_is_refused():
    pager = _pager(kind="next_link", link="length(next)")

    with pytest.raises(Refused, match="length"):
        pager.next(_ask(), _came({"next": None}))
