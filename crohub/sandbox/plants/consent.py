"""Consents and visits that the form, the approval or the activation of their day did not cover.

Controls: the old form on the last day before the new one, the new form on its first day, a subject
who signed the old form and then the new one, who came and signed on the last day of an approval,
and at a site on the day of its activation. The institution's own portal says of the approval that
ran out that it is good for another year: it is not the board of record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox import resources
from crohub.sandbox.plants import office_words, oncore_words
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.trials import BLOOD, BREATH, SECOND
from crohub.sandbox.studies import Study

CHECK = "consent"
RAN_OUT = date(2026, 3, 10)
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once, in another order with each seed."""
    _reviewed_elsewhere(ground)
    kinds = [_old_form, _form_to_come, _not_again, _in_lapse, _before_activation]
    ground.rng.shuffle(kinds)
    for kind in kinds:
        ground.enrol(BLOOD)
        yield from kind(ground)


def _old_form(ground: Ground) -> Iterator[Expected]:
    """Signed the old form after the new one was in force; others on the days around the change."""
    name = _signs(ground, BLOOD, SECOND + ground.rng.randint(3, 12) * _DAY, "v1")
    _signs(ground, BLOOD, SECOND, "v2")
    last = _signs(ground, BLOOD, SECOND - _DAY, "v1")
    ground.leaves(last, SECOND + 5 * _DAY)
    on = ground.subjects[name].consented_on
    yield Expected(CHECK, "wrong-version", (*name.split(), f"signed v1 on {on}", "is v2"))


def _form_to_come(ground: Ground) -> Iterator[Expected]:
    """Signed the new form before it was approved."""
    name = _signs(ground, BLOOD, SECOND - ground.rng.randint(4, 15) * _DAY, "v2")
    on = ground.subjects[name].consented_on
    yield Expected(CHECK, "wrong-version", (*name.split(), f"signed v2 on {on}", "is v1"))


def _not_again(ground: Ground) -> Iterator[Expected]:
    """Is on study with the old form; another has signed the new one since."""
    name, other = (
        _signs(ground, BLOOD, SECOND - ground.rng.randint(20, 40) * _DAY, "v1") for _ in range(2)
    )
    one = ground.subjects[other]
    again = resources.consent(one, BLOOD) | {
        "id": f"con-{one.id}-2",
        "dateTime": f"{SECOND + 9 * _DAY}",
    }
    form = f"{BLOOD.number} informed consent form v2"
    again |= {"sourceAttachment": {"title": form}, "policyRule": {"text": form}}
    again["identifier"] = [again["identifier"][0] | {"value": f"CON-{one.id}-2"}]
    ground.put(iter([("register/Consent", f"{other} again", again)]))
    yield Expected(CHECK, "reconsent-due", (*name.split(), "signed v1", "v2", f"{SECOND}"))


def _in_lapse(ground: Ground) -> Iterator[Expected]:
    """One signs, another comes for a visit, after the approval had run out; a third did both on its
    last day."""
    late = RAN_OUT + ground.rng.randint(1, 6) * _DAY
    name = _signs(ground, BREATH, late, "v1")
    yield Expected(CHECK, "consent-in-lapse", (*name.split(), f"{late}", f"{RAN_OUT}"))
    comes = ground.enrol(BREATH)
    _comes(ground, BREATH, comes, "C1D8", late)
    _comes(ground, BREATH, comes, "C1D1", RAN_OUT)
    yield Expected(CHECK, "visit-in-lapse", (*comes.split(), f"{late}", f"{RAN_OUT}"))
    _signs(ground, BREATH, RAN_OUT, "v1")


def _before_activation(ground: Ground) -> Iterator[Expected]:
    """The second site was activated in the winter; one signed, and was seen, before."""
    began = ground.ago(50, 60)
    site = BREATH.sites[1]
    ground.at("tables/study-sites", f"{BREATH.number} {site.number}")["activated_on"] = f"{began}"
    early = began - ground.rng.randint(2, 8) * _DAY
    name = _signs(ground, BREATH, early, "v1", site=site.key)
    _comes(ground, BREATH, name, "C1D1", began - _DAY)
    _signs(ground, BREATH, began, "v1", site=site.key)
    words = (*name.split(), f"site {site.number}", f"{began}")
    yield Expected(CHECK, "consent-before-activation", (*words, f"{early}"))
    yield Expected(CHECK, "visit-before-activation", (*words, f"{began - _DAY}"))
    yield Expected("sequence", "before-activation", words)


def _reviewed_elsewhere(ground: Ground) -> None:
    """Another board has the study; the institution's own portal keeps a note of it."""
    row = ground.at("irb/submissions", BREATH.irb) | {"board": "WCG", "irbOfRecord": "WCG"}
    note = office_words.approved(BREATH, "v1", BREATH.form[0][1], first=True) | {
        "type": "Reliance Request", "state": "External IRB", "irbOfRecord": "WCG",
        "expirationDate": "2027-03-09", "documents": [],
    }  # fmt: skip
    ground.put(iter([("irb/submissions", BREATH.irb, row),
                     ("irb/submissions", f"REL{BREATH.irb[5:]}", note)]))  # fmt: skip


def _signs(ground: Ground, study: Study, on: date, form: str, **more: str) -> str:
    return ground.enrol(
        study, consented_on=on, enrolled_on=on + _DAY, since=on + 2 * _DAY, form=form, **more
    )


def _comes(ground: Ground, study: Study, name: str, code: str, on: date) -> None:
    one = ground.subjects[name]
    ground.put(oncore_words.visit(study, one, code, f"{on}", f"{on}"))
