#!/bin/bash
# A Slurm cluster of this one machine, as root of a container: start_slurm.sh FOLDER starts it, with all
# that it writes in FOLDER; start_slurm.sh FOLDER stop ends it. Needs Debian's slurm-wlm.
set -e
folder=$(realpath -m "$1")
mkdir -p "$folder"

if [ "$2" = stop ]; then
  for name in slurmctld slurmd munged; do
    [ -f "$folder/$name.pid" ] || continue
    number=$(cat "$folder/$name.pid")
    kill "$number" || true
    while kill -0 "$number" 2> /dev/null; do sleep 0.1; done
  done
  exit
fi

mkdir -p "$folder/state" "$folder/spool" "$folder/munge"
chmod 700 "$folder/munge"
chown -R munge: "$folder/munge"
chmod a+x "$folder"
dd if=/dev/urandom of="$folder/munge/key" bs=1024 count=1 status=none
chown munge: "$folder/munge/key"
chmod 400 "$folder/munge/key"
cores=$(nproc)
memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
cat > "$folder/slurm.conf" <<END
ClusterName=one
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CryptoType=crypto/munge
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldPort=46817
SlurmdPort=46818
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
export SLURM_CONF="$folder/slurm.conf"
setpriv --reuid munge --regid munge --clear-groups /usr/sbin/munged --force \
  --socket "$folder/munge/socket" --key-file "$folder/munge/key" --pid-file "$folder/munge/munged.pid" \
  --log-file "$folder/munge/munged.log" --seed-file "$folder/munge/seed"
ln -sf "$folder/munge/munged.pid" "$folder/munged.pid"
slurmctld
slurmd
for _ in $(seq 50); do
  sinfo --noheader --format %T 2> /dev/null | grep -q idle && exit
  sleep 0.2
done
echo "slurm does not start; see $folder/slurmctld.log and $folder/slurmd.log" >&2
exit 1
