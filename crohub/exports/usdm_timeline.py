"""The schedule of a USDM study design: encounters, activities, and when each is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crohub.exports.usdm_words import Json, Words, linked
from hub.render import Record

_CODE_SYSTEMS = {"cpt": "CPT", "hcpcs": "HCPCS", "snomed": "SNOMED CT", "loinc": "LOINC"}


@dataclass(slots=True)
class Schedule:
    """The parts of a design that hang together by ids."""

    encounters: list[Json] = field(default_factory=list)
    activities: list[Json] = field(default_factory=list)
    timelines: list[Json] = field(default_factory=list)


def schedule(
    words: Words,
    visits: Sequence[Record],
    procedures: Sequence[Record],
    planned: dict[str, list[str]],
    epochs: dict[str, str],
) -> Schedule:
    """`planned`: the procedures of each visit; `epochs`: the ids that epochs have here. Days count
    from the visit on day 0; where there is none, from an anchor of its own."""
    activities = {one["id"]: _activity(words, one) for one in procedures}
    made = Schedule(activities=linked(list(activities.values())))
    if not visits:
        return made
    instances, timings = [], []
    anchor: Json | None = None
    for visit in visits:
        instance = _instance(words, visit, activities, planned, epochs)
        made.encounters.append(_encounter(words, visit))
        instance["encounterId"] = made.encounters[-1]["id"]
        instances.append((visit, instance))
        if visit["planned_day"] == 0 and anchor is None:
            anchor = instance
    if anchor is None:
        anchor = _anchor(words)
        instances.insert(0, ({"planned_day": 0, "name": "Anchor"}, anchor))
    for visit, instance in instances:
        if visit["planned_day"] is not None:
            timings.append(_timing(words, visit, instance, anchor))
            _told(made.encounters, instance, timings[-1])
    linked(made.encounters)
    made.timelines.append(_timeline(words, [one for _, one in instances], timings, anchor))
    return made


def _told(encounters: list[Json], instance: Json, timing: Json) -> None:
    for one in encounters:
        if one["id"] == instance["encounterId"]:
            one["scheduledAtId"] = timing["id"]


def _encounter(words: Words, visit: Record) -> Json:
    mode = words.of("usdm-contact-mode", visit["contact_mode"])
    return words.named(
        "Encounter", visit["name"] or visit["id"], description=visit["description"],
        type=words.code("Visit"), scheduledAtId=None, environmentalSettings=[],
        contactModes=[mode] if mode else [], transitionStartRule=None, transitionEndRule=None,
    )  # fmt: skip


def _activity(words: Words, procedure: Record) -> Json:
    """What is done; its procedure where a code says which."""
    defined = []
    if procedure["procedure_code"]:
        system = _CODE_SYSTEMS.get(procedure["code_system"] or "", "local")
        code = words.made("Code", code=procedure["procedure_code"], codeSystem=system,
                          codeSystemVersion="", decode=procedure["name"] or "")  # fmt: skip
        defined.append(words.named("Procedure", procedure["name"] or procedure["id"],
                                   procedureType="", code=code))  # fmt: skip
    return words.named(
        "Activity", procedure["name"] or procedure["id"], description=procedure["description"],
        definedProcedures=defined, biomedicalConceptIds=[], bcCategoryIds=[], bcSurrogateIds=[],
        childIds=[], timelineId=None,
    )  # fmt: skip


def _instance(
    words: Words, visit: Record, activities: dict[str, Json], planned: dict[str, list[str]],
    epochs: dict[str, str],
) -> Json:  # fmt: skip
    own = [activities[one]["id"] for one in planned.get(visit["id"], ()) if one in activities]
    epoch = epochs.get((visit["epoch"] or {}).get("id", ""))
    return words.named(
        "ScheduledActivityInstance", visit["name"] or visit["id"], epochId=epoch,
        activityIds=own, encounterId=None, timelineId=None, timelineExitId=None,
        defaultConditionId=None,
    )  # fmt: skip


def _anchor(words: Words) -> Json:
    return words.named(
        "ScheduledActivityInstance", "Anchor", epochId=None, activityIds=[], encounterId=None,
        timelineId=None, timelineExitId=None, defaultConditionId=None,
    )  # fmt: skip


def _timing(words: Words, visit: Record, instance: Json, anchor: Json) -> Json:
    day = visit["planned_day"]
    kind = "Fixed Reference" if instance is anchor else "Before" if day < 0 else "After"
    before, after = visit.get("window_before_days"), visit.get("window_after_days")
    window = f"-{before or 0} to +{after or 0} days" if before or after else None
    return words.named(
        "Timing", f"{instance['name']} timing", type=words.code(kind), value=f"P{abs(day)}D",
        valueLabel=f"day {day}", relativeToFrom=words.code("Start to Start"),
        relativeFromScheduledInstanceId=instance["id"],
        relativeToScheduledInstanceId=None if instance is anchor else anchor["id"],
        windowLower=_days(before), windowUpper=_days(after), windowLabel=window,
    )  # fmt: skip


def _days(days: int | None) -> str | None:
    return None if days is None else f"P{days}D"


def _timeline(words: Words, instances: list[Json], timings: list[Json], anchor: Json) -> Json:
    left = words.made("ScheduleTimelineExit")
    return words.named(
        "ScheduleTimeline", "Main timeline", mainTimeline=True, entryCondition="in the study",
        entryId=anchor["id"], exits=[left], timings=timings, instances=instances,
        plannedDuration=None,
    )  # fmt: skip
