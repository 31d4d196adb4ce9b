"""What an identifier is worth: its normal form, its check digits, and whether it may match.

A false match is worse than a missed one. So a separator is dropped where it only decorates
(`NCT 0018-4067`, `ONC-101`) but kept between two digits of a free-form number, where it tells
`1-11` from `11-1`. Leading zeros always stay.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

from hub.model.base import IdentifierType
from hub.model.spec import entities
from hub.statement import Identifier

# matches: ties two things together; weak: finds, but does not tie; placeholder: means "none";
# malformed: breaks its form or check digit. The last two are kept and shown, and never match.
Identity = Literal["matches", "weak", "placeholder", "malformed"]

LONGEST = 200  # of a value that may match

_SEPARATORS = re.compile(r"[\s\-./_,:#\u2010-\u2015\u2212]+")
_ADDRESS = re.compile(r"^(HTTPS?://(WWW\.)?(ORCID|ROR)\.ORG/|URN:OID:|MAILTO:)")


def normalise(type: str, value: str) -> str:
    """`value` as it is compared: NFKC, upper case, without separators; an e-mail, OID or login
    keeps its punctuation."""
    if value.isascii() and value.isalnum():
        return value.upper()
    plain = _ADDRESS.sub("", _plain(value))
    kind = _kinds().get(type)
    if kind is None or kind.literal:
        return plain
    if kind.form:
        return _SEPARATORS.sub("", plain)
    return _joined(_SEPARATORS.split(plain))


def judge(entity: str, identifier: Identifier) -> Identity:
    """What this identifier may do for the identity of an `entity`.

    One whose type the entity does not list, or that lacks the assigner its type needs, is weak.
    """
    rule = _rules().get((entity, identifier.type))
    return _judge(rule, identifier, normalise(identifier.type, identifier.value))


def is_usable(entity: str, type: str, value: str) -> bool:
    """Is it neither a placeholder nor malformed? A type the entity does not list may be anything
    that can be printed."""
    value = normalise(type, value)
    if not value or len(value) > LONGEST or not value.isprintable():
        return False
    rule = _rules().get((entity, type))
    return rule is None or not (_is_placeholder(rule, value) or _is_malformed(rule, value))


def token(entity: str, identifier: Identifier) -> str | None:
    """The text that equals another's exactly when both identify the same thing; to be put through
    the keyring's HMAC. None for a placeholder or malformed one, and for a type not listed."""
    return assess(entity, identifier)[2]


def assess(entity: str, identifier: Identifier) -> tuple[str, Identity, str | None]:
    """What `normalise`, `judge` and `token` say, in one go: the hot path asks all three."""
    rule = _rules().get((entity, identifier.type))
    value = normalise(identifier.type, identifier.value)
    verdict = _judge(rule, identifier, value)
    if rule is None or verdict in ("placeholder", "malformed"):
        return value, verdict, None
    assigner = _assigner(identifier.assigner) if rule.kind.assigned else ""
    # no part can contain the separator
    return value, verdict, "\x1f".join((entity, identifier.type, assigner, value))


