"""Run snakemake with a lock that dies with it: a killed run leaves nothing to unlock by hand.

python workflow/locked.py [snakemake's arguments]
"""

import fcntl
import os
import sys
from pathlib import Path

folder = Path(".snakemake")
folder.mkdir(exist_ok=True)
lock = os.open(folder / "running", os.O_CREAT | os.O_RDWR)
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("another reproduction runs in this folder; wait for it, or stop it")
os.set_inheritable(lock, True)  # the kernel frees it when the last of snakemake's processes ends
os.execvp("snakemake", ["snakemake", "--nolock", *sys.argv[1:]])
