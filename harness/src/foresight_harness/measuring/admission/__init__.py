"""Admission: what is checked of encoders, metrics and data sets before a run believes what they give."""
