"""Posts events to an address that somebody registered, signed with a key made for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors import standard_webhooks
from connectors.errors import Misconfigured
from connectors.http import Ask, Http, HttpSettings
from connectors.http_policy import StatusRefused
from connectors.one_by_one import deliver
from connectors.reach import Reach
from connectors.record import Delivery, Receipt
from connectors.world import World

_GONE = 410
_LIMITS = HttpSettings(
    connect_timeout=10, read_timeout=20, body_timeout=30, body_cap=1 << 16, attempts=1
)


@dataclass(slots=True)
class Subscriber:
    """A target that takes events by POST, each signed with all `keys`, only within `reach`.
    `gone`: it answered that it is no more; nothing is lost by that."""

    url: str
    keys: tuple[bytes, ...]
    reach: Reach
    world: World = field(default_factory=World)
    gone: str = ""

    def push(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt]:
        """Posts them in order; a repetition has the same `webhook-id`. Raises TryLater or
        Misconfigured when nothing was sent."""
        if not deliveries:
            return []
        self.reach.check(self.url)
        with Http(_LIMITS, world=self.world, reach=self.reach) as http:
            return deliver(deliveries, lambda one: self._post(http, one))

    def _post(self, http: Http, one: Delivery) -> Receipt:
        try:
            answer = http.ask(self._ask(one))
        except StatusRefused as error:
            if error.status != _GONE:
                raise
            self.gone = f"{error}: the subscriber has gone for good"
            raise Misconfigured(self.gone) from error
        return Receipt(id=one.id, outcome="delivered", detail=f"HTTP {answer.status}")

    def _ask(self, one: Delivery) -> Ask:
        timestamp = str(int(self.world.now().timestamp()))
        signatures = [
            standard_webhooks.sign_with(key, id=one.id, timestamp=timestamp, body=one.body)
            for key in self.keys
        ]
        headers = {
            "Content-Type": one.media,
            standard_webhooks.ID: one.id,
            standard_webhooks.TIMESTAMP: timestamp,
            standard_webhooks.SIGNATURE: " ".join(signatures),
        }
        return Ask(url=self.url, method="POST", headers=headers, body=one.body, repeatable=True)
