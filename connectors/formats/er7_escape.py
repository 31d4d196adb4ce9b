"""Escape sequences of ER7 text (HL7 v2.5.1 §2.7): what separates is written as a sequence."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class Separators(NamedTuple):
    """The delimiters of one message. One that MSH-2 leaves out is NUL, which no message holds."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def encoding_characters(self) -> str:
        """MSH-2."""
        return _encoding(self)


@lru_cache(maxsize=64)
def _encoding(separators: Separators) -> str:
    return "".join(separators[1:]).replace("\0", "")


STANDARD = Separators()
_HEX = frozenset("0123456789ABCDEFabcdef")


def unescape(text: str, separators: Separators = STANDARD, codec: str = "utf-8") -> str:
    r"""The text behind `text`: `\F\ \S\ \T\ \R\ \E\` and `\X..\` are decoded.

    Formatting (`\.br\`, `\H\`), a site's own sequences (`\Zfoo\`), other character sets
    (`\C..\`, `\M..\`) and a stray escape character are kept as they are.
    """
    mark = separators.escape
    if mark not in text:
        return text
    found: list[str] = []
    position = 0
    while (start := text.find(mark, position)) >= 0:
        end = text.find(mark, start + 1)
        found.append(text[position:start])
        if end < 0:
            position = start
            break
        plain = _decode(text[start + 1 : end], separators, codec)
        if plain is not None:
            found.append(plain)
            position = end + 1
        elif _is_kept(text[start + 1 : end]):
            found.append(text[start : end + 1])
            position = end + 1
        else:  # no sequence: the escape character stands for itself, the next may open one
            found.append(mark)
            position = start + 1
    found.append(text[position:])
    return "".join(found)


def escape(text: str, separators: Separators = STANDARD, *, formatted: bool = False) -> str:
    r"""`text` so that nothing in it separates: delimiters, escape character, CR and LF.

    With `formatted`, sequences that only format or belong to a site (`\.br\`, `\H\`, `\Zfoo\`)
    pass as they are: say so only of text that was written for it. `unescape` gives the text back.
    Raises ValueError, naming the character and its place, for other control characters (TAB is
    let through): they have no meaning in ER7 and could end a frame.
    """
    if formatted and separators.escape in text:
        return _escape_between(text, separators)
    return _escape_plain(text, separators)


def _escape_plain(text: str, separators: Separators) -> str:
    table = _table(separators)
    try:
        return "".join([table.get(c, c) if c > "\x1f" else _control(c, table) for c in text])
    except ValueError as error:
        place = next(i for i, c in enumerate(text) if c < " " and c not in "\t\r\n")
        raise ValueError(f"{error} at position {place + 1}") from None


def _escape_between(text: str, separators: Separators) -> str:
    mark = separators.escape
    pieces = text.split(mark)
    written = [_escape_plain(pieces[0], separators)]
    i = 1
    while i < len(pieces):
        if i + 1 < len(pieces) and _is_kept(pieces[i]) and _is_printable(pieces[i], separators):
            written += [mark, pieces[i], mark, _escape_plain(pieces[i + 1], separators)]
            i += 2
        else:
            written += [mark, "E", mark, _escape_plain(pieces[i], separators)]
            i += 1
    return "".join(written)


def _table(separators: Separators) -> dict[str, str]:
    mark = separators.escape
    if mark == "\0":
        raise ValueError("the message has no escape character, its values cannot be escaped")
    letters = zip(separators, "FSRET", strict=True)
    found = {char: f"{mark}{letter}{mark}" for char, letter in letters if char != "\0"}
    return found | {"\r": f"{mark}X0D{mark}", "\n": f"{mark}X0A{mark}"}


def _control(char: str, table: dict[str, str]) -> str:
    if char in table:
        return table[char]
    if char == "\t":
        return char
    raise ValueError(f"control character 0x{ord(char):02X} has no place in ER7 text")


def _decode(name: str, separators: Separators, codec: str) -> str | None:
    plain = _ONE.get(name)
    if plain is not None:
        return separators[plain] if separators[plain] != "\0" else None
    if name[:1] == "X" and len(name) > 2 and len(name) % 2 == 1 and _HEX.issuperset(name[1:]):
        try:
            return bytes.fromhex(name[1:]).decode(codec)
        except UnicodeDecodeError:
            return None
    return None


_ONE = {"F": 0, "S": 1, "R": 2, "E": 3, "T": 4}


def _is_kept(name: str) -> bool:
    """Formatting, highlighting, a site's own, another character set; and hex we cannot read."""
    return name in {"H", "N"} or (len(name) > 1 and name[0] in ".ZCMX" and " " not in name[:3])


def _is_printable(name: str, separators: Separators) -> bool:
    return name.isprintable() and not any(c in name for c in separators)
