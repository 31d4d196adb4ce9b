"""The demonstration's hub finds what its institution plants, flows and all, and nothing else."""

import json
import subprocess
import sys

import pytest

from crohub.sandbox.answers import NAMES

pytest.importorskip("asyncssh", reason="the extra `sandbox` is not installed")


@pytest.mark.faults
def test_each_check_finds_as_many_as_are_planted():
    said = subprocess.run(
        [sys.executable, "-m", "crohub", "demo", "--once", "--json"],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip

    assert said.returncode == 0, said.stderr
    checks = json.loads(said.stdout)["checks"]
    assert list(checks) == list(NAMES)
    assert all(counts["expected"] for counts in checks.values())
    assert {n: c["found"] for n, c in checks.items()} == {
        n: c["expected"] for n, c in checks.items()
    }
