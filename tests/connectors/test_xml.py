"""XML from strangers: every known trap, and that nothing is fetched."""

import re
import socket
import time
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest

from connectors.errors import Refused
from connectors.formats import xml

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared/data"


def found(text: str | bytes, name: str = "s", **options: object) -> list[bytes]:
    body = text.encode() if isinstance(text, str) else text
    return [one.body for one in xml.elements(BytesIO(body), [name], **options)]


@pytest.fixture
def listener():
    """A socket that hears whether anyone connects."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server


def nobody_came(server: socket.socket) -> bool:
    try:
        connection, _ = server.accept()
    except TimeoutError:
        return True
    connection.close()
    return False


ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
DOCTYPES = {
    "external file": '<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><o><s>&x;</s></o>',
    "external http": '<!DOCTYPE o [<!ENTITY x SYSTEM "http://HOST/x">]><o><s>&x;</s></o>',
    "parameter entity": '<!DOCTYPE o [<!ENTITY % p SYSTEM "http://HOST/p"> %p;]><o><s/></o>',
    "external subset": '<!DOCTYPE o SYSTEM "http://HOST/o.dtd"><o><s/></o>',
    "billion laughs": f'<!DOCTYPE o [<!ENTITY e0 "lol">{ENTITIES}]><o><s>&e9;</s></o>',
    "quadratic": f'<!DOCTYPE o [<!ENTITY e "{"x" * 50_000}">]><o><s>{"&e;" * 5_000}</s></o>',
    "internal": '<!DOCTYPE o [<!ENTITY e "x">]><o><s>&e;</s></o>',
    "behind a comment": "<?xml version='1.0'?><!-- <o> --><?pi x?>\n<!DOCTYPE o><o><s/></o>",
}


@pytest.mark.parametrize("text", DOCTYPES.values(), ids=DOCTYPES.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_doctype_is_refused_before_anything_is_expanded_or_fetched(text, encoding, listener):
    host = "{}:{}".format(*listener.getsockname())
    body = text.replace("HOST", host).encode(encoding)

    began = time.perf_counter()
    with pytest.raises(Refused, match=r"CROHUB-XML-DTD: line [12]"):
        found(body)
    with pytest.raises(Refused, match="CROHUB-XML-DTD"):
        xml.document(body)
    took = time.perf_counter() - began

    assert took < 0.5
    assert nobody_came(listener)


def test_the_listener_of_these_tests_hears_a_caller(listener):
    with socket.create_connection(listener.getsockname()):
        assert not nobody_came(listener)


def test_references_to_other_documents_are_not_followed(listener):
    url = "http://{}:{}/".format(*listener.getsockname())
    text = (
        f'<?xml version="1.0"?><?xml-stylesheet href="{url}"?>'
        f'<o xmlns:xi="http://www.w3.org/2001/XInclude" '
        f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="u {url}">'
        f'<s><xi:include href="{url}"/></s></o>'
    )

    [body] = found(text)

    assert b"xi:include" in body
    assert nobody_came(listener)


def test_an_entity_nobody_declared_is_refused():
    with pytest.raises(Refused, match="CROHUB-XML-FORM: not well-formed at line 2"):
        found("<o>\n<s>&secret;</s></o>")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "CROHUB-XML-FORM"),
        (b"   ", "CROHUB-XML-FORM"),
        (b"no xml", "CROHUB-XML-FORM: not well-formed at line 1"),
        (b"<o>\n<s></o>", "CROHUB-XML-FORM: not well-formed at line 2"),
        (b"<o>\n<s/>\n", "CROHUB-XML-FORM: not well-formed at line 3"),
        (b"<p:o/>", "CROHUB-XML-FORM: not well-formed at line 1"),
        (b"<o/><o/>", "CROHUB-XML-FORM"),
        (b"<o>\xe9</o>", "CROHUB-XML-FORM"),
        (b"<!--" + b"x" * 70_000 + b"--><o/>", "CROHUB-XML-PROLOG"),
        (b'<?xml version="1.0" encoding="utf-7"?><o/>', "CROHUB-XML-ENCODING: utf-7 is not read"),
        (b'<?xml version="1.0" encoding="klingon"?><o/>', "CROHUB-XML-ENCODING: declares"),
        (b'<?xml version="1.0" encoding="UTF-16"?><o/>', "CROHUB-XML-ENCODING: declares utf-16"),
        ('<?xml version="1.0" encoding="utf-8"?><o/>'.encode("utf-16"), "CROHUB-XML-ENCODING"),
        ("<o/>".encode("utf-32"), "CROHUB-XML-ENCODING: UTF-32"),
        (b"<o>" + b"<d>" * 220 + b"</d>" * 220 + b"</o>", "CROHUB-XML-DEPTH"),
        (b"<o>" + b"<d>" * 5_000, "CROHUB-XML-LIMIT"),
        (b"<o>" + b"x" * 11_000_000 + b"</o>", "CROHUB-XML-LIMIT"),
    ],
)
def test_a_document_that_cannot_be_read_says_where_and_why(body, code):
    with pytest.raises(Refused, match=re.escape(code)):
        found(body)


def test_an_error_never_quotes_the_document():
    for body in (b"<o><s>Tanaka & Co</s></o>", b"<o n='T\xe9naka'/>", b"<o><Tanaka></o>"):
        with pytest.raises(Refused) as caught:
            found(body)
        assert "naka" not in str(caught.value)


def test_an_element_with_too_many_attributes_is_refused():
    many = " ".join(f'a{n}="1"' for n in range(10_001))

    with pytest.raises(Refused, match="CROHUB-XML-ATTRIBUTES: line 1: 10,001"):
        found(f"<o {many}/>")


def test_a_document_that_is_too_large_is_refused():
    body = b"<o>" + b"<s/>" * 50_000 + b"</o>"

    with pytest.raises(Refused, match="CROHUB-XML-SIZE"):
        found(body, limits=xml.Limits(size=100_000))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1252"])
def test_declared_encodings_are_read(encoding):
    name = {"utf-8-sig": "utf-8", "cp1252": "windows-1252"}.get(encoding, encoding)
    text = f'<?xml version="1.0" encoding="{name}"?><o><s>\u00e9</s></o>'

    assert found(text.encode(encoding)) == ["<s>\u00e9</s>".encode()]


def test_white_space_before_the_declaration_is_passed_over_and_lines_still_count():
    text = '\r\n \n<?xml version="1.0" encoding="utf-8"?>\n<o>\n<s/>'

    with pytest.raises(Refused, match="at line 5"):
        found(text)
    assert found(text + "</o>") == [b"<s/>"]


def test_an_element_keeps_the_namespaces_it_stands_in():
    text = '<o xmlns="urn:o" xmlns:p="urn:p"><p:a/><s p:k="1"><p:b/></s>tail</o>'

    [body] = found(text, "{urn:o}s")

    assert body == b'<s xmlns="urn:o" xmlns:p="urn:p" p:k="1"><p:b/></s>'
    assert found(text, "{urn:p}s") == []


def test_an_element_may_bring_its_ancestors_with_their_attributes():
    text = '<o xmlns="urn:o" k="&lt;"><x/><c StudyOID="S1">text<s n="1"/><s n="2"/></c></o>'

    _, second = found(text, ancestors=True)

    root = xml.document(second)
    assert root.get("k") == "<"
    assert root.xpath("o:c/@StudyOID", namespaces={"o": "urn:o"}) == ["S1"]
    assert root.xpath("o:c/o:s/@n", namespaces={"o": "urn:o"}) == ["2"]


def test_only_the_outermost_of_nested_elements_is_given():
    assert found("<o><s>1<s>2</s></s><s>3</s></o>") == [b"<s>1<s>2</s></s>", b"<s>3</s>"]


def test_reading_may_skip_what_was_read_before():
    text = "<o>" + "".join(f"<s>{n}</s>" for n in range(5)) + "</o>"

    rest = list(xml.elements(BytesIO(text.encode()), ["s"], skip=3))

    assert [(one.number, one.body) for one in rest] == [(4, b"<s>3</s>"), (5, b"<s>4</s>")]


def test_memory_does_not_grow_with_the_document():
    class Endless:
        """A document of 12 MB that is nowhere in memory."""

        def __init__(self) -> None:
            subject = b'<m><q/></m><s n="1"><v>' + b"x" * 900 + b"</v></s>\n"
            self.parts = iter([b"<o>", *[subject * 64] * 200, b"</o>"])

        def read(self, _: int) -> bytes:
            return next(self.parts, b"")

    tracemalloc.start()
    count = xml.count(Endless(), ["s"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    before = resident()
    xml.count(Endless(), ["s"])
    grown = resident() - before

    assert count == 12_800
    assert peak < 1_500_000
    assert grown < 6_000_000  # libxml2 does not allocate through Python


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def test_no_other_xml_parser_is_used_in_the_project():
    """One hardened reader; whoever needs another adds its hardening there."""
    other = re.compile(
        r"^\s*(?:from|import)\s+(?:xml\.|defusedxml|xmltodict|lxml\.(?:html|objectify|sax))"
        r"|etree\.(?:parse|fromstring|XML|iterparse|XMLParser|XMLPullParser|HTMLParser|XSLT)\b"
        r"|^\s*from\s+xml\s+import|^\s*import\s+xml\b|from\s+lxml\.etree\s+import",
        re.MULTILINE,
    )
    here = ROOT / "connectors/formats/xml.py"

    offenders = [
        path.relative_to(ROOT).as_posix()
        for package in ("connectors", "mappings", "pipelines", "hub", "crohub")
        for path in (ROOT / package).rglob("*.py")
        if path != here and other.search(path.read_text())
    ]

    assert offenders == []
    assert other.search(here.read_text())


REAL = [
    ("odm/odmlib/odm-data-snapshot.xml", 2),
    ("odm/odmlib/test_clinical_data_01.xml", 2),
    ("odm/rwslib/test_rws_requests_001.xml", 2),
    ("odm/cdisc-dataexchange-odm/Chronic_Low_Back_Pain_example.xml", 1),
    ("odm/cdisc-dataexchange-odm/odm1_1_0_example.xml", "CROHUB-XML-DTD"),
    ("odm/cdisc-dataexchange-odm/MetadataUC2.xml", "CROHUB-XML-DTD"),
    ("odm/cdisc-dataexchange-odm/sds2odmAuto.xml", "CROHUB-XML-DTD"),
    ("odm/odmlib/test_odm_001.xml", "CROHUB-XML-FORM"),
    ("erp/factur-x/factur-x-basic.xml", 0),
]


@pytest.mark.skipif(not DATA.exists(), reason="the real test data are not here")
@pytest.mark.parametrize(("name", "expected"), REAL)
def test_real_documents_give_what_they_hold(name, expected):
    def subjects() -> int:
        with (DATA / name).open("rb") as file:
            return xml.count(file, ["SubjectData"])

    if isinstance(expected, int):
        assert subjects() == expected
    else:
        with pytest.raises(Refused, match=expected):
            subjects()
