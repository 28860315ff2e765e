# One run at a time; jobs use the Python that runs Snakemake.
import shlex
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence
from snakemake_interface_executor_plugins.settings import ExecMode

from reproduction import running

# even if its environment is not activated
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


try:  # before Snakemake makes folders there
    running.check_folder()
except BfimnaError as error:
    raise WorkflowError(str(error)) from None


def remake_unrecorded(outputs):
    """Mark results as incomplete that differ from Snakemake's records, or that have none."""
    if workflow.exec_mode == ExecMode.DEFAULT:
        records = FilePersistence()
        unrecorded = [
            file
            for file in map(IOFile, outputs)
            if not running.is_recorded(Path(file), records.metadata(file))
        ]
        if unrecorded:
            records.started(SimpleNamespace(output=unrecorded))  # and never finished


onstart:
    if workflow.exec_mode == ExecMode.DEFAULT:
        try:
            running.check_room()
            running.only_one(Path(".snakemake"))
        except BfimnaError as error:
            raise WorkflowError(str(error)) from None
        running.stop_at_sigterm()
