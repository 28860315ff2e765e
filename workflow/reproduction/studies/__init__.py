"""The tables behind the figures; each module's first lines name its figures."""
