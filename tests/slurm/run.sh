#!/usr/bin/env bash
# The tiny reproduction through a real Slurm: the same files as a local run, byte for byte; a job killed half way
# is tried again; a whole run killed is taken up again; a sweep. Leaves nothing behind. Exit 77: no Slurm to be had here.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
work="$(mktemp -d)"
trap '"$here/cluster.sh" stop; rm -rf "$work"' EXIT

"$here/cluster.sh" start || { status=$?; trap 'rm -rf "$work"' EXIT; exit "$status"; }

checkout() { # a copy of what git tracks, without its results
    mkdir "$work/$1"
    (cd "$root" && git ls-files -z | xargs -0 cp --parents --target-directory "$work/$1")
}
sums() { (cd "$work/$1" && find results -type f ! -name '*.ipynb' -exec sha256sum {} + | sort -k2); }
tiny() { (cd "$work/$1" && PYTHONPATH="$PWD" snakemake --configfile workflow/config.tiny.yaml "${@:2}"); }
profile=(--profile workflow/profiles/slurm --slurm-init-seconds-before-status-checks 3 --latency-wait 5
    --resources mem_mb=2000) # two notebooks at once, since this machine may have no more cores
slurm() { tiny cluster "${profile[@]}"; }
running() { squeue --noheader --states=R --format=%i | head -n 1 | grep .; }
simulated() { find "$work/$1/results/tiny/simulate" -name summary.csv 2>/dev/null | grep .; }
wait_for() { for _ in $(seq 480); do "$@" >/dev/null && return; sleep 0.25; done; echo "waited 120 s in vain: $*"; return 1; }

checkout local
checkout cluster
tiny local --cores 2 >"$work/local.log" 2>&1 || { cat "$work/local.log"; exit 1; }

slurm >"$work/killed.log" 2>&1 & run=$!
wait_for running
victim=$(running)
scancel --signal=KILL --full "$victim"
echo "job $victim killed half way"
wait_for grep "Trying to restart" "$work/killed.log" || { cat "$work/killed.log"; exit 1; }
echo "it was tried again"

wait_for simulated cluster
pkill -KILL --parent "$run" 2>/dev/null || true
kill -KILL "$run" 2>/dev/null || true
wait "$run" 2>/dev/null || true
scancel --quiet --user="$(id -un)" || true
[ ! -e "$work/cluster/results/tiny/summary.csv" ] || { echo "the run was over before it was killed"; exit 1; }
echo "the whole run killed, $(simulated cluster | wc -l) simulations done"

slurm >"$work/resumed.log" 2>&1 || { cat "$work/resumed.log"; exit 1; }
diff <(sums local) <(sums cluster) || { echo "Slurm and local runs differ"; exit 1; }
echo "slurm: the tiny reproduction is the same $(sums cluster | wc -l) files, byte for byte, 1 job and 1 run killed"

sweep() { (cd "$work/$1" && PYTHONPATH="$PWD" snakemake --snakefile workflow/sweep.smk --configfile workflow/sweeps/example.yaml "${@:2}"); }
sweep local --cores 2 >"$work/sweep.log" 2>&1 || { cat "$work/sweep.log"; exit 1; }
sweep cluster "${profile[@]}" >"$work/sweep.log" 2>&1 || { cat "$work/sweep.log"; exit 1; }
diff <(sums local) <(sums cluster) || { echo "sweeps through Slurm and on this machine differ"; exit 1; }
echo "slurm: a sweep of $(find "$work/cluster/results/sweeps" -name '*.parquet' | wc -l) parts is the same, byte for byte"
