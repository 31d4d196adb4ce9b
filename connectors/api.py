"""A system that writes through the hub's own API: which keys speak for it."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from pydantic import Field

from connectors.facts import Facts
from connectors.protocol import Accept, Connector, Health, Started


class Api(Connector):
    """Writes of the canonical API. What a key of `keys` writes is said by this connection's
    system, and counts as its role does."""

    facts: ClassVar[Facts] = Facts(
        pulls="writes of the canonical API, one message each",
        incremental="they come as they are made",
        deletes="DELETE",
        auth="a key of the hub with the scope records.write",
        tested="a client generated from the OpenAPI description",
    )

    keys: tuple[str, ...] = Field(
        min_length=1, description="Names of the API keys that speak for this system."
    )

    def check(self) -> Health:
        """Whether it writes is its own affair."""
        return Health(ok=True, detail=f"writes with: {', '.join(self.keys)}")

    async def listen(self, accept: Accept, *, started: Started | None = None) -> None:
        """Takes nothing by itself: the API hands its writes to the journal."""
        if started:
            started("/api/v1/", 0)
        await asyncio.get_running_loop().create_future()
