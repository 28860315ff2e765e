"""The tables behind the figures, one file a family of figures."""
