"""Keeping a run: its folder, engines, costs, exporters."""
