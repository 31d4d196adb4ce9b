"""Tasks that are delegated to people who must not do them, and consents they obtained.

Controls: somebody whose certificate was renewed on the day before it ran out, somebody whose papers
run out, but not soon, and the coordinator, who has everything and obtains most consents.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from crohub.sandbox.plants import staff_words
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.trials import BLOOD

CHECK = "delegation"
NURSES = [f"E{number}" for number in range(721, 731)]
_DAY = timedelta(days=1)


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once; who it is differs with each seed."""
    nurses = list(NURSES)
    ground.rng.shuffle(nurses)
    kinds = [_training, _licence, _curriculum, _unapproved, _soon, _acted, _nobodys]
    for kind, who in zip(kinds, nurses, strict=False):
        yield from kind(ground, who)
    renewed, later, good = nurses[len(kinds) : len(kinds) + 3]
    _ran_out(ground, renewed, last := ground.ago(10, 40))
    _renewed(ground, renewed, last - _DAY)
    for who, until in ((later, ground.today + 60 * _DAY), (good, ground.today + 900 * _DAY)):
        ground.joins(BLOOD, who)
        _ran_out(ground, who, until)
    ground.joins(BLOOD, renewed)


def _training(ground: Ground, who: str) -> Iterator[Expected]:
    """Still delegated, and has obtained a consent since the certificate ran out."""
    ground.joins(BLOOD, who)
    last = ground.ago(20, 40)
    _ran_out(ground, who, last)
    on = last + ground.rng.randint(3, 9) * _DAY
    name = _obtains(ground, who, on)
    yield Expected(CHECK, "training-missing", (
        f"({who})", BLOOD.number, "GCP", f"{last}", name.split()[1], f"{on}",
    ))  # fmt: skip


def _licence(ground: Ground, who: str) -> Iterator[Expected]:
    """May assess adverse events, with a licence that has run out."""
    ground.joins(BLOOD, who)
    last = ground.ago(5, 60)
    row = ground.at("tables/delegations", f"{BLOOD.number} {who}")
    row["tasks"] = "consent;ae_assessment"
    ground.at("tables/credentials", f"{who} licence")["expires_on"] = f"{last}"
    yield Expected(CHECK, "licence-missing", (f"({who})", BLOOD.number, "licence", f"{last}"))


def _curriculum(ground: Ground, who: str) -> Iterator[Expected]:
    ground.joins(BLOOD, who)
    last = ground.ago(5, 60)
    ground.at("tables/credentials", f"{who} cv")["expires_on"] = f"{last}"
    yield Expected(CHECK, "cv-missing", (f"({who})", BLOOD.number, "curriculum vitae", f"{last}"))


def _unapproved(ground: Ground, who: str) -> Iterator[Expected]:
    """The IRB has never heard that they work on the study."""
    ground.joins(BLOOD, who, approved=False)
    yield Expected(CHECK, "role-not-approved", (f"({who})", BLOOD.number, "IRB"))


def _soon(ground: Ground, who: str) -> Iterator[Expected]:
    ground.joins(BLOOD, who)
    last = ground.today + ground.rng.randint(5, 25) * _DAY
    _ran_out(ground, who, last)
    yield Expected(CHECK, "expires-soon", (f"({who})", BLOOD.number, "GCP", f"{last}"))


def _acted(ground: Ground, who: str) -> Iterator[Expected]:
    """Obtained a consent after a certificate had run out and before it was renewed."""
    ground.joins(BLOOD, who)
    last = ground.ago(45, 60)
    _ran_out(ground, who, last)
    _renewed(ground, who, last + 15 * _DAY)
    on = last + ground.rng.randint(3, 9) * _DAY
    name = _obtains(ground, who, on)
    yield Expected(CHECK, "acted-without", (
        f"({who})", "GCP", f"{last}", name.split()[1], f"{on}",
    ))  # fmt: skip


def _nobodys(ground: Ground, who: str) -> Iterator[Expected]:
    """Obtained a consent, and nobody had delegated it."""
    ground.joins(BLOOD, who, delegated=False)
    on = ground.ago(20, 40)
    name = _obtains(ground, who, on)
    yield Expected(CHECK, "not-delegated", (
        f"({who})", BLOOD.number, name.split()[1], f"{on}",
    ))  # fmt: skip


def _obtains(ground: Ground, who: str, on: date) -> str:
    return ground.enrol(
        BLOOD, obtained_by=who, consented_on=on, enrolled_on=on + _DAY, since=on + 2 * _DAY,
        form="v2",
    )  # fmt: skip


def _ran_out(ground: Ground, who: str, last: date) -> None:
    """The certificate of good clinical practice is good until this day."""
    ground.at("tables/training-records", who)["expires_on"] = f"{last}"


def _renewed(ground: Ground, who: str, on: date) -> None:
    [(place, _, row), *_] = staff_words.qualified(ground.staff[who])
    again = row | {"completion_no": f"GCP-{who}-2", "completed_on": f"{on}",
                   "expires_on": f"{on + 1095 * _DAY}"}  # fmt: skip
    ground.put(iter([(place, f"{who} again", again)]))
