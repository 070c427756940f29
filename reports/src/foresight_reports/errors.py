"""Errors of the report writer: one line that says what was asked, what was found and what to do."""

from __future__ import annotations


class ReportError(Exception):
    """Base of every error whose message is meant for the user."""


class RunFolderError(ReportError):
    """A folder is not a run folder, or its manifest cannot be read."""


class SchemaError(ReportError):
    """A file was written by a newer harness than this reader knows."""


class FigureError(ReportError):
    """A figure was asked for that the run does not have."""


class SizeError(ReportError):
    """The page would be larger than the limit of a single file."""
