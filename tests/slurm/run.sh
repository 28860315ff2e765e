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
    for pid in $(grep --files-with-matches --null-data --line-regexp "BFIMNA_TEST=$work" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3); do
        kill -KILL "$pid" 2>/dev/null || true # what a failure left running, here and in Slurm
    done
    for name in plain accounted; do [ ! -d "$work/$name" ] || "$here/cluster.sh" stop "$work/$name"; done
    rm -rf "$work"
}
trap stop_all EXIT

told() { echo "slurm: $* ($SECONDS s)"; }
fail() { # WHAT LOG
    cat "$work/$2.log"
    echo "slurm: failed: $1"
    exit 1
}
checkout() { # copies of what git tracks, without its results
    for name; do
        mkdir -p "$work/$name"
        (cd "$root" && git ls-files -z | xargs -0 cp --parents --target-directory "$work/$name")
    done
}
sums() { (cd "$work/$1" && find results -type f ! -name '*.ipynb' -exec sha256sum {} + | sort -k2); }
snake() { cd "$work/$1" && PYTHONPATH="$PWD" BFIMNA_TEST="$work" exec snakemake "${@:2}"; } # in a subshell of its own
profile=(--profile workflow/profiles/slurm --slurm-init-seconds-before-status-checks 3 --latency-wait 5)
running() { squeue --noheader --states=R --format=%i | head -n 1 | grep .; }
begun() { find "$work/cluster/logs/simulate" -name '*.log' 2>/dev/null | grep .; }
simulated() { grep "Finished jobid: .*(Rule: simulate)" "$work/killed.log"; }
dates() { (cd "$work/cluster" && find results/tiny/simulate -type f -printf '%p %T@\n' | sort); }
wait_for() { for _ in $(seq 1200); do "$@" >/dev/null && return 0; sleep 0.25; done; echo "waited 300 s in vain: $*"; return 1; }

reproduction() {
    export SLURM_CONF="$work/plain/slurm.conf" PATH="$work/plain/bin:$PATH"
    local tiny=(--configfile workflow/config.tiny.yaml) run victim done
    (snake cluster "${tiny[@]}" "${profile[@]}") >"$work/killed.log" 2>&1 & run=$!
    wait_for begun || fail "no job began" killed
    victim=$(running)
    [ "$(squeue --noheader --jobs "$victim" --format=%C)" = 1 ] || fail "a job asks for cores that stay idle" killed
    scancel --signal=KILL --full "$victim"
    told "job $victim killed while it simulated"
    wait_for grep "Trying to restart" "$work/killed.log" || fail "the job was not tried again" killed
    told "it was tried again"
    wait_for simulated || fail "nothing was simulated" killed
    kill -KILL "$run"
    wait "$run" 2>/dev/null || true
    scancel --quiet --user="$(id -un)" || true
    [ ! -e "$work/cluster/results/tiny/summary.csv" ] || fail "killed too late" killed
    done=$(dates)
    told "the whole run killed, its simulations done"
    (snake cluster "${tiny[@]}" "${profile[@]}") >"$work/resumed.log" 2>&1 || fail "the run taken up" resumed
    [ "$(dates)" = "$done" ] || fail "simulations that were done ran again" resumed
    (snake local "${tiny[@]}" --cores 2) >"$work/local.log" 2>&1 || fail "the run on this machine" local
    diff <(sums local) <(sums cluster) || fail "Slurm and this machine differ" resumed
    told "the tiny reproduction is the same $(sums cluster | wc -l) files, byte for byte, 1 job and 1 run killed"
}

sweep() { # SLURM STATUS_COMMAND
    export SLURM_CONF="$work/$1/slurm.conf" PATH="$work/$1/bin:$PATH"
    local grid=(--snakefile workflow/sweep.smk --configfile workflow/sweeps/example.yaml)
    (snake swept "${grid[@]}" "${profile[@]}" --slurm-status-command "$2") >"$work/sweep.log" 2>&1 || fail "the sweep" sweep
    (snake swept-here "${grid[@]}" --cores 2) >"$work/sweep-here.log" 2>&1 || fail "the sweep on this machine" sweep-here
    diff <(sums swept-here) <(sums swept) || fail "sweeps through Slurm and on this machine differ" sweep
    told "a sweep of $(find "$work/swept/results" -name '*.parquet' | wc -l) parts ($1, $2) is the same, byte for byte"
}

"$here/cluster.sh" start "$work/plain"
accounting=(plain squeue)
"$here/cluster.sh" start "$work/accounted" accounting && accounting=(accounted sacct) || told "no accounting to be had"
checkout local cluster swept swept-here
sweep "${accounting[@]}" & swept=$! # beside the other, which waits as often as it computes
reproduction
wait "$swept"
