"""The typed record of one measured number: its fields, units and meanings, and how older schemas are read."""

from __future__ import annotations

from foresight_harness.contracts.records.record import SCHEMA, Record, parse, upgrade, write

__all__ = ["SCHEMA", "Record", "parse", "upgrade", "write"]
