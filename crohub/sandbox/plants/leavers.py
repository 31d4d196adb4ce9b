"""People who left, or left a study, and to whom something is still open.

Controls: somebody who left and had everything closed that day, and somebody who left and is back
under another number, with the same NPI.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from crohub.sandbox.plants import edc_words, staff_words
from crohub.sandbox.plants.expected import Expected
from crohub.sandbox.plants.ground import Ground
from crohub.sandbox.plants.trials import AGAIN, BEFORE, CAPTURED, KIDNEY

CHECK = "leavers"
PEOPLE = [f"E{number}" for number in range(741, 747)]


def plant(ground: Ground) -> Iterator[Expected]:
    """Each kind once; who it is differs with each seed."""
    people = list(PEOPLE)
    ground.rng.shuffle(people)
    account, posts, part, user, good, _ = people
    yield from _account(ground, account)
    yield from _posts(ground, posts)
    yield from _part(ground, part)
    yield from _user(ground, user)
    left = _leaves(ground, good)
    ground.joins(KIDNEY, good, approved=False, delegated=False)
    ground.at("ctms/protocolStaff", f"{KIDNEY.number} {good}")["stopDate"] = f"{left}"
    _back_again(ground)


def _account(ground: Ground, who: str) -> Iterator[Expected]:
    """Left, and the EDC still lets them in."""
    left = _leaves(ground, who)
    _lets_in(ground, who)
    yield Expected(CHECK, "account-open", (f"({who})", f"{left}", "edc-lun501", who.lower()))


def _posts(ground: Ground, who: str) -> Iterator[Expected]:
    """Left, and is still delegated and on the staff of a study."""
    ground.joins(KIDNEY, who)
    left = _leaves(ground, who)
    for kind in ("delegation-open", "role-open"):
        yield Expected(CHECK, kind, (f"({who})", f"{left}", KIDNEY.number))


def _part(ground: Ground, who: str) -> Iterator[Expected]:
    """Has ended their part in a study, and is still delegated."""
    ground.joins(KIDNEY, who)
    ended = ground.ago(10, 40)
    ground.at("ctms/protocolStaff", f"{KIDNEY.number} {who}")["stopDate"] = f"{ended}"
    yield Expected(CHECK, "delegation-after-role", (f"({who})", f"{ended}", KIDNEY.number))


def _user(ground: Ground, who: str) -> Iterator[Expected]:
    """Has ended their part in a study, and its EDC still lets them in."""
    ground.joins(CAPTURED, who, delegated=False)
    ended = ground.ago(10, 40)
    ground.at("ctms/protocolStaff", f"{CAPTURED.number} {who}")["stopDate"] = f"{ended}"
    _lets_in(ground, who)
    yield Expected(CHECK, "account-after-role", (
        f"({who})", f"{ended}", CAPTURED.number, "edc-lun501",
    ))  # fmt: skip


def _back_again(ground: Ground) -> None:
    left = ground.ago(60, 90)
    _leaves(ground, BEFORE, left)
    ground.at("directory/users", BEFORE)["active"] = True
    back = replace(ground.staff[AGAIN], hired=left + timedelta(days=30))
    ground.put(staff_words.employed(back))


def _leaves(ground: Ground, who: str, on: date | None = None) -> date:
    """Somebody's last day, on which the directory locks their account."""
    left = on or ground.ago(5, 40)
    ground.put(staff_words.employed(replace(ground.staff[who], left=left)))
    ground.at("directory/users", who)["active"] = False
    return left


def _lets_in(ground: Ground, who: str) -> None:
    ground.put(iter([("edc/users", who, edc_words.user(ground.staff[who]))]))
