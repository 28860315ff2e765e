"""Hypothesis draws the same examples in every run, so that a red test tells of a change."""

from hypothesis import settings

settings.register_profile("reproducible", derandomize=True)
settings.load_profile("reproducible")
