#!/usr/bin/env bash
# Through a real Slurm, the same files as on this machine, byte for byte: the tiny reproduction without accounting, a job
# and then the whole run killed half way; and a sweep on a second Slurm with accounting, asked by sacct.
# Leaves nothing behind but Debian's packages. Exit 77: no Slurm to be had here.
set -euo pipefail

here="$(cd "$(dirname "$0")" && pwd)"
root="$(cd "$here/../.." && pwd)"
work="$(mktemp -d)"
chmod 755 "$work" # the database has a user of its own
stop_all() {
    kill $(jobs -p) 2>/dev/null || true
    for name in plain accounted; do [ ! -d "$work/$name" ] || "$here/cluster.sh" stop "$work/$name"; done
    rm -rf "$work"
}
trap stop_all EXIT

told() { echo "slurm: $* ($SECONDS s)"; }
fail() { cat "$work/$1.log"; echo "slurm: failed: $1"; exit 1; }
checkout() { # copies of what git tracks, without its results
    for name; do
        mkdir -p "$work/$name"
        (cd "$root" && git ls-files -z | xargs -0 cp --parents --target-directory "$work/$name")
    done
}
sums() { (cd "$work/$1" && find results -type f ! -name '*.ipynb' -exec sha256sum {} + | sort -k2); }
snake() { cd "$work/$1" && PYTHONPATH="$PWD" exec snakemake "${@:2}"; } # in a subshell of its own
profile=(--profile workflow/profiles/slurm --slurm-init-seconds-before-status-checks 3 --latency-wait 5
    --resources mem_mb=2000) # two notebooks at once, since this machine may have no more cores
running() { squeue --noheader --states=R --format=%i | head -n 1 | grep .; }
begun() { find "$work/cluster/logs/simulate" -name '*.log' 2>/dev/null | grep .; }
simulated() { find "$work/cluster/results/tiny/simulate" -name summary.csv 2>/dev/null | grep .; }
wait_for() { for _ in $(seq 1200); do "$@" >/dev/null && return 0; sleep 0.25; done; echo "waited 300 s in vain: $*"; return 1; }

reproduction() {
    export SLURM_CONF="$work/plain/slurm.conf" PATH="$work/plain/bin:$PATH"
    local tiny=(--configfile workflow/config.tiny.yaml) run victim
    (snake cluster "${tiny[@]}" "${profile[@]}") >"$work/killed.log" 2>&1 & run=$!
    wait_for begun || fail killed
    victim=$(running)
    scancel --signal=KILL --full "$victim"
    told "job $victim killed while it simulated"
    wait_for grep "Trying to restart" "$work/killed.log" || fail killed
    told "it was tried again"
    wait_for simulated || fail killed
    kill -KILL "$run"
    wait "$run" 2>/dev/null || true
    scancel --quiet --user="$(id -un)" || true
    [ ! -e "$work/cluster/results/tiny/summary.csv" ] || fail "the run was over before it was killed"
    told "the whole run killed, $(simulated | wc -l) simulations done"
    (snake cluster "${tiny[@]}" "${profile[@]}") >"$work/resumed.log" 2>&1 || fail resumed
    (snake local "${tiny[@]}" --cores 2) >"$work/local.log" 2>&1 || fail local
    diff <(sums local) <(sums cluster) || fail resumed
    told "the tiny reproduction is the same $(sums cluster | wc -l) files, byte for byte, 1 job and 1 run killed"
}

sweep() { # SLURM STATUS_COMMAND
    export SLURM_CONF="$work/$1/slurm.conf" PATH="$work/$1/bin:$PATH"
    local grid=(--snakefile workflow/sweep.smk --configfile workflow/sweeps/example.yaml)
    (snake swept "${grid[@]}" "${profile[@]}" --slurm-status-command "$2") >"$work/sweep.log" 2>&1 || fail sweep
    (snake swept-here "${grid[@]}" --cores 2) >"$work/sweep-here.log" 2>&1 || fail sweep-here
    diff <(sums swept-here) <(sums swept) || fail sweep
    told "a sweep of $(find "$work/swept/results" -name '*.parquet' | wc -l) parts ($1, $2) is the same, byte for byte"
}

"$here/cluster.sh" start "$work/plain"
accounting=(plain squeue)
"$here/cluster.sh" start "$work/accounted" accounting && accounting=(accounted sacct) || told "no accounting to be had"
checkout local cluster swept swept-here
sweep "${accounting[@]}" & swept=$! # beside the other, which waits as often as it computes
reproduction
wait "$swept"
