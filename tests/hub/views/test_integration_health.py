"""How each feed is doing, in words of those who answer for the data."""

from hub import feeds
from hub.clock import from_micros, micros
from hub.principal import SYSTEM
from hub.statement import Identifier, Stated
from hub.views import asked, read
from hub.views.catalogue import named

HEALTH = named("croms_integration_health")
MONDAY = micros(from_micros(1_781_000_000_000_000))  # 2026-06-09T10:13:20Z


def test_a_feed_tells_when_it_spoke_what_it_brought_and_what_others_deny(store, reader, tell):
    number = Identifier("mrn", "1", "UH")
    for system, sex in (("ehr", "female"), ("ctms", "male")):
        tell(Stated(entity="Participant", key=system, fields={"sex": sex}, identifiers=(number,)),
             system=system)  # fmt: skip
    with store.transaction():
        feeds.note(store, MONDAY, {("hospital", "adt"): ("ehr", MONDAY - 90_000_000)})
        feeds.count(store, {("hospital", "adt"): (40, 2)})
        feeds.note(store, MONDAY, {("hospital", "adt"): ("ehr", MONDAY - 30_000_000)})
        feeds.count(store, {("hospital", "adt"): (2, 0)})

    day_later = "2026-06-10T10:13:20Z"
    [row] = read.page(reader, SYSTEM, HEALTH, asked.parse(HEALTH, ()), now=day_later).items

    assert row | {"last_success": row["last_success"][:16]} == {
        "id": "hospital|adt", "connection": "hospital", "stream": "adt", "system": "ehr",
        "state": "running", "last_success": "2026-06-09T10:13", "speaks_of": "2026-06-09T10:12Z",
        "days_silent": 1.0, "lag_seconds": 30.0, "messages": 42, "parked": 2,
        "conflicts": 1, "other_findings": 0, "unmatched": 0, "dq_flag": "ok",
        "as_of": day_later, "freshness": {},
    }  # fmt: skip
