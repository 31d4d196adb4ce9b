"""A key risk indicator of a study or site: its value in one period, beside its threshold."""

from hub.model.base import Entity, IdentifierType, code, date, decimal, flag, ref, text

BAD_SIDES = ("above", "below")


class KriValue(Entity, table=True):
    __tablename__ = "kri_value"
    __area__ = "governance"
    __label__ = "indicator"
    __identifiers__ = (
        IdentifierType(type="kri_no", says="a system's number of it", assigned=True),
    )

    study_id: str | None = ref("Study", "the study")
    study_site_id: str | None = ref("StudySite", "the site, where it is about one")
    indicator: str | None = text("what is measured", longest=200)
    category: str | None = text("the risk it tells of", longest=200)
    value: str | None = decimal("the value")
    unit: str | None = text("unit of the value, UCUM or a word", longest=40)
    warning_threshold: str | None = decimal("where attention begins")
    threshold: str | None = decimal("where action is due")
    bad_side: str | None = code("on which side of the threshold it is bad", BAD_SIDES)
    bad_side_native: str | None = text("that side, as the source said it", longest=200)
    breached: bool | None = flag("beyond its threshold, as the source counts")
    period_from: str | None = date("first day of the period")
    period_to: str | None = date("last day of the period")
