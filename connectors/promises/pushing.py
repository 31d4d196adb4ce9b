"""What a connector that pushes must keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from connectors.errors import ConnectorError
from connectors.promises.promise import promise
from connectors.protocol import Connector, Pushes
from connectors.record import Delivery


class PushPromises:
    """Fixtures: `connector`, two `deliveries` or more that it takes, `there`, a function that
    gives what the target has by now (anything comparable, of which `len` is the number of
    things), and `down` as for a pull."""

    def test_it_can_push(self, connector: Connector) -> None:
        promise(isinstance(connector, Pushes), "there is no push(deliveries)")

    def test_each_delivery_has_its_receipt(
        self, connector: Pushes, deliveries: Sequence[Delivery]
    ) -> None:
        receipts = connector.push(deliveries)
        promise(
            [r.id for r in receipts] == [d.id for d in deliveries],
            "the receipts are not those of the deliveries, in their order",
        )
        promise(
            all(r.outcome == "delivered" for r in receipts),
            f"not delivered: {[(r.id, r.outcome, r.detail) for r in receipts]}",
        )

    def test_the_same_again_leaves_one_thing(
        self,
        connector: Pushes,
        deliveries: Sequence[Delivery],
        there: Callable[[], Any],
    ) -> None:
        before = there()
        connector.push(deliveries)
        once = there()
        connector.push(deliveries)
        promise(once != before, "a push left nothing at the target")
        promise(there() == once, "the same deliveries again changed what is there")

    def test_nothing_to_say_is_no_error(self, connector: Pushes) -> None:
        promise(list(connector.push([])) == [], "no deliveries, yet there are receipts")

    def test_a_push_to_a_system_that_is_down_is_told(
        self, down: Pushes, deliveries: Sequence[Delivery]
    ) -> None:
        try:
            receipts = down.push(deliveries)
        except ConnectorError:
            return
        told = all(r.outcome in ("later", "unknown") for r in receipts)
        promise(told and len(receipts) == len(deliveries), "nobody was there, yet it says so not")
