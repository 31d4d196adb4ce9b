"""The transforms that `then:` may name: small pure steps from one value to the next.

A step gets a value that is there (never None, REMOVED or UNKNOWN) and gives a value, None (absent)
or UNKNOWN. It raises BadValue when the value breaks its rule; it never guesses and never reads a
clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from mappings.code_tables import CodeTable
from mappings.mistakes import one_of
from mappings.setting import Setting
from mappings.values import BadPath, BadValue

Step = Callable[[Any], Any]
Gives = Literal[
    "raw", "text", "code", "date", "instant", "integer", "decimal", "flag", "list", "same"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """`argument` describes what follows the name ("" = nothing does); `make` raises BadPath."""

    name: str
    says: str
    gives: Gives
    argument: str
    make: Callable[[str, Setting], Step]


TRANSFORMS: dict[str, Transform] = {}


def transform(
    name: str, *, says: str, gives: Gives, argument: str = ""
) -> Callable[[Callable[[str, Setting], Step]], Callable[[str, Setting], Step]]:
    """Registers a maker of steps under `name`."""

    def register(make: Callable[[str, Setting], Step]) -> Callable[[str, Setting], Step]:
        TRANSFORMS[name] = Transform(
            name=name, says=says, gives=gives, argument=argument, make=make
        )
        return make

    return register


def find(name: str, argument: str) -> Transform:
    """The transform called `name`. Raises BadPath when there is none or its argument is amiss."""
    known = TRANSFORMS.get(name)
    if known is None:
        raise BadPath(f"the transform {name!r}", one_of(name, TRANSFORMS))
    if known.argument and not argument:
        raise BadPath(f"the transform {name!r} alone", f"'{name} <{known.argument}>'")
    if argument and not known.argument:
        raise BadPath(f"the transform {name!r} with {argument!r}", f"{name!r} alone")
    return known


def as_text(value: Any) -> str:  # noqa: ANN401 - whatever the source sent
    """A scalar as text; an id sent as a number is the same id."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    raise BadValue("wrong-shape", "one value, no list and no object", value)


def _simple(name: str, *, says: str, gives: Gives = "text") -> Callable[[Step], Step]:
    """Registers a step that takes text and needs no argument."""

    def register(step: Step) -> Step:
        def on_text(value: Any) -> Any:  # noqa: ANN401 - whatever the source sent
            return step(value if type(value) is str else as_text(value))

        transform(name, says=says, gives=gives)(lambda _argument, _setting: on_text)
        return step

    return register


# -- text


@_simple("trim", says="without blanks around it; nothing left is absent")
def trim(value: str) -> str | None:
    return value.strip() or None


@_simple("upper", says="in capitals")
def upper(value: str) -> str:
    return value.upper()


@_simple("lower", says="in small letters")
def lower(value: str) -> str:
    return value.lower()


@_simple("text", says="one line: every run of blanks and line ends is one blank")
def one_line(value: str) -> str | None:
    return " ".join(value.split()) or None


@_simple("digits", says="its digits alone")
def digits(value: str) -> str | None:
    return "".join(c for c in value if c in "0123456789") or None


@_simple("last_segment", says="after the last /: the id of a FHIR reference, without its version")
def last_segment(value: str) -> str | None:
    # FHIR R5 §2.1.3.0.1: [base]/Type/id/_history/version
    return value.split("/_history/", 1)[0].rstrip("/").rpartition("/")[2] or None


_EXTENSION = re.compile(r"\s{0,9}(?:ext\.?|extension|x)\s*(\d+)\s*$", re.IGNORECASE)


@_simple("phone", says="digits, with a leading + kept and an extension as x…")
def phone(value: str) -> str | None:
    number, _, extension = _EXTENSION.sub(r"#\1", value).partition("#")
    if re.search(r"[^\d\s()+./-]", number):
        raise BadValue("unreadable-phone", "digits, blanks and ()+-./", value)
    bare = "".join(c for c in number if c in "0123456789")
    if not bare:
        return None
    plus = "+" if number.lstrip().startswith("+") else ""
    return f"{plus}{bare}{f'x{extension}' if extension else ''}"


@_simple("email", says="an e-mail address in small letters, without mailto:")
def email(value: str) -> str:
    bare = value.strip().lower().removeprefix("mailto:")
    name, mark, host = bare.rpartition("@")
    if not (name and mark and "." in host) or any(c.isspace() for c in bare):
        raise BadValue("unreadable-email", "name@host.domain", value)
    return bare


@transform("prefix", says="with this text before it", gives="text", argument="text")
def _prefix(argument: str, _setting: Setting) -> Step:
    return lambda value: argument + as_text(value)


@transform("without", says="without this text at its start", gives="text", argument="text")
def _without(argument: str, _setting: Setting) -> Step:
    return lambda value: as_text(value).removeprefix(argument) or None


