"""The transform that reads references between FHIR resources."""

from __future__ import annotations

import re
from typing import Any

from mappings.setting import Setting
from mappings.transforms import Step, as_text, transform
from mappings.values import BadPath

_TYPE = re.compile(r"[A-Z][A-Za-z]{2,63}")
_ID = re.compile(r"[\w.\-]{1,128}", re.ASCII)  # FHIR says 64 without _, servers do otherwise


@transform(
    "reference", gives="text", argument="resource type",
    says="the id in a FHIR reference to this type of resource; absent where it is another type, "
    "a contained resource, a search or a urn",
)  # fmt: skip
def _reference(argument: str, _setting: Setting) -> Step:
    """`Patient/1`, `https://host/fhir/Patient/1/_history/2` (FHIR R4 references §2.3.0.1). A
    contained `#p1` is no key: the next resource has its own `#p1`, and that is somebody else."""
    if not _TYPE.fullmatch(argument):
        raise BadPath(f"reference {argument!r}", "'reference Patient', a type of resource")

    def read(value: Any) -> str | None:  # noqa: ANN401 - whatever the source sent
        place, _, id_ = as_text(value).partition("/_history/")[0].rpartition("/")
        if place.rpartition("/")[2] != argument or not _ID.fullmatch(id_):
            return None
        return id_

    return read
