"""Which character set a message is in: what MSH-18 says, and what its bytes really are."""

from __future__ import annotations

# HL7 table 0211 → Python codec. ASCII is read as UTF-8: one is a part of the other.
CODECS = {
    "": "utf-8",
    "ASCII": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "ISO IR6": "utf-8",
    "ISO IR14": "iso2022_jp",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    "8859/1": "latin-1",
} | {f"8859/{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16)}


def decode(body: bytes, declared: str) -> tuple[str, str, str]:
    """`body` as text, the codec that read it, and a complaint ("" when MSH-18 told the truth).

    Never fails: what the declared set cannot read is tried as UTF-8, then as Latin-1, which reads
    any byte; and the complaint says so.
    """
    if body.isascii() and b"\x1b" not in body:
        return body.decode("ascii"), "utf-8", "" if declared in CODECS else _unknown(declared)
    codec = CODECS.get(declared, "utf-8")
    complaint = "" if declared in CODECS else _unknown(declared)
    if declared == "ASCII" and not body.isascii():
        complaint = "MSH-18 says ASCII, the bytes are not"
    try:
        return body.decode(codec), codec, complaint
    except UnicodeDecodeError:
        complaint = f"the bytes are not in the character set MSH-18 states ({declared or 'none'})"
    try:
        return body.decode("utf-8"), "utf-8", complaint + "; read as UTF-8"
    except UnicodeDecodeError:
        return body.decode("latin-1"), "latin-1", complaint + "; read as 8859/1"


def lies(body: bytes, declared: str) -> str:
    """Why MSH-18 is not true of these bytes; "" when it is, or when it says nothing."""
    if not declared or body.isascii():
        return ""
    return decode(body, declared)[2] if declared in CODECS else ""


def _unknown(declared: str) -> str:
    return f"MSH-18 names no known character set ({declared[:20]!r}); read as UTF-8"