@transform("start", says="its first N characters", gives="text", argument="number")
def _start(argument: str, _setting: Setting) -> Step:
    if not argument.isdecimal() or argument == "0":
        raise BadPath(f"start {argument!r}", "a number from 1")
    return lambda value: as_text(value)[: int(argument)] or None


# -- lists


@transform("split", says="parted at this text into a list", gives="list", argument="separator")
def _split(argument: str, _setting: Setting) -> Step:
    return lambda value: [part for p in as_text(value).split(argument) if (part := p.strip())]


@transform("joined", says="a list as one text, with this between", gives="text", argument="text")
def _joined(argument: str, _setting: Setting) -> Step:
    def joined(value: Any) -> str | None:  # noqa: ANN401 - a list or a value
        return argument.join(map(as_text, value if isinstance(value, list) else [value])) or None

    return joined


@transform("first", says="the first of a list", gives="raw")
def _first(_argument: str, _setting: Setting) -> Step:
    return lambda value: _nth(value, 0)


@transform("last", says="the last of a list", gives="raw")
def _last(_argument: str, _setting: Setting) -> Step:
    return lambda value: _nth(value, -1)


@transform("item", says="the nth of a list, from 1", gives="raw", argument="number")
def _item(argument: str, _setting: Setting) -> Step:
    if not argument.isdecimal() or argument == "0":
        raise BadPath(f"item {argument!r}", "a number from 1")
    return lambda value: _nth(value, int(argument) - 1)


def _nth(value: Any, index: int) -> Any:  # noqa: ANN401 - whatever the source sent
    items = value if isinstance(value, list) else [value]
    return items[index] if -len(items) <= index < len(items) else None


# -- numbers and flags

_FLAGS = {
    **dict.fromkeys(("y", "yes", "true", "t", "1", "x"), True),
    **dict.fromkeys(("n", "no", "false", "f", "0"), False),
}


@transform("flag", says="yes or no: Y N yes no true false t f 1 0 x", gives="flag")
def _flag(_argument: str, _setting: Setting) -> Step:
    def flag(value: Any) -> bool:  # noqa: ANN401 - whatever the source sent
        if isinstance(value, bool):
            return value
        found = _FLAGS.get(as_text(value).strip().lower())
        if found is None:
            raise BadValue("unreadable-flag", "Y or N, true or false, 1 or 0", value)
        return found

    return flag


@transform("integer", says="a whole number", gives="integer")
def _integer(_argument: str, _setting: Setting) -> Step:
    def integer(value: Any) -> int:  # noqa: ANN401 - whatever the source sent
        text = as_text(value).strip()
        if not re.fullmatch(r"[+-]?\d{1,18}(\.0+)?", text, re.ASCII):
            raise BadValue("unreadable-integer", "a whole number", text)
        return int(text.partition(".")[0])

    return integer


@_simple("decimal", says="a decimal number as text: 1.10 stays 1.10", gives="decimal")
def decimal(value: str) -> str:
    bare = value.strip()
    try:
        number = Decimal(bare)
    except InvalidOperation:
        raise BadValue("unreadable-decimal", "a number such as 1.10", bare) from None
    if not number.is_finite() or number.adjusted() > 30 or len(bare) > 40 or "_" in bare:
        raise BadValue("unreadable-decimal", "a finite number of up to 30 digits", bare)
    return format(number, "f")


# -- codes


@transform("code", says="the canonical code from a code table", gives="code", argument="table")
def _code(argument: str, setting: Setting) -> Step:
    meanings = _table(argument, setting).meanings(setting.context.system)

    def code(value: Any) -> Any:  # noqa: ANN401 - whatever the source sent
        native = value if type(value) is str else as_text(value)
        try:
            return meanings[native]
        except KeyError:
            pass
        try:
            return meanings[native.strip()]
        except KeyError:
            raise BadValue("unmapped-code", f"a code of table {argument}", native) from None

    return code


@transform(
    "recode", says="the code table's word where it has one, else the value itself", gives="text",
    argument="table",
)  # fmt: skip
def _recode(argument: str, setting: Setting) -> Step:
    meanings = _table(argument, setting).meanings(setting.context.system)
    return lambda value: meanings.get(text := as_text(value).strip(), text)


@transform(
    "native", says="the reverse of `code`: the first native code of the table that means this",
    gives="text", argument="table",
)  # fmt: skip
def _native(argument: str, setting: Setting) -> Step:
    natives = _table(argument, setting).natives(setting.context.system)

    def native(value: Any) -> str:  # noqa: ANN401 - a canonical value
        try:
            return natives[as_text(value)]
        except KeyError:
            raise BadValue("unmapped-code", f"a canonical code of {argument}", value) from None

    return native


def _table(name: str, setting: Setting) -> CodeTable:
    table = setting.codes.get(name)
    if table is None:
        raise BadPath(f"the code table {name!r}", one_of(name, setting.codes.names()))
    return table
