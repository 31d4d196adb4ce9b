"""The one way XML is read here: streamed, with no document type, no entity and no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

from lxml import etree

from connectors.errors import Refused
from connectors.formats.xml_prolog import PROLOG_LIMIT, Opening, opening

_CHUNK = 65_536
_CODES = {code: name for name, code in vars(etree.ErrorTypes).items() if isinstance(code, int)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a document may be before it is refused. Sizes are bytes."""

    size: int = 256 * 1024 * 1024
    depth: int = 200
    attributes: int = 10_000  # of one element


DEFAULT = Limits()


@dataclass(frozen=True, slots=True)
class Found:
    """One element that was asked for: its place among those, and itself with its namespaces."""

    number: int  # 1 is the first
    line: int
    name: str  # without namespace
    body: bytes  # UTF-8, no declaration; "" for one that was skipped


def elements(
    source: BinaryIO,
    wanted: Sequence[str],
    *,
    skip: int = 0,
    ancestors: bool = False,
    limits: Limits = DEFAULT,
) -> Iterator[Found]:
    """Each outermost element called one of `wanted` ("Subject" or "{namespace}Subject").

    Streams: memory is that of one element. The first `skip` are passed over. With `ancestors`
    the element stands inside the start tags that were open around it, attributes kept. Raises
    Refused, naming the line, for a document that is not well-formed, has a DOCTYPE or passes a
    limit; what was yielded before stands.
    """
    names = frozenset(wanted)
    inside = 0  # depth of the element being collected, 0: none
    number = 0
    for event, element, depth, line in events(source, limits):
        if event == "start":
            if not inside and _is(element, names):
                inside = depth
            continue
        if inside and depth > inside:
            continue
        if inside:
            inside = 0
            number += 1
            if number > skip:
                name = etree.QName(element).localname
                yield Found(number, line, name, _serialised(element, ancestors=ancestors))
        forget(element)


def count(source: BinaryIO, wanted: Sequence[str], *, limits: Limits = DEFAULT) -> int:
    """How many elements `elements` would yield. Reads all of it, so raises where that would."""
    return sum(1 for _ in elements(source, wanted, limits=limits))


def document(body: bytes, *, limits: Limits = DEFAULT) -> etree._Element:
    """The root of a whole document held in memory, under the same rules as `elements`."""
    root: etree._Element | None = None
    for _, element, depth, _ in events(BytesIO(body), limits):
        if depth == 1:
            root = element
    if root is None:
        raise Refused("CROHUB-XML-FORM: the document has no root element")
    return root


def events(
    source: BinaryIO, limits: Limits = DEFAULT
) -> Iterator[tuple[str, etree._Element, int, int]]:
    """Every start and end: (event, element, depth, line). The root has depth 1.

    The caller frees what it has read (`forget`). Raises as `elements` does.
    """
    depth = 0
    for fed in chunks(source, limits):
        for event, element in fed.events:
            if event == "start":
                depth += 1
                _guard(element, depth, limits)
            yield event, element, depth, _line(element) + fed.lines
            depth -= event == "end"


def _line(element: Any) -> int:  # noqa: ANN401 - the stubs know no line
    return element.sourceline or 0


@dataclass(frozen=True, slots=True)
class Fed:
    """What one more block of the document brought: starts and ends, in order."""

    size: int  # bytes of the document so far
    lines: int  # of white space before the declaration, which the parser does not count
    events: Iterator[tuple[str, etree._Element]]


def chunks(
    source: BinaryIO, limits: Limits = DEFAULT, tags: Sequence[str] | None = None
) -> Iterator[Fed]:
    """The document a block at a time; with `tags` ("{*}SubjectData") only these have events,
    which is several times faster. Depth and attributes are then libxml2's to limit."""
    head = source.read(PROLOG_LIMIT)
    if not head:
        raise Refused("CROHUB-XML-FORM: the document is empty")
    start = opening(head)
    pull_parser: Any = etree.XMLPullParser  # the stubs want one tag
    parser = pull_parser(
        events=("start", "end"),
        tag=tags,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    size, data, ended = len(head), head[start.skipped :], False
    while not ended:
        ended = not data
        _feed(parser, data, start)
        yield Fed(size, start.lines, parser.read_events())
        data = source.read(_CHUNK)
        size += len(data)
        if size > limits.size:
            raise Refused(f"CROHUB-XML-SIZE: more than {limits.size:,} bytes")


def _feed(parser: Any, data: bytes, start: Opening) -> None:  # noqa: ANN401 - see events
    """Hands `data` on; nothing left means that the document must be complete."""
    try:
        if data:
            parser.feed(data)
        else:
            parser.close()
    except etree.XMLSyntaxError as error:
        raise Refused(_complaint(error, start.lines)) from None


def _complaint(error: Any, lines: int) -> str:  # noqa: ANN401 - the stubs know no code
    """libxml2's own words quote the document, which may be a patient's name: keep its code."""
    line, column = error.position
    code = _CODES.get(error.code, str(error.code))
    if not line and len(error.error_log):  # found only when the document had ended
        last = error.error_log[-1]
        line, column, code = last.line, last.column, last.type_name
    place = f"at line {line + lines}, column {column} ({code})"
    if code == "ERR_RESOURCE_LIMIT":
        return f"CROHUB-XML-LIMIT: nested too deep or a text too long, {place}"
    return f"CROHUB-XML-FORM: not well-formed {place}"


def no_doctype(root: etree._Element) -> None:
    """Raises Refused for a document type declaration that `opening` did not see."""
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused("CROHUB-XML-DTD: a document type declaration is not accepted")


def _guard(element: etree._Element, depth: int, limits: Limits) -> None:
    if depth == 1:
        no_doctype(element)
    if depth > limits.depth:
        raise Refused(
            f"CROHUB-XML-DEPTH: line {element.sourceline}: nested deeper than {limits.depth}"
        )
    if len(element.attrib) > limits.attributes:
        raise Refused(
            f"CROHUB-XML-ATTRIBUTES: line {element.sourceline}: {len(element.attrib):,} "
            f"attributes on one element, at most {limits.attributes:,} are read"
        )


def _is(element: etree._Element, names: frozenset[str]) -> bool:
    tag = element.tag
    return tag in names or tag.rpartition("}")[2] in names


def _serialised(element: etree._Element, *, ancestors: bool) -> bytes:
    own = etree.tostring(element, encoding="utf-8", with_tail=False)
    for parent in element.iterancestors() if ancestors else ():
        start = start_tag(parent)
        name = start[1:].split(None, 1)[0].rstrip(b">")
        own = start + own + b"</" + name + b">"
    return own


def start_tag(element: etree._Element) -> bytes:
    """The element's start tag with its attributes and the namespaces known to it. Raises Refused
    for a prefix that stands for none: the parser tells that only when the document has ended."""
    bare: Any = etree.Element  # the stubs know no default namespace
    attributes = {str(name): str(value) for name, value in element.attrib.items()}
    try:
        empty = bare(element.tag, attributes, nsmap=element.nsmap)
    except ValueError:
        line = element.sourceline
        raise Refused(f"CROHUB-XML-FORM: not well-formed at line {line} (a prefix without a "
                      "namespace)") from None  # fmt: skip
    return etree.tostring(empty, encoding="utf-8").removesuffix(b"/>") + b">"


def forget(element: etree._Element) -> None:
    """Frees what has been read: the element's content and every sibling before it."""
    cleared: Any = element.clear  # the stubs know no keep_tail
    cleared(keep_tail=True)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
