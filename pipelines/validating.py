"""What is found fault with beside the mapping, and stops no message: a sample is compared with its
standard, and a time that cannot be read is told of. Runs in mapping processes, never where a sender
waits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from connectors.formats import er7_validate
from hub.statement import Complaint, Gone, Meaning, Stated

FHIR, HL7 = "application/fhir+json", "hl7v2"
Fault = tuple[str, str, str]  # rule, place, what was expected
_SECONDS = 4.0  # a message's check in its own process; well below what a message's mapping may take


def is_sampled(seq: int, share: float) -> bool:
    """By number, not by chance: the same message is sampled again when it is replayed."""
    return (seq * 2654435761) % 10_000 < share * 10_000


def validated(meaning: Meaning, body: bytes, media: str, fhir_version: str) -> Meaning:
    """`meaning` with a complaint for each place where the message is not what its standard says."""
    return complained(meaning, faults(body, media, fhir_version))


def undated(media: str) -> Fault:
    """What is said of a message whose own time cannot be read."""
    place = "MSH-7" if media == HL7 else "its time"
    return "unreadable-date", place, "the time at which it was so, with its offset or local"


def complained(meaning: Meaning, found: Iterable[Fault]) -> Meaning:
    """`meaning` with complaints about the first thing that it is about."""
    about = next((s for s in meaning.statements if isinstance(s, Stated | Gone)), None)
    made = tuple(
        Complaint(
            rule=rule,
            place=place[:200],
            expected=expected,
            entity=about.entity if about else "",
            key=about.key if about else "",
        )
        for rule, place, expected in found
    )
    return replace(meaning, complaints=(*meaning.complaints, *made))


def faults(body: bytes, media: str, fhir_version: str) -> Iterator[Fault]:
    """What the standard finds, never a value; nothing for a medium without a standard."""
    if media.startswith(FHIR):
        from connectors.fhir.validate import complaints

        for said in complaints(body, fhir_version):  # type: ignore[arg-type] # the connector's own
            yield "fhir-validation", said, f"a valid FHIR {fhir_version} resource"
    elif media == HL7:
        for fault in er7_validate.validate(body, seconds=_SECONDS):
            expected = f"a message as its HL7 version has it: {fault.says}"
            yield "hl7-validation", fault.place or "message", expected
