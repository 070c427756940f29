"""Errors that speak to the user: what was asked, what was found, what to do. A bug keeps its own traceback."""

from __future__ import annotations

from foresight_harness.contracts.text import one_line, without_secrets


class ForesightError(Exception):
    """Base of every error whose message is meant for the user: one line, without control characters and secrets,
    whatever the names and messages of others that it quotes."""

    def __str__(self) -> str:
        return one_line(without_secrets(super().__str__()))


class UsageError(ForesightError):
    """The command or its options cannot be carried out as written. Exit 4 under pytest, 2 from ``foresight-bench``."""


class CandidateError(UsageError):
    """A candidate string does not parse, or names a part that no plugin offers."""


class UnknownPartError(CandidateError):
    """A candidate names a part that no installed plugin offers."""


class PluginError(UsageError):
    """Plugins contradict each other or the hook specifications."""


class PluginFailure(PluginError):
    """Code of a plugin ended a call otherwise than by an ``Exception``, or changed what moves everybody's numbers."""


class GridError(ForesightError, ValueError):
    """Tokens do not form the grid that was claimed."""


class CheckpointError(ForesightError):
    """A checkpoint is absent, damaged, of another architecture, or asks for something unsafe."""


class DataError(ForesightError):
    """A data set, picture, clip or annotation cannot be used. The message names the file."""


class FitError(ForesightError):
    """A fit diverged, met a NaN or made no progress: a failed cell, never a number."""


class CacheError(ForesightError):
    """A feature shard is damaged and could not be rebuilt."""


class EngineGone(ForesightError):
    """What carries out the cells is gone as a whole: nothing more can be scored in this session."""


class RunFolderError(ForesightError):
    """A run folder cannot be written or read."""
