"""CDISC ODM bodies addressed by XPath 1.0, whatever the version of their namespace.

The names of ODM itself are read without a namespace, of 1.2, 1.3 and 2.0 alike: `ClinicalData/
SubjectData/@SubjectKey`. Extensions keep theirs; a mapping declares their prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lxml import etree

from connectors.formats.odm import STANDARD
from mappings.media import xml
from mappings.media.medium import Found, Medium

# What functions answer for a value that the file takes back; no XML text can be it.
REMOVED = "\0"


def medium(*, prefixes: Mapping[str, str]) -> Medium:
    """ODM documents; `prefixes` are for extensions."""
    plain = xml.medium(prefixes=prefixes)
    return replace(plain, read=lambda body, media: _bare(plain.read(body, media)), removed=REMOVED)


def _bare(root: Found) -> Found:
    for element in root.iter(etree.Element):
        if element.tag.startswith("{" + STANDARD):
            element.tag = element.tag.rpartition("}")[2]
    return root
