"""Closeness of small numbers: pytest.approx takes any two below 1e-12 for equal."""

import pytest


def close(expected, rel=1e-6):
    """Return an approximation that is relative alone, for joules of single events."""
    return pytest.approx(expected, rel=rel, abs=0)
