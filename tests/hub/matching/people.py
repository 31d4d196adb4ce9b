"""Made-up people and what offices make of them: typing errors, short names, moved houses.

Also those who are not one and nearly look it: siblings, twins, fathers and sons, namesakes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta

from hub.matching.nicknames import _FORMS

_FAMILY = tuple(
    """
    smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez
    gonzalez wilson anderson thomas taylor moore jackson martin lee perez thompson white harris
    sanchez clark ramirez lewis robinson walker young allen king wright scott torres nguyen hill
    flores green adams nelson baker hall rivera campbell mitchell carter roberts okafor petrov
    kowalski nakamura lindqvist fitzgerald vandermeer oconnor delacroix schneider abernathy
    """.split()  # noqa: SIM905 - sixty names in sixty quotes are no better to read
)
_DEPARTMENTS = ("Oncology", "Cardiology", "Neurology", "Surgery", "Radiology", "Medicine")
_ENDS = ("", "", "", "son", "man", "er", "ski", "ton", "ley", "field", "worth", "berg")


@dataclass(frozen=True)
class Human:
    """`truth`: who it really is."""

    truth: int
    family_name: str
    given_name: str
    birth_date: str
    sex: str
    postal_code: str
    phone: str
    email: str

    def fields(self) -> dict[str, str]:
        names = ("family_name", "given_name", "birth_date", "postal_code", "phone", "email")
        return {name: value for name in names if (value := getattr(self, name))}


class Registry:
    """Draws people from one seed: the same each time."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._given = [line.split() for line in _FORMS.strip().split("\n")]
        self._truth = 0

    def human(self) -> Human:
        one, self._truth = self.chance, self._truth + 1
        family = one.choice(_FAMILY) + one.choice(_ENDS)
        given = one.choice(self._given)[0]
        return Human(
            truth=self._truth,
            family_name=family,
            given_name=given,
            birth_date=self._born(),
            sex=one.choice(("female", "male")),
            postal_code=f"{one.randrange(100, 400)}{one.randrange(100):02d}",
            phone=f"+1 {one.randrange(200, 999)} {one.randrange(2_000_000, 9_999_999)}",
            email=f"{given}.{family}{one.randrange(99)}@mail.example" if one.random() < 0.6 else "",
        )

    def near(self, human: Human) -> Human:
        """Somebody else who looks like them: sibling, twin, child of the same name, namesake."""
        other = self.human()
        kind = self.chance.randrange(4)
        home = {"postal_code": human.postal_code, "phone": human.phone}
        if kind == 0:  # sibling
            return replace(other, family_name=human.family_name, **home)
        if kind == 1:  # twin
            twin = {"family_name": human.family_name, "birth_date": human.birth_date, **home}
            return replace(other, **twin)
        if kind == 2:  # child of the same name
            year = int(human.birth_date[:4]) + self.chance.randrange(20, 40)
            born = f"{year}{self._born()[4:]}"
            same = {"family_name": human.family_name, "given_name": human.given_name}
            return replace(other, **same, sex=human.sex, birth_date=born, **home)
        return self.namesake(human)

    def namesake(self, human: Human) -> Human:
        """Somebody else of the same name."""
        other = self.human()
        return replace(other, family_name=human.family_name, given_name=human.given_name)

    def staff(self, human: Human, *, elsewhere: bool = False) -> dict[str, str]:
        """A person at work; `elsewhere`: as another office has them, which knows less."""
        one = random.Random(human.truth)  # the same at each office
        address = f"{human.given_name}.{human.family_name}{human.truth}@uh.example"
        own = {"email": address, "phone": human.phone, "department": one.choice(_DEPARTMENTS)}
        known = human
        if elsewhere:
            known = self.again(human)
            own = {name: value for name, value in own.items() if self.chance.random() < 0.6}
        return {"family_name": known.family_name, "given_name": known.given_name} | own

    def again(self, human: Human) -> Human:
        """The same person at another office: one to three things are not as they were."""
        ways = [
            self._mistyped, self._short, self._turned, self._wrong_day, self._moved,
            self._new_number, self._married, self._left_out, self._partial,
        ]  # fmt: skip
        drawn = self.chance.sample(ways, self.chance.randrange(1, 4))
        for way in sorted(drawn, key=ways.index):  # a date is cut off last
            human = way(human)
        return human

    def _born(self) -> str:
        day = date(1930, 1, 1) + timedelta(days=self.chance.randrange(28_000))
        return day.isoformat()

    def _mistyped(self, human: Human) -> Human:
        name = self.chance.choice(("family_name", "given_name"))
        text = getattr(human, name)
        at = self.chance.randrange(1, max(len(text) - 1, 2))
        what = self.chance.randrange(3)
        if what == 0:  # two letters turned
            text = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
        elif what == 1:
            text = text[:at] + text[at + 1 :]
        else:
            text = text[:at] + self.chance.choice("aeiorstn") + text[at:]
        return replace(human, **{name: text})

    def _short(self, human: Human) -> Human:
        forms = next((f for f in self._given if f[0] == human.given_name), [human.given_name])
        return replace(human, given_name=self.chance.choice(forms[1:] or forms))

    def _turned(self, human: Human) -> Human:
        year, month, day = human.birth_date.split("-")
        fits = int(day) <= 12
        return replace(human, birth_date=f"{year}-{day}-{month}" if fits else human.birth_date)

    def _wrong_day(self, human: Human) -> Human:
        day = int(human.birth_date[8:])
        return replace(human, birth_date=f"{human.birth_date[:8]}{(day + 9) % 28 + 1:02d}")

    def _moved(self, human: Human) -> Human:
        other = self.human()
        return replace(human, postal_code=other.postal_code, phone=other.phone)

    def _new_number(self, human: Human) -> Human:
        return replace(human, phone=self.human().phone, email="")

    def _married(self, human: Human) -> Human:
        if human.sex != "female" or self.chance.random() < 0.7:
            return human
        return replace(human, family_name=self.human().family_name)

    def _left_out(self, human: Human) -> Human:
        return replace(human, **{self.chance.choice(("phone", "email", "postal_code")): ""})

    def _partial(self, human: Human) -> Human:
        return replace(human, birth_date=human.birth_date[:7])
