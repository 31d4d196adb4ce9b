"""What answers are made of beside the records: the schemas that several operations name."""

from __future__ import annotations

from hub.api.openapi_parts import Json, a_page, an_object
from hub.decisions import STATES

_OBJECTS: Json = {"type": "object", "additionalProperties": True}
_WHEN = "string?"


def schemas() -> Json:
    """By name."""
    made = {
        "Problem": an_object(
            "what went wrong (RFC 9457); `code` is stable", type="string", title="string",
            status="integer", code="string", instance="string", detail_="string",
            errors_="[$Mistake]",
        ),
        "Mistake": an_object(
            "one field of a body that was not as expected; never its value",
            field="string", expected="string", found="string",
        ),
        "Said": an_object(
            "who said a field, in which message", assertion="integer", system="string",
            message="integer", at=_WHEN,
        ),
        "Version": an_object(
            "one version of a record and what it changed", version="integer",
            valid_from=_WHEN, recorded_at=_WHEN, changed=_OBJECTS, part_="string",
            provenance_={"type": "object", "additionalProperties": {"$ref": _SAID}},
        ),
        "Told": an_object(
            "why fields have their values", entity="string", id="string", name="string",
            fields="[object]",
        ),
        "Change": an_object(
            "one version, as the feed tells it; of a sealed one without what changed",
            entity="string", id="string", version="integer", recorded_at="string",
            cursor="string", changed_=_OBJECTS, by_=_WHEN, message_="integer?",
        ),
        "Changes": an_object(
            "`next` is always given; `more`: go on at once", items="[$Change]", next="string",
            more="boolean",
        ),
        "Finding": an_object(
            "something about the data that is not right", id="string", rule="string",
            entity=_WHEN, entity_id=_WHEN, field=_WHEN, state="open|signed_off|closed",
            opened_at="string", closed_at=_WHEN, owner=_WHEN, found_="string?",
            expected_="string?", study_id_=_WHEN, evidence_="[object]?", signed_off_="object?",
        ),
        "Question": an_object(
            "what waits for a person's answer", id="string", kind="string", evidence=_OBJECTS,
            proposal=_OBJECTS, state="|".join(STATES), opened_at="string", expires_at=_WHEN,
            decided_at=_WHEN, decided_by=_WHEN, reason=_WHEN, records_="[object?]",
        ),
        "Outcome": an_object(
            "what came of an order; `done` false: it is stored and will be obeyed",
            done="boolean",
        ),
        "Answered": an_object(
            "how many questions were answered", done_="boolean", answered_="integer",
            left_open_="integer",
        ),
        "Outvoted": an_object(
            "a field that is not believed as it was written, and whose word is; null: nobody's "
            "yet, it waits for a person", field="string", believed=_WHEN,
        ),
        "CheckSummary": an_object(
            "what one check compares and how much of it is open", name="string",
            number="integer", title="string", says="string", on="boolean", kinds="[object]",
            tolerances=_OBJECTS, open="integer?", signed_off="integer?",
        ),
        "CheckFinding": an_object(
            "one thing a check has found, as a coordinator would say it", id="string",
            check="string", kind="string", sentence="string", evidence="[object]?",
            act="string", owner=_WHEN, since=_WHEN, age_days="integer?", study="$Reference?",
            record="$Reference?", state="string", signed_off="object?", opened_at="string",
            closed_at=_WHEN,
        ),
    }  # fmt: skip
    for name in ("Version", "Finding", "Question", "CheckSummary", "CheckFinding"):
        made[f"{name}Page"] = a_page(f"${name}")
    return made


_SAID = "#/components/schemas/Said"
