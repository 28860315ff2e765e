"""Derive data/technologies/derived.csv from a circuit tool's arrays and published peaks."""
