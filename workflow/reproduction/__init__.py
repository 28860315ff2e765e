"""The Python side of the workflow: config, runs, studies behind figures, report, explorer."""
