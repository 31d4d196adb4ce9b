"""Zip archives from strangers: the directory is judged before any member is read."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from connectors.errors import Refused

_ENCRYPTED = 0x1  # general purpose bit flag
_HEADER = 30  # bytes of a local header without its name
_SMALL = 1024 * 1024  # bytes; up to here a high ratio is no danger
_BLOCK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an archive may unpack to. Sizes are bytes."""

    members: int = 10_000
    size: int = 1024**3  # of all members together
    ratio: int = 200  # unpacked to packed, of a member larger than a mebibyte and of all together


DEFAULT = Limits()


@contextmanager
def opened(source: BinaryIO, limits: Limits = DEFAULT) -> Iterator[ZipFile]:
    """The archive in `source`, its directory found harmless.

    Raises Refused for what is no zip, is encrypted, names a member outside its folder or twice,
    lays members over each other, or passes a limit; and, while the caller reads, for a member
    that is not what the directory says.
    """
    source.seek(0)
    try:
        with ZipFile(source) as archive:
            _judge(archive, limits)
            yield archive
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Refused(f"CROHUB-ZIP-FORM: not a sound zip archive ({_reason(error)})") from None


@contextmanager
def member(archive: ZipFile, info: ZipInfo) -> Iterator[BinaryIO]:
    """One member, to be read once and forwards; never more bytes than the directory says."""
    with archive.open(info) as source:
        yield cast("BinaryIO", source)


def read(archive: ZipFile, name: str, *, largest: int) -> bytes:
    """A whole member. Raises Refused when it is missing or larger than `largest` bytes."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise Refused(f"CROHUB-ZIP-FORM: the archive has no member {name}") from None
    if info.file_size > largest:
        raise Refused(f"CROHUB-ZIP-SIZE: {name} has more than {largest:,} bytes")
    with member(archive, info) as source:
        body = source.read()
    if len(body) != info.file_size:
        raise Refused(f"CROHUB-ZIP-FORM: {name} is not as long as the directory says")
    return body


def blocks(source: BinaryIO) -> Iterator[bytes]:
    """What is left of a member, a block at a time."""
    while block := source.read(_BLOCK):
        yield block


def _judge(archive: ZipFile, limits: Limits) -> None:
    infos = archive.infolist()
    if len(infos) > limits.members:
        raise Refused(f"CROHUB-ZIP-MEMBERS: {len(infos):,} members, at most {limits.members:,}")
    names: set[str] = set()
    for info in infos:
        _judge_member(info, limits)
        if info.filename in names:
            raise Refused("CROHUB-ZIP-NAME: two members have the same name")
        names.add(info.filename)
    unpacked = sum(info.file_size for info in infos)
    if unpacked > limits.size:
        raise Refused(f"CROHUB-ZIP-SIZE: unpacks to more than {limits.size:,} bytes")
    _judge_ratio(unpacked, sum(info.compress_size for info in infos), limits)
    _judge_overlap(sorted(infos, key=lambda info: info.header_offset), archive.start_dir)


def _judge_member(info: ZipInfo, limits: Limits) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise Refused("CROHUB-ZIP-ENCRYPTED: a member is encrypted; send it without a password")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise Refused("CROHUB-ZIP-METHOD: a member is packed in another way than deflate")
    if leads_out(info.orig_filename) or leads_out(info.filename):
        raise Refused("CROHUB-ZIP-NAME: a member's name leads out of the archive's folder")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Refused("CROHUB-ZIP-NAME: a member is a symbolic link")
    _judge_ratio(info.file_size, info.compress_size, limits)


def leads_out(name: str) -> bool:
    """Is it absolute, does it climb, or could another system read it so?"""
    odd = not name or "\\" in name or ":" in name or not name.isprintable()
    return odd or name.startswith("/") or ".." in name.split("/")


def _judge_ratio(unpacked: int, packed: int, limits: Limits) -> None:
    if unpacked > _SMALL and unpacked > packed * limits.ratio:
        raise Refused(f"CROHUB-ZIP-RATIO: unpacks to more than {limits.ratio} times its size")


def _judge_overlap(infos: list[ZipInfo], end: int) -> None:
    """Members that share their bytes are how a small archive unpacks to terabytes."""
    offsets = [info.header_offset for info in infos[1:]] + [end]
    for info, after in zip(infos, offsets, strict=True):
        if info.header_offset + _HEADER + info.compress_size > after:
            raise Refused("CROHUB-ZIP-OVERLAP: two members lie over each other")


def _reason(error: Exception) -> str:
    """The library's own words may name a member, whose name may be a person's."""
    known = {"Bad CRC-32": "checksum", "not a zip": "no directory", "overlap": "overlap"}
    return next((word for said, word in known.items() if said in str(error)), type(error).__name__)
