"""Checks that no single system can make: the twelve by name, in their order."""

from collections.abc import Mapping
from types import MappingProxyType

from hub.checks import (
    billing,
    cash,
    consent,
    delegation,
    documents,
    enrolment,
    leavers,
    ledger,
    registry,
    safety,
    sequence,
    silence,
)
from hub.checks.check import Check

# those that are there, each by its name
CHECKS: Mapping[str, Check] = MappingProxyType({
    check.name: check
    for check in (
        enrolment.CHECK, delegation.CHECK, consent.CHECK, documents.CHECK, billing.CHECK,
        cash.CHECK, sequence.CHECK, leavers.CHECK, safety.CHECK, registry.CHECK, ledger.CHECK,
        silence.CHECK,
    )
})  # fmt: skip
