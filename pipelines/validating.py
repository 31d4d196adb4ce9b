"""A sample of the messages compared with their standard; what departs from it becomes a finding
and never stops a message. Runs in mapping processes, never where a sender waits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connectors.formats import er7_validate
from hub.statement import Complaint, Meaning, Stated

FHIR, HL7 = "application/fhir+json", "hl7v2"
_SECONDS = 4.0  # a message's check in its own process; well below what a message's mapping may take


def is_sampled(seq: int, share: float) -> bool:
    """By number, not by chance: the same message is sampled again when it is replayed."""
    return (seq * 2654435761) % 10_000 < share * 10_000


def validated(meaning: Meaning, body: bytes, media: str, fhir_version: str) -> Meaning:
    """`meaning` with a complaint for each place where the message is not what its standard says."""
    stated = [s for s in meaning.statements if isinstance(s, Stated)]
    found = tuple(
        Complaint(
            rule=rule,
            place=place[:200],
            expected=expected,
            entity=stated[0].entity if stated else "",
            key=stated[0].key if stated else "",
        )
        for rule, place, expected in faults(body, media, fhir_version)
    )
    return replace(meaning, complaints=(*meaning.complaints, *found))


def faults(body: bytes, media: str, fhir_version: str) -> Iterator[tuple[str, str, str]]:
    """Rule, place and what was expected, never a value; nothing for a medium without a standard."""
    if media.startswith(FHIR):
        from connectors.fhir.validate import complaints

        for said in complaints(body, fhir_version):  # type: ignore[arg-type] # the connector's own
            yield "fhir-validation", said, f"a valid FHIR {fhir_version} resource"
    elif media == HL7:
        for fault in er7_validate.validate(body, seconds=_SECONDS):
            expected = f"a message as its HL7 version has it: {fault.says}"
            yield "hl7-validation", fault.place or "message", expected
