"""The connector that fails on purpose fails as told, and keeps its promises otherwise."""

import pytest

from connectors.errors import Misconfigured, Refused, TryLater
from connectors.flaky import Crash, Flaky
from connectors.promises import CheckPromises, PullPromises, PushPromises
from connectors.record import Delivery


def deliveries(count: int) -> list[Delivery]:
    return [
        Delivery(id=f"d{n}", stream="things", body=b"{}", media="application/json")
        for n in range(count)
    ]


class TestFlaky(PullPromises, PushPromises, CheckPromises):
    @pytest.fixture
    def connector(self):
        return Flaky(records=40)

    @pytest.fixture
    def stream(self):
        return "things"

    @pytest.fixture
    def down(self):
        return Flaky(down=True)

    @pytest.fixture
    def deliveries(self):
        return deliveries(3)

    @pytest.fixture
    def there(self, connector):
        return connector.taken


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("try_later", TryLater),
        ("refused", Refused),
        ("misconfigured", Misconfigured),
        ("crash", Crash),
    ],
)
def test_a_planned_fault_happens_where_and_as_often_as_told(kind, error):
    flaky = Flaky(records=5, faults=[{"at": 3, "kind": kind, "times": 2}])
    got = []

    for _ in range(2):
        with pytest.raises(error, match="at 3, as planned"):
            got.extend(r.message_key for r in flaky.pull("things", "2"))
    got.extend(r.message_key for r in flaky.pull("things", "2"))

    assert got == ["things/2", "things/2", "things/2", "things/3", "things/4"]


def test_whatever_goes_wrong_resuming_brings_every_record():
    flaky = Flaky(records=300, seed=7, try_later=0.05, duplicate=0.2, swap=0.3, fault=0.1)
    seen, cursor, breaks = [], "", 0

    while True:
        try:
            for record in flaky.pull("things", cursor):
                seen.append(record)
                cursor = record.cursor
        except TryLater:
            breaks += 1
        else:
            break

    keys = [record.message_key for record in seen]
    assert set(keys) == {f"things/{n}" for n in range(300)}
    assert breaks > 3
    assert len(keys) > 330
    assert keys != sorted(keys, key=lambda key: int(key.partition("/")[2]))
    assert 10 < len({r.message_key for r in seen if r.fault}) < 60


def test_the_same_seed_goes_the_same_way():
    def run(seed: int) -> list[str]:
        flaky = Flaky(seed=seed, duplicate=0.3, swap=0.3)
        return [record.message_key for record in flaky.pull("things", "")]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_a_delivery_without_an_answer_was_taken_all_the_same():
    flaky = Flaky(unknown=1)

    [first] = flaky.push(deliveries(1))
    [second] = flaky.push(deliveries(1))

    assert (first.outcome, second.outcome) == ("unknown", "delivered")
    assert len(flaky.taken()) == 1


def test_deliveries_are_refused_or_put_off_by_chance_until_they_are_taken():
    flaky = Flaky(seed=3, later=0.4, refuse=0.1)
    outcomes = set()

    for _ in range(30):
        outcomes |= {receipt.outcome for receipt in flaky.push(deliveries(20))}

    assert outcomes == {"delivered", "refused", "later"}
    assert len(flaky.taken()) == 20
