"""Canonical words as FHIR's, by the code tables of the deployment: the one crosswalk there is."""

from __future__ import annotations

from dataclasses import dataclass

from mappings.code_tables import CodeTables


@dataclass(frozen=True, slots=True)
class Codes:
    """The tables, read both ways. A code that no table has a word for has none."""

    tables: CodeTables

    def says(self, table: str, canonical: str | None) -> str | None:
        """FHIR's word for a canonical one, by a table `…-to-fhir`."""
        meaning = self._meanings(table).get(canonical or "")
        return meaning if isinstance(meaning, str) else None

    def means(self, table: str, code: str) -> list[str]:
        """The canonical words that FHIR's `code` stands for."""
        return [word for word, said in self._meanings(table).items() if said == code]

    def words(self, table: str) -> list[str]:
        """FHIR's words in a table `…-to-fhir`."""
        return list(dict.fromkeys(v for v in self._meanings(table).values() if isinstance(v, str)))

    def native(self, table: str, canonical: str | None) -> str | None:
        """The first code that an inbound table reads as this canonical one."""
        found = self.tables.get(table)
        return found.natives("").get(canonical or "") if found else None

    def meaning(self, table: str, native: str) -> str | None:
        """What an inbound table reads a code as."""
        meaning = self._meanings(table).get(native)
        return meaning if isinstance(meaning, str) else None

    def natives(self, table: str, canonical: str) -> list[str]:
        """All codes that an inbound table reads as this canonical one, in its order."""
        return [code for code, said in self._meanings(table).items() if said == canonical]

    def _meanings(self, table: str) -> dict[str, object]:
        found = self.tables.get(table)
        return dict(found.meanings("")) if found else {}
