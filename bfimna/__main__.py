"""`python -m bfimna`: the command line."""

import sys

from bfimna.cli import main

sys.exit(main())
