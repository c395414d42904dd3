#!/usr/bin/env bash
# SPAR-7M from ScanNet by a Slurm array of 64 tasks with 8 cores each, merged when the last one has ended.
#
#     bash scripts/cluster/slurm_array.sh            # on a login node, in a clone that all nodes see, after `make setup`
#
# SCANS and OUT are on a file system that all nodes see. Tasks that failed can be run again, alone or all: finished parts
# are kept. A task that quarantined scenes ends with 3, which is not a failure; merge lists them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

SCANS="${SCANS:-/data/scannet/scans}"
OUT="${OUT:-$PWD/build/spar_7m}"
SHARDS="${SHARDS:-64}"

# --num-shards is given, so that `sbatch --array=3,17` of the same command builds the same shards again.
build=".venv/bin/python scripts/build.py spar_7m --source scannet=$SCANS --out $OUT --workers \$SLURM_CPUS_PER_TASK
       --scene-gb 4 --num-shards $SHARDS"

mkdir -p build
array=$(sbatch --parsable --job-name=vantage --array="0-$((SHARDS - 1))" --cpus-per-task=8 --mem=40G --time=12:00:00 \
  --output=build/slurm-%A_%a.txt --wrap="$(echo $build) || [ \$? -eq 3 ]")
sbatch --job-name=vantage-merge --dependency="afterok:$array" --cpus-per-task=2 --mem=8G --time=12:00:00 \
  --output=build/slurm-merge-%j.txt --wrap=".venv/bin/python scripts/build.py merge $OUT || [ \$? -eq 3 ]"
echo "task i builds shard i; look with: .venv/bin/python scripts/build.py status $OUT"
