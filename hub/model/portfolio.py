"""A portfolio: studies and projects that are looked at together, such as a programme."""

from hub.model.base import Entity, IdentifierType, code, date, ref, text

KINDS = ("programme", "portfolio", "therapeutic_area", "cancer_centre_program", "other")


class Portfolio(Entity, table=True):
    __tablename__ = "portfolio"
    __area__ = "portfolio"
    __label__ = "name"
    __identifiers__ = (
        IdentifierType(type="portfolio_no", says="a system's number of it", assigned=True),
    )

    name: str | None = text("name", longest=400)
    kind: str | None = code("what holds it together", KINDS)
    kind_native: str | None = text("kind as the source said it", longest=200)
    description: str | None = text("description", longest=40000)
    owner_id: str | None = ref("Organization", "the unit that owns it")
    lead_id: str | None = ref("Person", "who leads it")
    part_of_id: str | None = ref("Portfolio", "the portfolio it is part of")
    start_on: str | None = date("first day")
    end_on: str | None = date("last day")
