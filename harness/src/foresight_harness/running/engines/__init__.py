"""Engines: who carries out the cells of a plan. One driver for all; an engine carries only keys, never tensors."""

from __future__ import annotations
