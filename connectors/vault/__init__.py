"""Veeva Vault: an eTMF and a CTMS that are queried with VQL and written by upsert."""

from __future__ import annotations

from connectors.vault.system import Vault

__all__ = ["Vault"]
