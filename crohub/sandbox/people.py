"""The people of the made-up institution: patients and staff, invented from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

FAMILY = (
    "Abara", "Bergström", "Calloway", "Duarte", "Eriksen", "Fontaine", "García", "Hollis",
    "Ibarra", "Jansen", "Kowalczyk", "Lefèvre", "Mbeki", "Müller", "Nakagawa", "O'Rourke",
    "Petrov", "Quispe", "Rahimi", "Sørensen", "Tamura", "Ueda", "Vance", "Whitaker", "Yilmaz",
    "Zamora", "Begay", "Castellanos", "Dubois", "Farrow",
)  # fmt: skip
GIVEN = {
    "F": ("Ada", "Beatriz", "Chloé", "Dina", "Esther", "Farah", "Greta", "Hana", "Inés", "June",
          "Keiko", "Leila", "Marisol", "Noor", "Olive", "Petra", "Ruth", "Signe", "Talia", "Una"),
    "M": ("Anselm", "Bruno", "Carlos", "Dmitri", "Emil", "Farid", "Gustav", "Hiro", "Ivo", "Jonas",
          "Kofi", "Luís", "Mateo", "Nils", "Omar", "Pavel", "Rafael", "Simon", "Tariq", "Victor"),
}  # fmt: skip
STREETS = ("Mesa Vista Rd", "Juniper St", "Ocotillo Ave", "Canyon Wren Way", "Palo Verde Dr")
TOWNS = (("Cedar Mesa", "85901"), ("Sand Wash", "85902"), ("Red Bluff", "85903"))
# CDC race codes with a believable share each
RACES = (("2106-3", "White", 60), ("1002-5", "American Indian or Alaska Native", 12),
         ("2054-5", "Black or African American", 12), ("2028-9", "Asian", 10),
         ("2131-1", "Other Race", 6))  # fmt: skip
DEPARTMENTS = {
    "ONC": "Oncology", "CAR": "Cardiology", "NEU": "Neurology", "PUL": "Pulmonary & Sleep",
    "END": "Endocrinology", "CRO": "Clinical Research Office",
}  # fmt: skip
JOBS = ("Physician", "Research Coordinator", "Research Nurse", "Data Manager",
        "Regulatory Specialist", "Pharmacist")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """A person the hospital knows. `line` is the interface line that carries the person's
    messages: one line a person keeps them in order."""

    mrn: str
    family: str
    given: str
    born: date
    year_only: bool  # the hospital knows no more than the year of birth
    sex: str  # HL7 table 0001: F, M
    race: tuple[str, str]
    hispanic: bool
    street: str
    town: str
    postcode: str
    phone: str
    ssn: str
    line: int
    died: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Employee:
    """A member of staff as the personnel system knows them; dates are whole days."""

    id: str
    npi: str  # "" for those who do not treat patients
    family: str
    given: str
    email: str
    phone: str
    job: str
    department: str  # a key of DEPARTMENTS
    hired: date
    left: date | None = None
    fte: str = "1.000"


def patient(rng: Random, number: int, *, born_before: date, lines: int) -> Patient:
    """The `number`th patient; numbers never repeat, so neither do MRNs."""
    sex = rng.choice("FM")
    town, postcode = rng.choice(TOWNS)
    code, label, _ = rng.choices(RACES, [share for _, _, share in RACES])[0]
    return Patient(
        mrn=f"{40_000_000 + number * 37:08d}",
        family=rng.choice(FAMILY),
        given=rng.choice(GIVEN[sex]),
        born=born_before - timedelta(days=rng.randint(20 * 365, 90 * 365)),
        year_only=rng.random() < 0.02,
        sex=sex,
        race=(code, label),
        hispanic=rng.random() < 0.25,
        street=f"{rng.randint(1, 990)} {rng.choice(STREETS)}",
        town=town,
        postcode=postcode,
        phone=f"928-555-01{rng.randint(0, 99):02d}",
        ssn=f"900-{number // 10_000:02d}-{number % 10_000:04d}" if rng.random() < 0.7 else "",
        line=number % lines,
    )


def employee(rng: Random, number: int, *, hired: date, job: str = "") -> Employee:
    """The `number`th employee (E101, E102 …) with a job and a department."""
    sex = rng.choice("FM")
    family, given = rng.choice(FAMILY), rng.choice(GIVEN[sex])
    job = job or rng.choice(JOBS)
    treats = job in {"Physician", "Research Nurse", "Pharmacist"}
    return Employee(
        id=f"E{number}",
        npi=npi(number) if treats else "",
        family=family,
        given=given,
        email=f"e{number}@cedarmesa.example",
        phone=f"928-555-01{number % 100:02d}",
        job=job,
        department="CRO" if not treats else rng.choice([d for d in DEPARTMENTS if d != "CRO"]),
        hired=hired,
        fte=rng.choice(("1.000", "1.000", "1.000", "0.800", "0.500")),
    )


def npi(number: int) -> str:
    """A National Provider Identifier with a right check digit (Luhn over 80840 + number)."""
    stem = f"19999{number:04d}"
    total = 0
    for place, digit in enumerate(reversed(f"80840{stem}")):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{stem}{-total % 10}"
