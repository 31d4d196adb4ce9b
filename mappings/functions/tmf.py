"""The TMF Reference Model in what an eTMF says of a document: which artifact it is."""

from __future__ import annotations

import re
from typing import Any

from mappings.calls import function

_NUMBER = re.compile(r"\d{2}\.\d{2}\.\d{2}")
_FROM_FINE_TO_COARSE = ("artifact__v", "classification__v", "subtype__v", "type__v")


@function(
    "tmf.vault_artifact",
    says="an artifact's number (zz.ss.aa) where a document says one, else its finest type's name",
    reads=_FROM_FINE_TO_COARSE,
)
def vault_artifact(source: Any) -> str | None:  # noqa: ANN401 - JSON
    if not isinstance(source, dict):
        return None
    said = [source.get(name) for name in _FROM_FINE_TO_COARSE]
    words = [one[0] if isinstance(one, list) and one else one for one in said]
    texts = [word for word in words if isinstance(word, str) and word]
    numbers = [found[0] for text in texts if (found := _NUMBER.match(text))]
    return next(iter([*numbers, *texts]), None)
