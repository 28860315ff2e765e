#!/usr/bin/env bash
# A real Slurm of its own on this machine: munged, slurmctld and slurmd, one partition.
#   cluster.sh start FOLDER [accounting]     accounting: slurmdbd on a MariaDB besides
#   cluster.sh stop FOLDER                   ends what was started, by its ids, and removes FOLDER
# Then `export SLURM_CONF=FOLDER/slurm.conf PATH=FOLDER/bin:$PATH`. Sockets, ports, key and spool are FOLDER's own, so that it stands
# beside any other Slurm. Needs root and Debian's packages (installed if they can be; they stay).
# Exit 77 with one line: not to be had here.
set -euo pipefail

absent() { echo "slurm: $1; skipped" >&2; exit 77; }

fetch() { # COMMAND PACKAGE...
    command -v "$1" >/dev/null && return
    command -v apt-get >/dev/null || absent "no $1, and no apt-get to install ${*:2} with"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null 2>&1 || true
    apt-get install -y -qq --no-install-recommends "${@:2}" >/dev/null 2>&1 || absent "${*:2} cannot be installed"
}

ports() { # so many that are free
    python3 -c 'import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(one.getsockname()[1] for one in held))' "$1"
}

wait_for() { for _ in $(seq 80); do "$@" >/dev/null 2>&1 && return 0; sleep 0.25; done; return 1; }

configure() { # CONTROLLER_PORT NODE_PORT DATABASE_PORT
    local host accounting
    host=$(hostname -s)
    accounting="AccountingStorageType=accounting_storage/none"
    [ -z "$with_accounting" ] || accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$3
AccountingStoragePass=$folder/munge.socket
AccountingStorageEnforce=associations"
    cat >"$folder/slurm.conf" <<EOT
ClusterName=$name
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$2
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
StateSaveLocation=$folder/ctld
SlurmdSpoolDir=$folder/d
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
$accounting
JobAcctGatherType=jobacct_gather/none
MinJobAge=300
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(awk '/MemTotal/ {print $2}' /proc/meminfo) / 1024 - 512)) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOT
}

start_accounting() { # DATABASE_PORT SQL_PORT
    local sql=(--no-defaults --socket="$folder/sql.socket")
    mkdir "$folder/sql"
    touch "$folder/sql.log"
    chown mysql: "$folder/sql" "$folder/sql.log" "$folder"
    mariadb-install-db --no-defaults --user=mysql --datadir="$folder/sql" --skip-test-db >/dev/null
    setsid --fork mariadbd --no-defaults --user=mysql --datadir="$folder/sql" --socket="$folder/sql.socket" --bind-address=127.0.0.1 \
        --port="$2" --pid-file="$folder/mariadbd.pid" --log-error="$folder/sql.log"
    wait_for mariadb "${sql[@]}" -e "" || absent "its database did not come up"
    mariadb "${sql[@]}" -e "CREATE DATABASE slurm; CREATE USER slurm@'127.0.0.1'; GRANT ALL ON slurm.* TO slurm@'127.0.0.1'"
    (umask 077 && cat >"$folder/slurmdbd.conf") <<EOT
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket
DbdHost=$(hostname -s)
DbdAddr=127.0.0.1
DbdPort=$1
SlurmUser=slurm
PidFile=$folder/dbd/slurmdbd.pid
LogFile=$folder/dbd/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$2
StorageUser=slurm
StorageLoc=slurm
EOT
    chown slurm: "$folder/slurmdbd.conf"
    install --directory --owner=slurm "$folder/dbd"
    slurmdbd
    wait_for timeout 5 sacctmgr --immediate add cluster "$name" || absent "its accounting did not come up"
}

start() {
    [ "$(id -u)" = 0 ] || absent "root is needed to start its daemons"
    fetch slurmctld slurm-wlm munge
    [ -z "$with_accounting" ] || { fetch slurmdbd slurmdbd; fetch mariadbd mariadb-server-core mariadb-client-core; }
    mkdir -p "$folder"/{ctld,d}
    trap failed EXIT
    mkdir "$folder/bin" # Snakemake's jobs drop SLURM_CONF before they call srun
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$SLURM_CONF" "$(command -v srun)" >"$folder/bin/srun"
    chmod +x "$folder/bin/srun"
    read -ra free < <(ports 4)
    configure "${free[@]}"
    head -c 1024 /dev/urandom | (umask 077 && cat >"$folder/munge.key")
    munged --force --socket="$folder/munge.socket" --key-file="$folder/munge.key" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" 2>/dev/null
    [ -z "$with_accounting" ] || start_accounting "${free[2]}" "${free[3]}"
    slurmctld
    slurmd
    idle() { sinfo --noheader --format=%T 2>/dev/null | grep -qE 'idle|mixed|alloc'; }
    wait_for idle || absent "its daemons did not come up"
    trap - EXIT
    echo "slurm: started"
}

failed() {
    tail -n 5 "$folder"/*.log "$folder"/*/*.log >&2
    stop
}

over() { ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; } # gone, or not yet waited for by its parent

left() { # processes of its jobs, those included that lost their parent
    grep --files-with-matches --null-data --line-regexp "SLURM_CLUSTER_NAME=$name" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
}

stop() {
    local pid file
    scancel --quiet --user="$(id -un)" 2>/dev/null || true
    for daemon in slurmd slurmctld slurmdbd mariadbd munged; do
        file=$(find "$folder" -name "$daemon.pid" -size +0)
        [ -n "$file" ] || continue
        pid=$(cat "$file")
        kill "$pid" 2>/dev/null || continue
        wait_for over "$pid" || kill -KILL "$pid" || true
    done
    for pid in $(left); do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "$folder"
    echo "slurm: stopped"
}

case "${1-} ${3-accounting}" in "start accounting" | "stop accounting") ;; *) set -- ;; esac
[ $# -ge 2 ] || { echo "usage: cluster.sh start FOLDER [accounting] | stop FOLDER" >&2; exit 2; }
folder=$(realpath -m "$2")
name=bfimna$(cksum <<<"$folder" | cut -d ' ' -f 1)
with_accounting=${3-}
export SLURM_CONF="$folder/slurm.conf"
"$1"
