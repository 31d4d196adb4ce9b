"""What the stranger writes to prove it; run inside a venv of its own by test_stranger."""

import orjson
import pytest
from acme_irb import AcmeIrb

from connectors.promises import CheckPromises, PullPromises


class TestAcmeIrb(PullPromises, CheckPromises):
    @pytest.fixture
    def connector(self, tmp_path):
        rows = [{"id": n, "version": 1, "at": f"2026-03-0{n}T08:00:00Z"} for n in range(1, 7)]
        export = tmp_path / "export.ndjson"
        export.write_bytes(b"\n".join(map(orjson.dumps, rows)))
        return AcmeIrb(export=export, token="${env:ACME_TOKEN}")

    @pytest.fixture
    def stream(self):
        return "submissions"

    @pytest.fixture
    def down(self, tmp_path):
        return AcmeIrb(export=tmp_path / "gone", token="${env:ACME_TOKEN}")
