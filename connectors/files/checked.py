"""Files that come with their checksum in a file beside them: are they what was sent?"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import BinaryIO

from connectors.files.folder import Folder

_LENGTHS = {".md5": 32, ".sha256": 64, ".sha512": 128}  # hexadecimal digits, by the marker's end
_MOST = 4096  # bytes of a checksum file that are looked at
_BLOCK = 1024 * 1024


def differs(folder: Folder, name: str, marker: str, source: BinaryIO) -> str:
    """Why the file is not what was sent, or "": also where its marker is no checksum's.

    The marker is written as `sha256sum` does or `sha256sum --tag`, or holds the digits alone.
    """
    end = marker[marker.rfind(".") :].lower() if "." in marker else ""
    if end not in _LENGTHS:
        return ""
    said = _said(folder, name + marker, _LENGTHS[end])
    if not said:
        return f"CROHUB-FILE-CHECKSUM: {name}{marker} holds no {end[1:]} checksum"
    found = _found(source, end[1:])
    if hmac.compare_digest(said, found):
        return ""
    return (
        f"CROHUB-FILE-CHECKSUM: its {end[1:]} is {found[:16]}…, {name}{marker} says {said[:16]}…: "
        "it is not what was sent"
    )


def _said(folder: Folder, marker: str, length: int) -> str:
    try:
        with folder.open(marker) as file:
            text = file.read(_MOST).decode("ascii", "replace")
    except FileNotFoundError:  # taken away since it was listed
        return ""
    found = re.search(rf"(?<![0-9A-Za-z])[0-9A-Fa-f]{{{length}}}(?![0-9A-Za-z])", text)
    return found[0].lower() if found else ""


def _found(source: BinaryIO, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    source.seek(0)
    while block := source.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
