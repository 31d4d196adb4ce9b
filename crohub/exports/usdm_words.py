"""What all objects of a USDM document are made of: ids within the document, codes of CDISC's
controlled terminology, and the members that USDM expects of each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from crohub.fhir.codes import Codes

Json = dict[str, Any]
RELEASE = "2025-09-26"  # of the terminology that `usdm-terms` is from
_SYSTEM = "http://www.cdisc.org"
_TERMS = "usdm-terms"
_COUNTRIES = "ISO 3166-1 alpha-3"


@dataclass(slots=True)
class Words:
    """Makes objects; each gets the next id of its class."""

    codes: Codes
    counts: Counter[str] = field(default_factory=Counter)

    def made(self, kind: str, **members: Any) -> Json:  # noqa: ANN401 - JSON
        """An object of a class; what has no value is null."""
        self.counts[kind] += 1
        return {"id": f"{kind}_{self.counts[kind]}", **members, "instanceType": kind}

    def named(self, kind: str, name: str, **members: Any) -> Json:  # noqa: ANN401 - JSON
        """One with a name, which people read as its label."""
        return self.made(kind, name=name, label=name, **members)

    def code(self, word: str) -> Json:
        """A word of CDISC as a code."""
        return self._code(self.codes.says(_TERMS, word) or "", word, _SYSTEM, RELEASE)

    def of(self, table: str, canonical: str | None) -> Json | None:
        """A canonical code as CDISC's, by the table that reads them; None where CDISC has none."""
        for word in self.codes.natives(table, canonical or ""):
            if self.codes.says(_TERMS, word):
                return self.code(word)
        return None

    def known(self, table: str, canonical: str | None) -> Json:
        """The same; where there is none, that it is another or not known."""
        return self.of(table, canonical) or self.code("Other" if canonical else "Unknown")

    def alias(self, code: Json | None) -> Json | None:
        """A code that may have aliases."""
        return self.made("AliasCode", standardCode=code, standardCodeAliases=[]) if code else None

    def country(self, country: str | None) -> Json:
        """A country by its three letters."""
        known = self.codes.natives("country", country or "")
        three = next((one for one in known if len(one) == 3 and one.isupper()), "")
        name = next((one for one in known if len(one) > 3), country or "")
        return self._code(three, name, _COUNTRIES, "2024") if three else self.code("Unknown")

    def scope(self) -> Json:
        """Everywhere: the hub knows no narrower one."""
        return self.made("GeographicScope", type=self.code("Global"), code=None)

    def _code(self, code: str, decode: str, system: str, release: str) -> Json:
        return self.made(
            "Code", code=code, codeSystem=system, codeSystemVersion=release, decode=decode
        )


def linked(chain: list[Json]) -> list[Json]:
    """Objects that come one after another, each with the ids of its neighbours."""
    ids = [None, *(one["id"] for one in chain), None]
    for place, one in enumerate(chain):
        one |= {"previousId": ids[place], "nextId": ids[place + 2]}
    return chain
