"""Who a participant is, told over MLLP: what is sealed reaches a target that may know it."""

from __future__ import annotations

from hub.statement import Stated
from tests.pipelines.outward.test_deliver_hl7 import CRM, connection, independent, people


def test_a_target_is_told_who_a_participant_is_when_that_changes(small_outward):
    with independent() as (port, heard):
        small_outward.write(
            connections__ehr_in=connection(port),
            pipelines__out=CRM.replace("enrolled", "demographics-person"),
        )
        people(small_outward, 1)
        small_outward.enroll(1, "enrolled")
        connector = small_outward.house.deployment.connector("ehr_in")
        deliverer = small_outward.deliverer(connector=connector)
        married = {"family_name": "EXAMPLE", "city": "PROVO"}
        small_outward.say(Stated(entity="ParticipantPhi", key="p1", fields=married))
        small_outward.run(deliverer)
        connector.close()

    last = heard[-1]
    assert last.extract_field("MSH", 1, 9, 1, 2) == "A31"
    assert last.extract_field("PID", 1, 3) == "1001"
    assert last.extract_field("PID", 1, 5, 1, 1) == "EXAMPLE"
    assert last.extract_field("PID", 1, 8) == "F"
    assert set(small_outward.rows("state")) == {"delivered"}
