"""What XPath cannot say from within an element of `each`."""

from __future__ import annotations

from lxml import etree

from mappings.calls import function


@function(
    "xml.place", says="the element's place among those of its name, from 1", reads=(),
    gives="integer",
)  # fmt: skip
def place(source: etree._Element) -> int:
    return 1 + sum(1 for _ in source.itersiblings(str(source.tag), preceding=True))