def npi_is_valid(digits: str) -> bool:
    """Ten digits whose last is the Luhn check digit over 80840 + the first nine (45 CFR 162.406,
    ISO/IEC 7812)."""
    if not re.fullmatch(r"[0-9]{10}", digits):
        return False
    doubled = (int(d) * 2 for d in digits[-2::-2])
    odd = sum(int(d) for d in digits[-1::-2])
    return (24 + odd + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def orcid_is_valid(signs: str) -> bool:
    """Sixteen signs whose last is the ISO 7064 MOD 11-2 check sign of the first fifteen."""
    if not re.fullmatch(r"[0-9]{15}[0-9X]", signs):
        return False
    total = 0
    for digit in signs[:15]:
        total = (total + int(digit)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == signs[15]


def ror_is_valid(signs: str) -> bool:
    """A zero, six signs of Crockford's base 32, and their ISO 7064 MOD 97-10 check digits
    (ror.org, "ROR identifier pattern")."""
    if not re.fullmatch(r"0[0-9A-HJKMNP-TV-Z]{6}[0-9]{2}", signs):
        return False
    number = 0
    for sign in signs[1:7]:
        number = number * 32 + _BASE32.index(sign)
    return int(signs[7:]) == 98 - number * 100 % 97


_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def dea_is_valid(signs: str) -> bool:
    """Two letters and seven digits, the last the end of (d1+d3+d5) + 2 (d2+d4+d6)."""
    if not re.fullmatch(r"[A-Z][A-Z9][0-9]{7}", signs):
        return False
    digits = [int(sign) for sign in signs[2:]]
    return (sum(digits[0:5:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


_CHECKS = MappingProxyType(
    {"npi": npi_is_valid, "orcid": orcid_is_valid, "ror": ror_is_valid, "dea": dea_is_valid}
)
# what people write where there is no number, whatever the number is of
_NOTHING = frozenset(
    {
        "NA", "NONE", "NULL", "NIL", "UNKNOWN", "UNK", "TBD", "TBA", "PENDING", "NOTASSIGNED",
        "NOTAPPLICABLE", "NOTAVAILABLE", "NOTYETASSIGNED", "DUMMY", "PLACEHOLDER", "XXX", "XXXX",
        "XXXXX",
    }
)  # fmt: skip


class _Rule(NamedTuple):
    """An identifier type with its patterns compiled."""

    kind: IdentifierType
    form: re.Pattern[str] | None
    placeholders: tuple[re.Pattern[str], ...]


def _judge(rule: _Rule | None, identifier: Identifier, value: str) -> Identity:
    if not value or len(value) > LONGEST or not value.isprintable():
        return "malformed"
    if rule is None:
        return "weak"
    if _is_placeholder(rule, value):
        return "placeholder"
    if _is_malformed(rule, value):
        return "malformed"
    if not rule.kind.strong or (rule.kind.assigned and not identifier.assigner.strip()):
        return "weak"
    return "matches"


def _is_placeholder(rule: _Rule, value: str) -> bool:
    return value in _NOTHING or any(pattern.fullmatch(value) for pattern in rule.placeholders)


def _is_malformed(rule: _Rule, value: str) -> bool:
    fits = rule.form is None or rule.form.fullmatch(value)
    return not fits or bool(rule.kind.check and not _CHECKS[rule.kind.check](value))


def _joined(parts: list[str]) -> str:
    text = ""
    for part in parts:
        tells_apart = text[-1:].isdigit() and part[:1].isdigit()
        text += f"-{part}" if tells_apart else part
    return text


@lru_cache(maxsize=4096)
def _assigner(name: str) -> str:
    return _ADDRESS.sub("", _plain(name))


def _plain(text: str) -> str:
    """NFKC, upper case, one space between words. Upper case can leave NFKC, hence the second."""
    upper = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper())
    return " ".join(upper.split())


def _few(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """The same in fewer patterns; one with a group keeps to itself, for the number that it refers
    back to."""
    alone = [pattern for pattern in patterns if "(" in pattern]
    joined = "|".join(pattern for pattern in patterns if "(" not in pattern)
    return tuple(re.compile(one, re.ASCII) for one in (joined, *alone) if one)


@cache
def _rules() -> MappingProxyType[tuple[str, str], _Rule]:
    """By entity and type."""
    return MappingProxyType(
        {
            (spec.name, kind.type): _Rule(
                kind,
                re.compile(kind.form, re.ASCII) if kind.form else None,
                _few(kind.placeholders),
            )
            for spec in entities().values()
            for kind in spec.identifiers.values()
        }
    )


@cache
def _kinds() -> MappingProxyType[str, IdentifierType]:
    """By type. Entities that share a type's name share its form (a test keeps it so)."""
    return MappingProxyType({rule.kind.type: rule.kind for rule in _rules().values()})
