"""Of a record that was to be said before, only what its mapping calls news is said again."""

from __future__ import annotations

import pytest

from connectors.flaky import Flaky
from mappings.mistakes import MappingErrors
from pipelines.outlet import outlets

ROWS = """\
when: {entity: Enrollment, subject_number: {known: true}, state: [enrolled, withdrawn]}
writes: text/csv;row
stream: enrollments
news: [state, off_study_on]
columns: {subject: subject_number, state: state, on: enrolled_on, off: off_study_on}
"""


@pytest.fixture
def telling(small_outward):
    small_outward.write(mappings__outbound__rows=ROWS)
    small_outward.study()
    small_outward.tell()
    return small_outward


def said(outward, deliverer, **fields):
    """Whether what is said of the subject now is said on."""
    before = len(outward.rows())
    outward.enroll(1, **fields)
    outward.run(deliverer)
    return len(outward.rows()) > before


def test_only_a_change_of_these_fields_is_said_again(telling):
    deliverer = telling.deliverer(connector=Flaky())

    told = [
        said(telling, deliverer, state="screening"),
        said(telling, deliverer, state="enrolled"),
        said(telling, deliverer, state="enrolled", enrolled_on="2026-03-02"),
        said(telling, deliverer, state="enrolled", off_study_on="2026-04-01"),
        said(telling, deliverer, state="withdrawn"),
        said(telling, deliverer, state="withdrawn", evaluable=True),
        said(telling, deliverer, state="screening"),
        said(telling, deliverer, state="withdrawn"),
    ]

    assert told == [False, True, False, True, True, False, False, True]


def test_a_field_that_the_record_has_not_is_a_mistake(telling):
    telling.write(mappings__outbound__rows=ROWS.replace("off_study_on]", "weather]"))

    with pytest.raises(MappingErrors, match="weather"):
        outlets(telling.house.deployment)
