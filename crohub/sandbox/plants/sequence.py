"""What cannot have happened in this order, and studies with more subjects than were agreed.

Controls: a contract signed on the day on which the first subject came, a site with as many subjects
as it may have, a subject found eligible on the day before the randomisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.trials import BLADDER, JOINT, SKIN
from crohub.sandbox.studies import Study

CHECK = "sequence"
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """A contract and an approval that came too late, too many subjects, one randomised too soon."""
    yield from _before_contract(ground)
    yield from _before_approval(ground)
    yield from _too_many(ground)
    yield from _too_soon(ground)


def _before_contract(ground: Ground) -> Iterator[Expected]:
    first = ground.ago(45, 60)
    name = _comes(ground, SKIN, first)
    signed = first + ground.rng.randint(4, 12) * _DAY
    _signed(ground, SKIN, signed)
    yield Expected(CHECK, "before-contract", (
        *name.split(), f"{first}", f"{signed}", f"CTA-{SKIN.number}",
    ))  # fmt: skip


def _before_approval(ground: Ground) -> Iterator[Expected]:
    """Whoever came then signed a form that nobody had approved. The contract is of that day."""
    approved = JOINT.form[0][1]
    first = approved - ground.rng.randint(3, 9) * _DAY
    name = _comes(ground, JOINT, first)
    _signed(ground, JOINT, first)
    yield Expected(CHECK, "before-approval", (*name.split(), f"{first}", f"{approved}"))
    signed = ground.subjects[name].consented_on
    yield Expected("consent", "wrong-version", (*name.split(), f"signed v1 on {signed}"))


def _too_many(ground: Ground) -> Iterator[Expected]:
    """Seven where six were agreed, of whom four at a site that may have three."""
    here, there = BLADDER.sites
    more = ground.rng.randint(0, 3)
    for site, many in ((here, 4 + more), (there, 3)):
        for _ in range(many):
            ground.enrol(BLADDER, site=site.key)
    ground.at("tables/studies", BLADDER.number)["target_enrolment"] = f"{6 + more}"
    told = ground.at("registry/studies", BLADDER.number)["protocolSection"]
    told["designModule"]["enrollmentInfo"]["count"] = 6 + more
    ground.at("tables/study-sites", f"{BLADDER.number} {here.number}").update(
        target_enrolment=f"{3 + more}"
    )
    ground.at("tables/study-sites", f"{BLADDER.number} {there.number}").update(target_enrolment="3")
    yield Expected(CHECK, "above-ceiling", (
        f"{BLADDER.number} site {here.number}", f"{4 + more} subjects", f"{3 + more} were agreed",
    ))  # fmt: skip
    yield Expected(CHECK, "above-ceiling", (
        f"{BLADDER.number}:", f"{7 + more} subjects", f"{6 + more} were agreed",
    ))  # fmt: skip


def _too_soon(ground: Ground) -> Iterator[Expected]:
    """Randomised before being found eligible; another on the day after."""
    name, control = ground.rng.sample(
        [key for key, one in ground.subjects.items() if one.study == BLADDER.key], 2
    )
    for key, days in ((name, -ground.rng.randint(1, 4)), (control, 1)):
        fit = ground.subjects[key].enrolled_on
        assert fit  # noqa: S101 - whoever is enrolled has a day of it
        ground.at("ctms/protocolSubjects", key).update(
            eligibilityDate=f"{fit}", randomizationDate=f"{fit + days * _DAY}"
        )
        if key == name:
            yield Expected(CHECK, "randomised-before-eligible", (
                *name.split(), f"{fit + days * _DAY}", f"{fit}",
            ))  # fmt: skip


def _comes(ground: Ground, study: Study, on: date) -> str:
    """A first subject is enrolled on this day, and another weeks later."""
    for day in (on, on + 20 * _DAY):
        name = ground.enrol(
            study, enrolled_on=day, consented_on=day - 2 * _DAY, since=day + _DAY,
            form=study.form[-1][0],
        )  # fmt: skip
    return f"{study.number} S-{int(name[-4:]) - 1:04d}"


def _signed(ground: Ground, study: Study, on: date) -> None:
    """The contract was signed by all on this day, and filed some days later."""
    ground.at("tables/contracts", study.number)["fully_executed_on"] = f"{on}"
    filed = ground.at("etmf/documents", f"{study.number} Clinical trial agreement")
    filed["document_date__v"] = f"{on + 5 * _DAY}"
