"""Where a page ended, as an opaque text: keyset paging loses and doubles no record while others
are added. It is not signed: it only says where to go on, never what may be seen."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal

import orjson

from hub.query import NUMBERS, BadQuery, Order, Position


def write(order: Order, position: Position) -> str:
    """The cursor behind `position` in this order."""
    value = position.value
    if isinstance(value, Decimal):  # what PostgreSQL makes of a sum
        value = int(value) if value == int(value) else float(value)
    return _pack([order.name, order.descending, value, position.id])


def read(text: str, order: Order) -> Position:
    """The inverse of `write`. Raises BadQuery for another order's cursor and for none at all."""
    fault = BadQuery("CROHUB-BAD-CURSOR", "cursor: expected the `next` of a page in this order")
    match _unpack(text):
        case [order.name, order.descending, None | str() | int() | float() as value, str() as one]:
            if _fits(value, order) and "\0" not in one:
                return Position(value, one)
            raise fault
        case _:
            raise fault


def _fits(value: str | int | float | None, order: Order) -> bool:
    if isinstance(value, str):
        return order.kind not in NUMBERS and "\0" not in value
    return value is None or (order.kind in NUMBERS and abs(value) < 1 << 63)


def _pack(parts: list[str | int | float | bool | None]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _unpack(text: str) -> object:
    try:
        return orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        return None
