"""Experiment trackers that ``--export NAME`` sends records to. Each library is an extra, imported when it is used."""

from foresight_harness.running.exporters.catalogue import EXPORTERS, check_exports, check_installed, chosen_trackers
from foresight_harness.running.exporters.tracker import Tracker

__all__ = ["EXPORTERS", "Tracker", "check_exports", "check_installed", "chosen_trackers"]
