"""How the API describes what people say of records: merges, their undoing, overrides."""

from __future__ import annotations

from hub.api.openapi_lists import reasoned
from hub.api.openapi_parts import Json, operation, record_id
from hub.model.spec import EntitySpec


def paths(path: str, spec: EntitySpec) -> Json:
    """The operations below the address of one record."""
    until: Json = {"type": "string", "format": "date-time"}
    says: dict[str, tuple[str, Json]] = {
        "merge": (
            "this record and another are one; the older id stays", reasoned(other="string"),
        ),
        "unmerge": ("this record is no part of another any more", reasoned()),
        "split": (
            "a system's key is not of this record", reasoned(system="string", key="string"),
        ),
        "override": (
            "a field is what a person says, until its time is over; null: it has no value",
            reasoned(field="string", value="anything", until_=until),
        ),
    }  # fmt: skip
    return {
        f"{path}/{do}": {
            "post": operation(
                spec.name, told, "$Outcome", [record_id()], body=body, statuses=("200", "202")
            )
        }
        for do, (told, body) in says.items()
    }
