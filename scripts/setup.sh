#!/usr/bin/env bash
# Makes .venv ready to build datasets and run the tests; running it again when nothing changed takes a moment.
#
#     bash scripts/setup.sh [EXTRAS]        EXTRAS: comma-separated, default geometry,render,dev; what is there stays
#
#   VANTAGE_PYTHON   the Python 3.11 to use (default: the first of python3.11, python3, python that is one)
#
# Four steps, each explained where it happens: find Python 3.11, create .venv, install the pinned packages, check the
# system libraries. Exit code 0: ready; 1: a step failed, and the last lines say what to do.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
VENV="$ROOT/.venv"
PY="$VENV/bin/python"
STAMP="$VENV/.vantage-setup"
LOG="$VENV/setup.log"
EXTRAS="${1:-geometry,render,dev}"

say() { printf '[setup] %s\n' "$*"; }
die() {
  printf '[setup] FAILED: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '        %s\n' "$line" >&2; done
  exit 1
}
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }

if [[ ! "$EXTRAS" =~ ^[a-z]+(,[a-z]+)*$ ]]; then
  die "extras must look like geometry,render,dev; got '$EXTRAS'"
fi

# Everything the result depends on besides the extras. The folder counts too: a virtual environment does not survive
# being moved.
basis() {
  { cat "$ROOT/pyproject.toml" "$ROOT/constraints.txt" "${BASH_SOURCE[0]}"
    printf '%s\n' "$ROOT" "${VANTAGE_PYTHON:-}"; } | cksum
}
# The extras of two lists, each once.
union() { tr ',' '\n' <<< "$1,$2" | awk 'NF && !seen[$0]++' | paste -sd, -; }

there=""
if [[ -x "$PY" && -f "$STAMP" ]]; then
  { read -r made_of && read -r there; } < "$STAMP" || true
  if [[ "$made_of" == "$(basis)" && "$(union "$there" "$EXTRAS")" == "$there" ]]; then
    say "up to date: .venv has $there"
    exit 0
  fi
  EXTRAS="$(union "$there" "$EXTRAS")"
fi
started="$(now)"

# 1. Python 3.11: Blender's module (bpy 5.0) exists for this version alone.
# Prints the interpreter's real path, or why it will not do.
probe() {
  "$1" - 2>/dev/null <<'PYTHON' || echo "does not run"
import sys
if sys.version_info[:2] != (3, 11):
    print("is Python %d.%d" % sys.version_info[:2])
else:
    try:
        import ensurepip, venv
        print(sys.executable)
    except ImportError:
        print("lacks the venv module (Debian, Ubuntu: apt-get install python3.11-venv)")
PYTHON
}

