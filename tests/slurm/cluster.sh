#!/usr/bin/env bash
# A real Slurm on this machine: munged, slurmctld and slurmd, one partition, no accounting.
#   cluster.sh start | stop
# Needs root and Debian's slurm-wlm and munge (installed if they can be). Exit 77 with one line: not to be had here.
# Refuses to touch a Slurm that is configured already.
set -euo pipefail

CONF=/etc/slurm/slurm.conf
MARK="# written by bfimna's tests/slurm/cluster.sh"
SPOOL=/var/spool/bfimna-slurm

absent() { echo "slurm: $1; skipped" >&2; exit 77; }

install() {
    command -v slurmctld slurmd munged >/dev/null && return
    command -v apt-get >/dev/null || absent "no slurmctld, and no apt-get to install slurm-wlm with"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null 2>&1 || true
    apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null 2>&1 \
        || absent "slurm-wlm and munge cannot be installed"
}

configure() {
    [ ! -e "$CONF" ] || grep -qF "$MARK" "$CONF" || absent "$CONF is not ours"
    mkdir -p "$SPOOL"/{ctld,d} /etc/slurm /run/munge
    chown munge: /run/munge
    cat >"$CONF" <<EOF
$MARK
ClusterName=bfimna
SlurmctldHost=$(hostname -s)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation=$SPOOL/ctld
SlurmdSpoolDir=$SPOOL/d
SlurmctldPidFile=$SPOOL/slurmctld.pid
SlurmdPidFile=$SPOOL/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MinJobAge=300
ReturnToService=2
NodeName=$(hostname -s) CPUs=$(nproc) RealMemory=$(($(awk '/MemTotal/ {print $2}' /proc/meminfo) / 1024 - 512)) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOF
}

start() {
    [ "$(id -u)" = 0 ] || absent "root is needed to start its daemons"
    install
    configure
    pgrep -x munged >/dev/null || setpriv --reuid munge --regid munge --clear-groups munged --force 2>/dev/null
    pgrep -x slurmctld >/dev/null || slurmctld
    pgrep -x slurmd >/dev/null || slurmd
    for _ in $(seq 60); do
        sinfo --noheader --format=%T 2>/dev/null | grep -qE 'idle|mixed|alloc' && { echo "slurm: started"; return; }
        sleep 0.5
    done
    stop
    absent "its daemons did not come up"
}

stop() {
    scancel --quiet --user=root 2>/dev/null || true
    pkill -x slurmd || true
    pkill -x slurmctld || true
    pkill -x munged || true
    for _ in $(seq 20); do pgrep -x slurmd >/dev/null || pgrep -x slurmctld >/dev/null || break; sleep 0.25; done
    [ ! -e "$CONF" ] || ! grep -qF "$MARK" "$CONF" || rm -f "$CONF"
    rm -rf "$SPOOL"
    echo "slurm: stopped"
}

case "${1-}" in
    start | stop) "$1" ;;
    *) echo "usage: cluster.sh start|stop" >&2; exit 2 ;;
esac
