"""The few words of SQL that SQLite and PostgreSQL spell differently, and what a view may ask of
the request it is run for."""

from __future__ import annotations

from dataclasses import dataclass

from hub.database import Dialect

_WHOLE = 10  # characters of a date that is known to the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Given to a view's SQL. `narrowed`: only some studies are asked for; `of` leads to them."""

    dialect: Dialect
    narrowed: bool = False
    live: bool = True  # no: what is kept for institution-wide questions is read as it is kept

    today: str = "(select today from clock)"
    now: str = "(select moment from clock)"  # microseconds since 1970

    def of(self, column: str) -> str:
        """The condition that a study's id in `column` is among those asked for. Every view puts it
        where it begins to read, so that a question about one study reads that study only."""
        return self.among(column, "select id from scope") if self.narrowed else "1 = 1"

    def among(self, column: str, found: str) -> str:
        """The condition that `column` is among what a query finds. PostgreSQL finds it first, and
        then rows by their index; told `in`, it may join a table whole before it looks."""
        if self.dialect == "postgresql":
            return f"{column} = any(array({found}))"
        return f"{column} in ({found})"

    def summed(self, table: str, made: str) -> str:
        """What is kept in `table`, or the same made now: a table to read from."""
        return f"({made})" if self.live else table

    def current(self, alias: str) -> str:
        """That a record stands for itself and has not been withdrawn."""
        return f"{alias}.superseded_by is null and {self.no(f'{alias}.withdrawn')}"

    def yes(self, flag: str) -> str:
        """That a flag is set."""
        return f"{flag} is true"

    def no(self, flag: str) -> str:
        """That a flag is not set."""
        return f"{flag} is not true"

    def day(self, instant: str) -> str:
        """The day of a moment, in UTC."""
        return f"substr({instant}, 1, {_WHOLE})"

    def moment(self, micros: str) -> str:
        """Microseconds since 1970 as 2026-03-01T08:30Z."""
        if self.dialect == "postgresql":
            stamp = f"to_timestamp({micros} / 1000000) at time zone 'UTC'"
            return f"""to_char({stamp}, 'YYYY-MM-DD"T"HH24:MI"Z"')"""
        return f"strftime('%Y-%m-%dT%H:%MZ', {micros} / 1000000, 'unixepoch')"

    def month(self, date: str) -> str:
        """2026-03 of a date or moment; null where only the year is known."""
        return f"case when length({date}) >= 7 then substr({date}, 1, 7) end"

    def days(self, since: str, until: str) -> str:
        """Whole days from one date to another, negative where it is before; null where one of them
        is not known to the day."""
        whole = f"length({since}) >= {_WHOLE} and length({until}) >= {_WHOLE}"
        a, b = self.day(since), self.day(until)
        if self.dialect == "postgresql":
            # `case` alone keeps what is no whole date from being read as one
            return f"(case when {whole} then {b}::date - {a}::date end)"
        return f"(case when {whole} then cast(julianday({b}) - julianday({a}) as integer) end)"

    def plus(self, date: str, days: str) -> str:
        """The date so many days later; null where it is not known to the day."""
        whole = f"length({date}) = {_WHOLE}"
        if self.dialect == "postgresql":
            later = f"to_char({date}::date + ({days})::integer, 'YYYY-MM-DD')"
        else:
            later = f"date({date}, ({days}) || ' days')"
        return f"(case when {whole} then {later} end)"

    def amount(self, decimal: str) -> str:
        """A decimal text as ten-thousandths, a whole number: sums of it are exact."""
        if self.dialect == "postgresql":
            return f"cast(round(cast({decimal} as numeric) * 10000) as bigint)"
        return f"cast(round(cast({decimal} as real) * 10000) as integer)"

    def times(self, amount: str, decimal: str) -> str:
        """An amount in ten-thousandths as often as a decimal text says."""
        if self.dialect == "postgresql":
            return f"cast(round({amount} * cast({decimal} as numeric)) as bigint)"
        return f"cast(round({amount} * cast({decimal} as real)) as integer)"

    def real(self, decimal: str) -> str:
        """A decimal text as a number."""
        return f"cast({decimal} as double precision)"

    def share(self, part: str, whole: str) -> str:
        """`part` of `whole` in per cent, with one decimal; null of nothing."""
        ratio = f"100.0 * ({part}) / nullif({whole}, 0)"
        if self.dialect == "postgresql":
            return f"cast(round(cast({ratio} as numeric), 1) as double precision)"
        return f"round({ratio}, 1)"

    def ratio(self, part: str, whole: str) -> str:
        """`part` for each of `whole`, with two decimals; null of nothing."""
        ratio = f"1.0 * ({part}) / nullif({whole}, 0)"
        if self.dialect == "postgresql":
            return f"cast(round(cast({ratio} as numeric), 2) as double precision)"
        return f"round({ratio}, 2)"

    def joined(self, texts: str, *, between: str = ", ") -> str:
        """An aggregate: texts in one, each once, in no promised order."""
        if self.dialect == "postgresql":
            return f"string_agg(distinct {texts}, '{between}')"
        return f"replace(group_concat(distinct {texts}), ',', '{between}')"

    def each(self, texts: str, alias: str) -> str:
        """A table `alias` with the column `value`: each of a column of texts."""
        if self.dialect == "postgresql":
            return f"json_array_elements_text({texts}) {alias}(value)"
        return f"json_each({texts}) {alias}"

    def worst(self, *qualities: str) -> str:
        """The worst of some records' quality: conflict before warning before stub before ok."""
        cases = []
        for bad in ("conflict", "warning", "stub"):
            either = " or ".join(f"{quality} = '{bad}'" for quality in qualities)
            cases.append(f"when {either} then '{bad}'")
        return f"case {' '.join(cases)} else 'ok' end"

    def person(self, alias: str) -> str:
        """The name of a person as it is written in lists."""
        given, family = f"coalesce({alias}.given_name, '')", f"coalesce({alias}.family_name, '')"
        return f"nullif(trim({given} || ' ' || {family}), '')"
