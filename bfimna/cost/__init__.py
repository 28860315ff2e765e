"""`Counts` × Technology → seconds, joules, square metres; reports, sweeps and peaks."""
