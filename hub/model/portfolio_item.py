"""One thing in another: a study or project in a portfolio, or a study in a project."""

from hub.model.base import Entity, date, decimal, ref


class PortfolioItem(Entity, table=True):
    __tablename__ = "portfolio_item"
    __area__ = "portfolio"

    portfolio_id: str | None = ref("Portfolio", "the portfolio it is in")
    research_project_id: str | None = ref(
        "ResearchProject", "the project that is in the portfolio, or that the study is in"
    )
    study_id: str | None = ref("Study", "the study that is in it")
    weight: str | None = decimal("how much of it counts there, 1 is all")
    start_on: str | None = date("first day in it")
    end_on: str | None = date("last day in it")
