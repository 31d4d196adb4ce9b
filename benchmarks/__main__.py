"""Measures and writes `latest.json`: `python -m benchmarks [NAME ...]`, all when none is named."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.ending import TooLong, within
from benchmarks.figure import Figure, table

# what is measured, in this order, and the seconds it may take
MEASURES = {
    "idle": 40,
    "mapping": 40,
    "accept": 90,
    "settle_embedded": 120,
    "settle_postgres": 75,
    "fhir_pull": 110,
    "odm_stream": 120,
    "files_settle": 120,
    "api_list": 45,
    "message_search": 90,
}
LATEST = Path(__file__).with_name("latest.json")


def main() -> int:
    """0: every target is met; 1: not every one, or a measurement broke off."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASURES))
    asked.add_argument("--folder", help="on which disk to work; the system's temporary folder")
    asked.add_argument("--into", type=Path, default=LATEST, help="where the figures are written")
    given = asked.parse_args()
    names = given.names or list(MEASURES)
    unknown = set(names) - set(MEASURES)
    if unknown:
        asked.error(f"no measure is called {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=given.folder) as folder:
        found = machine.describe(Path(folder))
        print(" · ".join(f"{name} {value}" for name, value in found.items()), file=sys.stderr)
        figures, broken = _measure(names, Path(folder))
    written = {"machine": found, "figures": [one.plain() for one in figures], "broken": broken}
    given.into.write_text(json.dumps(written, indent=1) + "\n")
    print(table(figures))
    return 0 if not broken and all(one.met is not False for one in figures) else 1


def _measure(names: list[str], folder: Path) -> tuple[list[Figure], dict[str, str]]:
    """The figures, and for each measure that broke off the reason."""
    figures: list[Figure] = []
    broken: dict[str, str] = {}
    for name in names:
        own = folder / name
        own.mkdir()
        began: float = time.perf_counter()
        try:
            with within(MEASURES[name]):
                made = import_module(f"benchmarks.{name}").measure(own)
        except (Exception, TooLong) as error:  # noqa: BLE001 - the others are measured all the same
            broken[name] = f"{type(error).__name__}: {error}"
            print(f"{name}: {broken[name]}", file=sys.stderr)
            continue
        taken = time.perf_counter() - began
        figures += made
        print(f"{name}: {taken:.0f} s, load {_load()}", file=sys.stderr)
    return figures, broken


def _load() -> Any:
    return round(os.getloadavg()[0], 2)


if __name__ == "__main__":
    sys.exit(main())
