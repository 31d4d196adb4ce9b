"""Names, numbers and addresses in the plain form in which they are compared."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# letters that do not fall apart into a plain one and its mark
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th"})
_CODES = {
    **dict.fromkeys("bfpv", "1"), **dict.fromkeys("cgjkqsxz", "2"), **dict.fromkeys("dt", "3"),
    "l": "4", **dict.fromkeys("mn", "5"), "r": "6",
}  # fmt: skip
_NO_LETTERS = re.compile(r"[^\w]+|_")
_DIGITS = re.compile(r"\D+")
# of organizations: what says nothing about which one it is, and what is written in several ways
_EMPTY = frozenset(
    {
        "the", "of", "for", "and", "at", "de", "la", "le", "der", "die", "das", "und", "et", "inc",
        "incorporated", "llc", "ltd", "limited", "corp", "corporation", "co", "company", "plc",
        "gmbh", "ag", "sa", "nv", "bv", "kg", "lp", "llp", "pc", "pllc", "foundation", "trust",
    }
)  # fmt: skip
_SAME = {
    "univ": "university", "u": "university", "hosp": "hospital", "ctr": "center",
    "centre": "center", "cntr": "center", "st": "saint", "ste": "saint", "dept": "department",
    "inst": "institute", "med": "medical", "natl": "national", "intl": "international",
    "assoc": "association", "labs": "laboratories", "lab": "laboratory", "pharma":
    "pharmaceuticals", "pharmaceutical": "pharmaceuticals", "hlth": "health", "sch": "school",
    "coll": "college", "mt": "mount", "comm": "community", "gen": "general", "mem": "memorial",
    "reg": "regional", "res": "research", "ca": "cancer",
}  # fmt: skip


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Lower case, without accents and signs, one space between words."""
    lower = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    bare = "".join(sign for sign in lower if not unicodedata.combining(sign))
    return " ".join(_NO_LETTERS.sub(" ", bare).split())


def name(text: str) -> str:
    """A person's name: O'Brien, O Brien and OBRIEN are one."""
    return plain(text).replace(" ", "")


def digits(text: str) -> str:
    """Only the digits."""
    return _DIGITS.sub("", unicodedata.normalize("NFKC", text))


def words(text: str) -> tuple[str, ...]:
    """The words of an organization's name that tell it from others, in their full form."""
    return tuple(_SAME.get(word, word) for word in plain(text).split() if word not in _EMPTY)


@lru_cache(maxsize=8192)
def sound(text: str) -> str:
    """The American Soundex of a plain name (letter and three digits); what is in no Latin letters
    sounds as its first four signs."""
    if not text or not text.isascii():
        return text[:4]
    first, code, last = text[0], "", _CODES.get(text[0], "")
    for letter in text[1:]:
        now = _CODES.get(letter, "")
        if now and now != last:
            code += now
        if letter not in "hw":  # they do not part two letters of one sound
            last = now
    return (first + code + "000")[:4]
