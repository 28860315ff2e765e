"""What the Snakemake rules call: the config, and how results are collected."""
