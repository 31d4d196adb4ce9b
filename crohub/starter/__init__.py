"""The commented configuration that `crohub init` writes: the project's own `config` folder."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_KEPT = (".yaml", ".csv", ".md", ".example")
_FOLDERS = ("codes", "connections", "inbox", "mappings", "pipelines", "policies")


class Occupied(Exception):
    """A file of the configuration is there already; nothing was written."""


def write(folder: Path) -> list[Path]:
    """Writes the starter configuration into `folder` and makes its inbox; the files, sorted.

    Raises Occupied, and writes nothing, when one of them exists.
    """
    texts = {folder / name: text for name, text in _texts(_source())}
    taken = sorted(path for path in texts if path.exists())
    if taken:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise Occupied(f"{taken[0]}{more} exists; choose an empty folder")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return sorted(texts)


def _source() -> Traversable:
    """Inside the wheel; in a checkout the folder beside the packages."""
    packed = files("crohub") / "starter"
    if (packed / "hub.yaml").is_file():
        return packed
    return Path(__file__).parents[2] / "config"


def _texts(folder: Traversable, below: str = "") -> list[tuple[str, str]]:
    """What is written down; what a hub that ran there has left (`data`) is not."""
    found = []
    for entry in folder.iterdir():
        if entry.is_dir() and (below or entry.name in _FOLDERS):
            found += _texts(entry, f"{below}{entry.name}/")
        elif entry.name.endswith(_KEPT):
            found.append((below + entry.name, entry.read_text("utf-8")))
    return found
