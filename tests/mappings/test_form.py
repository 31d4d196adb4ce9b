"""A posted form is mapped by the names of its fields."""

from __future__ import annotations

import pytest

from mappings.lane import compile_lane
from mappings.media import choose
from mappings.values import NotUnderstood

FORM = "application/x-www-form-urlencoded"
TRIGGER = b"project_id=12&record=10%2F01&instrument=&note=a+b&record=second"


def test_a_field_is_read_by_its_name_and_the_first_counts():
    medium = choose.medium(FORM)
    document = medium.read(TRIGGER, FORM)

    said = [medium.one(path)(document, None) for path in ("record", "note", "instrument", "none")]

    assert said == ["10/01", "a b", None, None]
    assert medium.unread(document, ["record"]) == ["note", "project_id"]
    assert compile_lane("record", FORM)(TRIGGER) == "10/01"


@pytest.mark.parametrize("body", [b"no form", b"a=\xff", b"&".join([b"a=1"] * 2000)])
def test_what_is_no_form_is_told(body):
    with pytest.raises(NotUnderstood, match="form"):
        choose.medium(FORM).read(body, FORM)
