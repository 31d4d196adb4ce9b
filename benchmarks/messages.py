"""Made-up ADT messages of 1.2 kB, as an interface engine sends them. No real person is meant."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

FAMILIES = ("Okafor", "Lindqvist", "Moreau", "Tanaka", "Haddad", "Novak", "Silva", "O'Brien")
BEGAN = datetime(2026, 6, 1)  # noqa: DTZ001 - written with its offset below
GIVEN = ("Ada", "Bjorn", "Chloe", "Daiki", "Elias", "Fatima", "Goran", "Hana", "Ivo", "Jana")
DOCTOR = "^WELBY^MARCUS^^^DR^^^NPI"


def adt(number: int, patient: int, *, trigger: str = "A08") -> bytes:
    """One message, unframed. `number` makes its control id, its time and what changes from
    message to message (address, telephone, bed); `patient` everything that a person keeps."""
    at = f"{BEGAN + timedelta(seconds=number):%Y%m%d%H%M%S}"
    doctor, street = f"{1000 + number % 300}{DOCTOR}", f"{number % 900} ELM ST"
    segments = (
        f"MSH|^~\\&|ADT1|NORTHGEN|HUB|RESEARCH|{at}+0000||ADT^{trigger}^ADT_A01|{control(number)}"
        "|P|2.5.1|||AL|NE|USA|UNICODE UTF-8",
        f"EVN|{trigger}|{at}|||OPER{number % 99:02d}^SMITH^ALEX^^^^^^NORTHGEN",
        pid(number, patient),
        f"PD1|||NORTH GENERAL HOSPITAL^^12345|{doctor}",
        f"NK1|1|{FAMILIES[(patient + 3) % 8]}^PAT|SPO^Spouse^HL70063|{street}^^SPRINGFIELD^IL^62701"
        f"|^PRN^PH^^1^217^555{number % 10000:04d}",
        f"PV1|1|{'IOE'[number % 3]}|4W^4{number % 40:02d}^A^NORTHGEN^^^^^4 WEST||||{doctor}"
        f"|{doctor}||MED||||7|||{doctor}|INP|V{number:08d}^^^NORTHGEN^VN{'|' * 25}{at}",
        "PV2||P^Private|^ABDOMINAL PAIN",
        "AL1|1|DA^Drug allergy^HL70127|70618^Penicillin^RXNORM|SV^Severe^HL70128|Anaphylaxis",
        "DG1|1||R10.9^Unspecified abdominal pain^I10|||A",
        f"GT1|1||{FAMILIES[patient % 8]}^{GIVEN[patient % 10]}||{street}^^SPRINGFIELD^IL^62701",
        f"IN1|1|PPO^Preferred^HL70072|INS{number % 40:03d}|BLUE SHIELD|PO BOX 1^^CHICAGO^IL^60601"
        f"|||G{number % 7000:05d}",
        f"ZRS|1|WARD-{number % 60:03d}|REGISTRATION DESK {number % 9}|{at[:8]}",
    )
    return ("\r".join(segments) + "\r").encode()


def pid(number: int, patient: int) -> str:
    """The PID segment: two numbers of the person, demographics, address and telephones."""
    born = f"{1940 + patient % 65:04d}{1 + patient % 12:02d}{1 + patient % 28:02d}"
    return (
        f"PID|1||{mrn(patient)}^^^NORTHGEN^MR~{900000000 + patient}^^^USSSA^SS||"
        f"{FAMILIES[patient % 8]}^{GIVEN[patient // 8 % 10]}^Q^JR^DR^^L|DOE^JANE^^^^^M|{born}|"
        f"{'FM'[patient % 2]}||2106-3^White^CDCREC|{number % 900} ELM ST^APT {number % 60}"
        f"^SPRINGFIELD^IL^62701^USA^H||^PRN^PH^^1^217^555{number % 10000:04d}"
        f"|^WPN^PH^^1^217^556{number % 10000:04d}|en^English^ISO639|M^Married^HL70002"
        f"|CHR^Christian^HL70006|ACC{number % 90000:06d}^^^NORTHGEN^AN"
    )


def mrn(patient: int) -> str:
    """The medical record number of a patient."""
    return f"{100000 + patient:08d}"


def control(number: int) -> str:
    """MSH-10 of a message."""
    return f"M{number:09d}"


def stream(count: int, patients: int, *, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """`count` messages over `patients` people with their numbers: each person once where there
    are as many, else in bursts of one to four, as a registration desk makes them."""
    chosen, turn = random.Random(start + 1), 0
    number, last = start, start + count
    while number < last:
        patient = turn if patients >= count else chosen.randrange(patients)
        for _ in range(1 if patients >= count else chosen.choice((1, 1, 1, 2, 4))):
            if number < last:
                yield number, adt(number, patient)
                number += 1
        turn += 1
