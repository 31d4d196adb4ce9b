"""A posted form (application/x-www-form-urlencoded), addressed by field name like a row."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

from mappings.media import table
from mappings.media.medium import Medium
from mappings.values import NotUnderstood

_MOST = 1000  # fields


def medium() -> Medium:
    """Bodies of fields and values, as browsers and form triggers send them."""
    return replace(table.medium(), read=_read)


def _read(body: bytes, _media: str) -> dict[str, str]:
    """Of a field that comes more than once the first counts."""
    try:
        fields = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST
        )
    except ValueError:
        expected = f"fields and values of a form, in UTF-8, at most {_MOST}"
        raise NotUnderstood(rule="unreadable-form", place="body", expected=expected) from None
    return dict(reversed(fields))
