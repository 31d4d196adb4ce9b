"""What every test of mappings needs: a mapping from text, a record from bytes, code tables."""

from datetime import UTC, datetime

import pytest

from connectors.record import Record
from mappings.code_tables import load_codes
from mappings.collection import load

CODES = {
    "sex": "native,canonical,note,system\nF,female,,\nM,male,,\n9,null,,\n-,,says nothing,\n"
    "W,female,woman,berlin\n",
    "kind": "native,canonical,note\nMR,mrn,\nSS,ssn,\n",
    "race": "native,canonical\nA,asian\nW,white\n",
}


@pytest.fixture
def codes(tmp_path):
    folder = tmp_path / "codes"
    folder.mkdir()
    for name, text in CODES.items():
        (folder / f"{name}.csv").write_text(text)
    return load_codes(folder, packaged=False)


@pytest.fixture
def mapping(tmp_path, codes):
    """Loads a mapping from its text."""

    def make(text, context=None):
        path = tmp_path / "mapping.yaml"
        path.write_text(text)
        return load(path, codes=codes, context=context)

    return make


@pytest.fixture
def record():
    def make(body, media="hl7v2", said="said"):
        body = body.encode() if isinstance(body, str) else body
        at = datetime(2026, 3, 1, tzinfo=UTC)
        return Record(stream="s", message_key="1", at=at, body=body, media=media, said=said)

    return make
