"""Characterise a cell in ngspice: from a kit (model card and geometry) to a technology table.

Needs ngspice (`apt-get install ngspice`) and the extra `characterise`. Reading order: `kit`,
`templates/`, `lines` and `cells`, `measure`, `run`, `rows`.
"""

from bfimna.characterise.cells import Disturb, disturb, disturb_map
from bfimna.characterise.kit import Kit, read_kit
from bfimna.characterise.rows import Row, rows_of, summary, technology_csv
from bfimna.characterise.run import Characterisation, bench_of, characterise, show_progress

__all__ = [
    "Characterisation",
    "Disturb",
    "Kit",
    "Row",
    "bench_of",
    "characterise",
    "disturb",
    "disturb_map",
    "read_kit",
    "rows_of",
    "show_progress",
    "summary",
    "technology_csv",
]
