"""A planned visit of a protocol: when it is due and how far it may move."""

from hub.model.base import Entity, IdentifierType, code, integer, ref, text, texts

TYPES = ("scheduled", "unscheduled", "common")
CONTACT_MODES = ("in_person", "telephone", "video", "home", "remote", "other")


class VisitDef(Entity, table=True):
    __tablename__ = "visit_def"
    __area__ = "studies"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="visit_oid", says="the visit's id in its study", assigned=True,
                       literal=True),
        IdentifierType(type="visit_code", says="what it is called in one version of the calendar",
                       assigned=True),
    )  # fmt: skip

    study_id: str | None = ref("Study", "the study")
    epoch_id: str | None = ref("StudyEpoch", "the epoch it belongs to")
    name: str | None = text(
        "name", longest=400, usdm="Encounter.name", odm="StudyEventDef@Name", hl7="CSS-1.2"
    )
    description: str | None = text("description", longest=40000, usdm="Encounter.description")
    visit_type: str | None = code("type", TYPES, odm="StudyEventDef@Type")
    visit_type_native: str | None = text("type as the source said it", longest=200)
    arms: list[str] | None = texts("names of the arms it is for; none: all")
    sequence: int | None = integer("place in the calendar, from 1")
    planned_day: int | None = integer("day it is due, counted from the anchor", usdm="Timing.value")
    window_before_days: int | None = integer("days it may be early", usdm="Timing.windowLower")
    window_after_days: int | None = integer("days it may be late", usdm="Timing.windowUpper")
    contact_mode: str | None = code("how", CONTACT_MODES, usdm="Encounter.contactModes")
    contact_mode_native: str | None = text("how, as the source said it", longest=200)
    calendar_version: str | None = text("the calendar's version", longest=100)
