"""A target that is about some studies only is not told of others."""

from __future__ import annotations

import pytest

from connectors.flaky import Flaky
from hub.statement import Identifier, Stated
from mappings.mistakes import MappingErrors
from pipelines.outlet import outlets

MINE, OTHER = "NCT04280705", "NCT00000102"
PIPELINE = "feed: versions\nmapping: rows\nto: target\nmode: on\nonly: "


@pytest.fixture
def telling(small_outward):
    """One whose pipeline speaks of one study."""
    only = f"{{study.identifier(nct): [NCT00000100, {MINE}]}}"
    small_outward.write(pipelines__out=PIPELINE + only)
    return small_outward


def test_of_other_studies_nothing_is_said_and_nothing_waits(telling, stated):
    telling.study(nct=MINE)
    telling.study(nct=OTHER, key="st2")
    taker = Flaky()
    deliverer = telling.deliverer(connector=taker)

    telling.enroll(1)
    telling.say(stated(2, study="st2"))
    telling.run(deliverer)

    assert telling.rows() == ["delivered"]
    [taken] = taker.taken()
    assert b"S-1" in taken.body


def test_of_a_study_that_is_not_known_yet_it_is_said_once_that_is_known(telling):
    taker = Flaky()
    deliverer = telling.deliverer(connector=taker)
    telling.enroll(1)
    telling.run(deliverer)
    waited = telling.rows("state, detail")

    telling.say(Stated(entity="Study", key="st1", fields={"title": "A trial"},
                             identifiers=(Identifier("nct", MINE),)))  # fmt: skip
    telling.clock.move(2)
    telling.run(deliverer)

    assert waited == [("waiting", "study.identifier(nct) is not known yet")]
    assert telling.rows() == ["delivered"]


def test_a_path_that_leads_nowhere_is_a_mistake_of_the_pipeline(small_outward):
    small_outward.write(pipelines__out=PIPELINE + "{study.identifier(nctt): [x]}")

    with pytest.raises(MappingErrors, match=r"pipelines/out.yaml.*only: Study has no identifier"):
        outlets(small_outward.house.deployment)
