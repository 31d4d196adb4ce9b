"""Canonical words as FHIR's, by the code tables of the deployment: the one crosswalk there is."""

from __future__ import annotations

from dataclasses import dataclass, field

from mappings.code_tables import CodeTables


@dataclass(frozen=True, slots=True)
class Codes:
    """The tables, read both ways. A code that no table has a word for has none."""

    tables: CodeTables
    _read: dict[str, dict[str, str]] = field(default_factory=dict)  # table → code → what it means
    _told: dict[str, dict[str, list[str]]] = field(default_factory=dict)  # and back

    def says(self, table: str, canonical: str | None) -> str | None:
        """FHIR's word for a canonical one, by a table `…-to-fhir`."""
        return self._meanings(table).get(canonical or "")

    def means(self, table: str, code: str) -> list[str]:
        """The canonical words that FHIR's `code` stands for."""
        return self._natives(table).get(code, [])

    def words(self, table: str) -> list[str]:
        """FHIR's words in a table `…-to-fhir`."""
        return list(self._natives(table))

    def native(self, table: str, canonical: str | None) -> str | None:
        """The first code that an inbound table reads as this canonical one."""
        return next(iter(self._natives(table).get(canonical or "", [])), None)

    def meaning(self, table: str, native: str) -> str | None:
        """What an inbound table reads a code as."""
        return self._meanings(table).get(native)

    def natives(self, table: str, canonical: str) -> list[str]:
        """All codes that an inbound table reads as this canonical one, in its order."""
        return self._natives(table).get(canonical, [])

    def _meanings(self, table: str) -> dict[str, str]:
        if table not in self._read:
            found = self.tables.get(table)
            said = found.meanings("") if found else {}
            self._read[table] = {code: one for code, one in said.items() if isinstance(one, str)}
        return self._read[table]

    def _natives(self, table: str) -> dict[str, list[str]]:
        if table not in self._told:
            back: dict[str, list[str]] = {}
            for code, one in self._meanings(table).items():
                back.setdefault(one, []).append(code)
            self._told[table] = back
        return self._told[table]
