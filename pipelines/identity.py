"""`policies/identity.yaml`: from when on records that may be one are asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from hub.matching.settings import DEFAULTS, Bounds, Matching
from mappings import document
from mappings.mistakes import Mistakes
from pipelines import written

FILE = "identity.yaml"
_Searched = Literal["Participant", "Person", "Organization"]
_ALL: tuple[_Searched, ...] = ("Participant", "Person", "Organization")


class _Bounds(BaseModel):
    """In bits. `review`: a person is asked; `link`: the hub answers for them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: float = Field(gt=0)
    link: float | None = None

    @field_validator("link")
    @classmethod
    def _above(cls, link: float | None, info: ValidationInfo) -> float | None:
        if link is not None and link < info.data.get("review", 0):
            raise ValueError("expected link to be above review")
        return link


class _Participants(BaseModel):
    """A participant is never linked without a strong identifier: there is no `link`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: float = Field(gt=0)


class _Identity(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    search: tuple[_Searched, ...] = _ALL
    lapse_after_days: int = Field(Matching().days, ge=0)
    Participant: _Participants | None = None
    Person: _Bounds | None = None
    Organization: _Bounds | None = None


def matching(folder: Path, mistakes: Mistakes) -> Matching:
    """What the file says over the defaults; the defaults where there is none."""
    path = folder / "policies" / FILE
    table = document.read(path, mistakes, name=f"policies/{FILE}") if path.exists() else None
    said = written.checked(table, _Identity, mistakes, {}) if table else None
    if said is None:
        return Matching()
    bounds: dict[str, Bounds] = {}
    for name in said.search:
        own = getattr(said, name)
        bounds[name] = (
            Bounds(review=own.review, link=getattr(own, "link", None)) if own else DEFAULTS[name]
        )
    return Matching(bounds=bounds, days=said.lapse_after_days)
