# One run at a time, whose jobs' Python is the one that runs Snakemake.
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence
from snakemake_interface_executor_plugins.settings import ExecMode

from reproduction import running

# also where its environment is not activated
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


def distrust(outputs):
    """Have every result made anew that Snakemake has no record of, or another than this one."""
    if workflow.exec_mode == ExecMode.DEFAULT:
        records = FilePersistence()
        known = ((file, records.metadata(file)) for file in map(IOFile, outputs))
        strange = [file for file, record in known if not running.is_recorded(Path(file), record)]
        if strange:
            records.started(SimpleNamespace(output=strange))  # but not finished


onstart:
    if workflow.exec_mode == ExecMode.DEFAULT:
        try:
            running.check_room()
            running.only_one(Path(".snakemake"))
        except BfimnaError as error:
            raise WorkflowError(str(error)) from None
        running.stop_when_told()
