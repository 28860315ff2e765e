# One run at a time, whose jobs' Python is the one that runs Snakemake.
import shlex
import sys
from pathlib import Path

from snakemake_interface_executor_plugins.settings import ExecMode

from bfimna.workflow import running

# also where its environment is not activated
shell.prefix(f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; ")


onstart:
    if workflow.exec_mode == ExecMode.DEFAULT:
        try:
            running.check_room()
            running.only_one(Path(".snakemake"))
        except BfimnaError as error:
            raise WorkflowError(str(error)) from None
        running.stop_when_told()
