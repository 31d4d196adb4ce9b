"""What each system says of a field, as the evidence of a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.checks.check import Evidence
from hub.checks.look import Look


def told(
    look: Look, entity: str, ids: Iterable[str], field: str, *, says: str, of: str
) -> Iterator[Evidence]:
    """Of these records one piece of evidence for each system that has a value of `field`; `says`
    takes it in as {}: "approved until {}". Of a moment the day is told."""
    for statements in look.said(entity, ids).values():
        for one in statements:
            if (value := one.fields.get(field)) is not None:
                text = str(value)[:10] if "T" in str(value) and field.endswith("_at") else value
                yield Evidence(system=one.system, says=says.format(text), of=of, at=one.when(field))
