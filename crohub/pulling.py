"""One pull by hand, with a journal writer of its own: beside a running hub or without one."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from connectors.protocol import Pulls
from crohub.node import Node, whoever
from hub import clock
from mappings.mistakes import one_of
from pipelines import revision
from pipelines.intake import Intake, reader_of
from pipelines.present import Guard
from pipelines.pull import Run, pull
from pipelines.queue import PARTS
from pipelines.writer import Writer


class NotPulled(Exception):
    """No pipeline of this name pulls anything."""


def run(node: Node, name: str, *, accept_vanishing: bool = False) -> Run:
    """Pulls the stream of an inbound pipeline to its end under the present configuration.

    What the source does never raises; it is the answer's state. Pulled at the same time by the
    running hub, a record is known by its key and stored once. `accept_vanishing`: however much is
    missing from a whole list has gone. Raises NotPulled.
    """
    if name not in node.deployment.inbound:
        wanted = one_of(name, node.deployment.inbound)
        raise NotPulled(f"no inbound pipeline is called {name!r}; expected {wanted}")
    pipeline = node.deployment.inbound[name]
    reads = pipeline.reads
    connector = node.deployment.connector(reads.connection)
    if not isinstance(connector, Pulls):
        raise NotPulled(f"{name} reads {reads.connection}, which is listened to, not pulled")
    journal = node.places.journal()
    number = revision.enter(journal, node.deployment.folder)
    revision.lay_out(journal, number, node.places.revisions)
    failed: list[Exception] = []
    writer = Writer(node.places.journal, wake=lambda: None, fatal=failed.append)
    intake = Intake(
        keyring=node.keyring,
        writer=writer,
        revision=number,
        parts=PARTS[journal.dialect],
        clock=clock.now,
        reader_of=partial(reader_of, node.deployment),
    )
    writer.start()
    try:
        return pull(
            connector,
            reads.connection,
            reads.stream,
            intake=intake,
            journal=journal,
            clock=clock.now,
            stop=threading.Event().is_set,
            guard=Guard(limit=pipeline.vanish_limit, accepted=accept_vanishing),
        )
    finally:
        writer.stop()
        journal.close()


def acceptance(pipeline: str, reason: str, ran: Run) -> dict[str, Any]:
    """The order by which the audit learns that a person called what was missing gone."""
    return {
        "do": "accept", "by": whoever(), "object": pipeline, "reason": reason,
        "detail": {"state": ran.state, "detail": ran.detail, "arrival": ran.arrival.id},
    }  # fmt: skip
