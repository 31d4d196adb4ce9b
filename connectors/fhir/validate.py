"""What fhir.resources finds wrong with a resource. Beside the way of data: complaints become
findings and never stop a resource, since real servers send what the models reject."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ValidationError

# There are no R4 models; R4B accepts R4 for what research uses (ResearchStudy, Patient …).
_PACKAGES = {
    "R4": "fhir.resources.R4B",
    "R4B": "fhir.resources.R4B",
    "R5": "fhir.resources",
}
_MOST = 50


def complaints(body: bytes, fhir_version: Literal["R4", "R4B", "R5"]) -> list[str]:
    """`path: code` for each rule the resource breaks, in the order found, at most 50; empty
    when it breaks none. Paths and codes only: a value may be a patient's.

    About 2,000 small resources a second; the first call imports for up to a second. Does not
    check codes against their value sets, nor decimals' precision.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return [f"line {error.lineno} column {error.colno}: no JSON"]
    kind = found.get("resourceType") if isinstance(found, dict) else None
    model = _model(_PACKAGES[fhir_version], kind) if isinstance(kind, str) else None
    if model is None:
        return ["resourceType: unknown"]
    try:
        model.model_validate(found)
    except ValidationError as error:
        return [_complaint(fault) for fault in error.errors(include_input=False)[:_MOST]]
    except KeyError:
        return ["contained or entry: resourceType unknown"]  # raised bare by the models
    return []


@cache
def _model(package: str, kind: str) -> type[BaseModel] | None:
    """The model of a resource type; None where this version has none of that name."""
    if not (kind.isascii() and kind.isalpha()):
        return None
    try:
        module = importlib.import_module(f"{package}.{kind.lower()}")
    except ModuleNotFoundError:
        return None
    resource: type[BaseModel] = importlib.import_module(f"{package}.resource").Resource
    model = getattr(module, kind, None)
    return model if isinstance(model, type) and issubclass(model, resource) else None


def _complaint(fault: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    path = ".".join(str(step) for step in fault["loc"]) or "resource"
    return f"{path}: {fault['type']}"