candidates=(python3.11 python3 python)
if [[ -n "${VANTAGE_PYTHON:-}" ]]; then candidates=("$VANTAGE_PYTHON"); fi
base=""
rejected=()
for candidate in "${candidates[@]}"; do
  # Every match on PATH, not only the first: a version manager's shim may stand in front of a good interpreter.
  while IFS= read -r path; do
    answer="$(probe "$path")"
    if [[ "$answer" == /* ]]; then base="$answer"; break 2; fi
    rejected+=("$path $answer")
  done < <(type -aP "$candidate" 2>/dev/null || true)
done
if [[ -z "$base" ]]; then
  die "Python 3.11 not found" "${rejected[@]:-no such command: ${candidates[*]}}" \
    "Install it (Debian 12: apt-get install python3.11 python3.11-venv; uv python install 3.11; pyenv install 3.11)" \
    "or name it: VANTAGE_PYTHON=/path/to/python3.11 bash scripts/setup.sh"
fi
say "1/4 Python 3.11: $base"

# 2. The virtual environment. Kept when it works and has the same base; made anew otherwise.
step="$(now)"
same_base='import os, sys; sys.exit(not os.path.samefile(sys.base_prefix, sys.argv[1]))'
base_prefix="$("$base" -c 'import sys; print(sys.base_prefix)')"
if "$PY" -c "$same_base" "$base_prefix" 2>/dev/null && grep -qsF "$VENV/bin/" "$VENV/bin/pip"; then
  say "2/4 .venv: kept"
  size=""
else
  rm -rf "$VENV"
  "$base" -m venv "$VENV" || die "could not create $VENV"
  say "2/4 .venv: created ($(since "$step"))"
  size=" (some minutes and 2.5 GB of disk)"
fi
rm -f "$STAMP"
: > "$LOG"

# 3. The packages, at the versions of constraints.txt: unpinned, numpy moves to 2 and bpy stops working.
export PIP_DISABLE_PIP_VERSION_CHECK=1
noise='^ *(WARNING|INFO|Looking|Requirement already|Collecting|Obtaining|Downloading|Using cached)'
noise+='|^ *(Preparing|Checking|Getting|Installing)|^ *$'
pip_install() {
  if ! "$PY" -m pip install --progress-bar off -c "$ROOT/constraints.txt" "$@" >>"$LOG" 2>&1; then
    grep -vE "$noise" "$LOG" | tail -n 12 >&2 || true
    die "pip install $*" "The whole output is in $LOG." "Fix the cause and run the same command again."
  fi
}
step="$(now)"
if [[ ",$EXTRAS," =~ ,(models|serve|train), ]]; then
  # torch first and alone, so that no other package's wish can pick its version.
  torch="$(grep -E '^torch==' "$ROOT/constraints.txt")"
  say "3/4 packages: $torch first"
  pip_install "$torch"
fi
say "3/4 packages: $EXTRAS$size"
pip_install -e "$ROOT[$EXTRAS]"
count="$("$PY" -m pip list 2>/dev/null | tail -n +3 | wc -l | tr -d ' ')"
say "3/4 packages: $count installed ($(since "$step"))"

# 4. System libraries. open3d needs libusb, bpy and open3d need X and GL client libraries (no X server, no GPU). pip
# cannot bring them, and without them the import fails at the first .so file; here all missing ones are found at once.
package_of() {
  case "$1" in
    libusb-1.0.so.0) echo libusb-1.0-0 ;;      libudev.so.1) echo libudev1 ;;
    libGL.so.1) echo libgl1 ;;                 libEGL.so.1) echo libegl1 ;;
    libX11.so.6) echo libx11-6 ;;              libXext.so.6) echo libxext6 ;;
    libXrender.so.1) echo libxrender1 ;;       libXfixes.so.3) echo libxfixes3 ;;
    libXi.so.6) echo libxi6 ;;                 libxkbcommon.so.0) echo libxkbcommon0 ;;
    libSM.so.6) echo libsm6 ;;                 libICE.so.6) echo libice6 ;;
    libidn2.so.0) echo libidn2-0 ;;            libgomp.so.1) echo libgomp1 ;;
    *) return 1 ;;
  esac
}
missing_libraries() {
  if ! command -v ldd >/dev/null; then return 0; fi
  local site="$VENV/lib/python3.11/site-packages"
  find "$site/open3d" "$site/bpy" "$site/cv2" -maxdepth 1 \
    \( -name 'pybind*.so' -o -name 'libOpen3D*' -o -name '__init__.so' -o -name 'cv2*.so' \) \
    -exec ldd {} + 2>/dev/null |
    awk '/=> not found/ { print $1 }' | sort -u || true # find also fails when an extra is not installed
}
step="$(now)"
missing="$(missing_libraries)"
if [[ -n "$missing" ]]; then
  packages=()
  unknown=()
  for library in $missing; do
    if package="$(package_of "$library")"; then packages+=("$package"); else unknown+=("$library"); fi
  done
  command="apt-get install -y --no-install-recommends ${packages[*]}"
  say "4/4 system libraries missing:" $missing
  if ((${#unknown[@]})); then
    die "no package is known here for: ${unknown[*]}" "Install what provides them, then run this again."
  fi
  if ! command -v apt-get >/dev/null; then
    die "system libraries are missing, and this is not Debian or Ubuntu" "Install what provides" $missing
  fi
  sudo=()
  if [[ "$(id -u)" != 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
      die "system libraries are missing, and only an administrator can install them. Run" \
        "sudo apt-get update && sudo $command" "and then this again."
    fi
    sudo=(sudo -n)
  fi
  say "4/4 $command"
  apt() { "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" >>"$LOG" 2>&1; }
  # The package lists may be absent or old: refresh them only when the first try fails.
  if ! apt install -y --no-install-recommends "${packages[@]}"; then
    { apt update || true; apt install -y --no-install-recommends "${packages[@]}"; } ||
      die "apt-get could not install ${packages[*]}" "Output: $LOG" "$command"
  fi
fi
imports="datasets, evaluate"
if [[ ",$EXTRAS," == *,geometry,* ]]; then imports+=", cv2, open3d"; fi
if [[ ",$EXTRAS," == *,render,* ]]; then imports+=", bpy"; fi
if [[ ",$EXTRAS," =~ ,(models|serve|train), ]]; then imports+=", torch, transformers"; fi
if ! "$PY" -c "import $imports" >>"$LOG" 2>&1; then
  tail -n 3 "$LOG" >&2
  die "the packages are installed but do not import together: $imports" "Output: $LOG"
fi
say "4/4 system libraries: complete; $imports import together ($(since "$step"))"

{ basis; echo "$EXTRAS"; } > "$STAMP"
say "ready after $(since "$started"): .venv/bin/python"
