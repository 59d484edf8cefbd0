"""Measuring matching and search on a labelled set, through the real pipeline."""
