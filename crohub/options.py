"""What a person may say at the start, and where the data are then."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.address import resolved
from pipelines.places import Places
from pipelines.settings import Deployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person may say at the start; None: as the configuration says."""

    config: Path
    data: Path | None = None
    host: str | None = None
    port: int | None = None


def places_of(options: Options, deployment: Deployment) -> Places:
    """The data folder: as said, else CROHUB_DATA, else `data` in the configuration's folder."""
    said = options.data or os.environ.get("CROHUB_DATA")
    return Places(
        Path(said) if said else options.config / "data", resolved(deployment.hub.database)
    )
