#!/usr/bin/env bash
# SpatialTunnel on a Ray cluster: this machine is the head, others join it, and the build gives each worker a core.
#
#     bash scripts/cluster/ray_cluster.sh                      # here, in a clone after: bash scripts/setup.sh geometry,render,dev,ray
#     .venv/bin/ray start --address=HEAD:6379                  # on each other machine, at any time, in the same clone
#
# OUT is on a file system that all machines see under the same path, and all have the same code. On a cluster that runs
# already (KubeRay, `ray up`), the last command alone is enough, with its address. Machines may join and leave: scenes
# of a lost one are tried again elsewhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

OUT="${OUT:-$PWD/build/tunnel}"
WORKERS="${WORKERS:-$(nproc)}"

PYTHONPATH="$PWD" .venv/bin/ray start --head --port=6379
trap '.venv/bin/ray stop' EXIT
.venv/bin/python scripts/build.py spatial_tunnel --out "$OUT" --engine ray --ray-address auto --workers "$WORKERS" "$@"
