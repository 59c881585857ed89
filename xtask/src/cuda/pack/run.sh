#!/bin/sh
# Starts a program of this folder with the CUDA libraries of this machine, from a system install or from Python wheels such
# as those that PyTorch brings. A program that is linked with them does not start where one is missing, so they are looked
# for first, and what is missing is said in one sentence.
#
#   run [--from system|python] PROGRAM [ARGUMENT...]
#   run [--from system|python] --where      which libraries would be used
#
# --from looks in one of the two first; without it in the system first. Folders in LD_LIBRARY_PATH go before both.
# Exit codes: those of the program; 2 wrong usage; 3 something is missing here.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
newline='
'

usage() {
    echo "run: $1; usage: run [--from system|python] PROGRAM [ARGUMENT...] | --where" >&2
    exit 2
}

missing() {
    echo "run: $1" >&2
    exit 3
}

# A word of the file `versions`.
version_of() {
    while read -r word value; do
        if [ "$word" = "$1" ]; then
            echo "$value"
        fi
    done <"$here/versions"
}

from=system
where=no
while [ $# -gt 0 ]; do
    case $1 in
    --from)
        [ $# -ge 2 ] || usage "--from wants system or python"
        from=$2
        shift 2
        ;;
    --where)
        where=yes
        shift
        ;;
    -*) usage "$1 is not an option" ;;
    *) break ;;
    esac
done
case $from in system | python) ;; *) usage "--from $from is neither system nor python" ;; esac

if [ "$where" = no ]; then
    [ $# -ge 1 ] || usage "which program?"
    program=
    for place in "$here/bin" "$here/release" "$here/release/examples"; do
        if [ -x "$place/$1" ] && [ -f "$place/$1" ]; then
            program=$place/$1
            break
        fi
    done
    case $1 in */*) [ ! -x "$1" ] || program=$1 ;; esac
    [ -n "$program" ] || usage "there is no program $1 in $here"
    shift
fi

libraries=$(version_of libraries)
architecture=$(version_of architecture)
driver_min=$(version_of driver)

# ldconfig lies where not every user's PATH goes.
cache=$( (ldconfig -p || /sbin/ldconfig -p) 2>/dev/null || true)
cached() {
    # The same name can be there for 32 bits too.
    echo "$cache" | while read -r name rest; do
        if [ "$name" = "$1" ]; then
            case $rest in *64*=\>*)
                echo "${rest##*=> }"
                break
                ;;
            esac
        fi
    done
}

# Folders of the system, a line each; those that do not exist are passed over when libraries are looked for.
system_folders() {
    for dir in /usr/local/cuda*/lib64 /usr/local/cuda*/targets/*/lib /opt/cuda/lib64 "${CUDA_HOME:-}/lib64" \
        "${CUDA_PATH:-}/lib64" "${CONDA_PREFIX:-}/lib" "${CONDA_PREFIX:-}/targets/x86_64-linux/lib"; do
        case $dir in /lib* | /targets*) ;; *) echo "$dir" ;; esac
    done
    version_of toolkit
}

# Folders of NVIDIA's Python wheels: nvidia/cu13/lib of CUDA 13, nvidia/cublas/lib and so on before.
python_folders() {
    python3 - 2>/dev/null <<'PYTHON' || true
import glob, os, sys
for place in sys.path:
    for folder in sorted(glob.glob(os.path.join(place or ".", "nvidia", "*", "lib"))):
        print(os.path.abspath(folder))
PYTHON
}

driver_folders() {
    for dir in /usr/lib/*-linux-gnu /usr/lib64 /usr/lib /usr/lib/wsl/lib /usr/local/nvidia/lib64 /usr/local/nvidia/lib \
        /run/opengl-driver/lib /usr/local/cuda*/compat; do
        echo "$dir"
    done
}

named_folders() {
    echo "${LD_LIBRARY_PATH:-}" | tr : "$newline"
}

# The folder of a library: in a list of folders, or in the linker's cache.
in_folders() {
    echo "$2" | while IFS= read -r dir; do
        if [ -n "$dir" ] && [ -e "$dir/$1" ]; then
            echo "$dir"
            break
        fi
    done
}

in_cache() {
    file=$(cached "$1")
    [ -z "$file" ] || [ ! -e "$file" ] || dirname -- "$file"
}

named=$(named_folders)
system=$(system_folders)
python=$(python_folders)
driver=$(driver_folders)

place_of() {
    found=$(in_folders "$1" "$named")
    case $1 in libcuda.so*)
        [ -n "$found" ] || found=$(in_cache "$1")
        [ -n "$found" ] || found=$(in_folders "$1" "$driver")
        echo "$found"
        return
        ;;
    esac
    if [ "$from" = python ]; then
        [ -n "$found" ] || found=$(in_folders "$1" "$python")
    fi
    [ -n "$found" ] || found=$(in_cache "$1")
    [ -n "$found" ] || found=$(in_folders "$1" "$system")
    [ -n "$found" ] || found=$(in_folders "$1" "$python")
    echo "$found"
}

# The driver first: without it everything else is in vain.
path=
for library in $libraries; do
    case $library in
    libcuda.so*)
        place=$(place_of "$library")
        [ -n "$place" ] || missing "no NVIDIA driver is found ($library): use a machine with an NVIDIA GPU and driver $driver_min or newer, or start the container with --gpus all"
        path="$path$newline$place"
        [ "$where" = no ] || echo "$library $place"
        ;;
    esac
done

# Driver and compute capability of each GPU, `580.95.05, 9.0` a line.
gpus=
if command -v nvidia-smi >/dev/null 2>&1; then
    gpus=$(nvidia-smi --query-gpu=driver_version,compute_cap --format=csv,noheader 2>/dev/null) || gpus=
    [ -n "$gpus" ] || missing "nvidia-smi finds no GPU: see what it says when called by itself"
fi
installed=$(echo "$gpus" | sed -n '1s/[.,].*//p')
if [ -z "$installed" ] && [ -r /proc/driver/nvidia/version ]; then
    installed=$(sed -n 's/.*Kernel Module[^0-9]*\([0-9][0-9]*\)\..*/\1/p' /proc/driver/nvidia/version)
fi
case $installed in
'' | *[!0-9]*) ;; # Not to be known here: the driver itself says so if it is too old.
*)
    [ "$installed" -ge "$driver_min" ] || missing "the NVIDIA driver is $installed and CUDA $(version_of cuda) wants $driver_min or newer: update the driver, or build the programs with an older CUDA"
    ;;
esac

# Kernels of 9.0 and above are for the GPU that they name (90a) or its family (100f); older ones for all that came after.
base=${architecture%[af]}
suits=
abilities=
for ability in $(echo "$gpus" | sed -n 's/.*, *\([0-9][0-9]*\)\.\([0-9]\)[^0-9]*$/\1\2/p'); do
    abilities="$abilities${abilities:+ and }${ability%?}.${ability#"${ability%?}"}"
    case $architecture in
    *a) [ "$ability" -ne "$base" ] || suits=yes ;;
    *f) [ "$ability" -lt "$base" ] || [ "${ability%?}" -ne "${base%?}" ] || suits=yes ;;
    *) [ "$ability" -lt "$base" ] || suits=yes ;;
    esac
done
if [ -n "$abilities" ] && [ -z "$suits" ]; then
    missing "the programs are built for compute capability $architecture and the GPU here has $abilities: build them with CUDA_COMPUTE_CAP set to the GPU's, or to 80 for all from 8.0 on"
fi

for library in $libraries; do
    case $library in libcuda.so*) continue ;; esac
    place=$(place_of "$library")
    [ -n "$place" ] || missing "$library is not found in LD_LIBRARY_PATH, in a system install or in the wheels of python3: install CUDA $(version_of cuda) with cuDNN 9, or PyTorch for it (python3 -m pip install torch), or name its folder in LD_LIBRARY_PATH"
    [ "$where" = no ] || echo "$library $place"
    case "$path$newline" in
    *"$newline$place$newline"*) ;;
    *) path="$path$newline$place" ;;
    esac
done
[ "$where" = no ] || exit 0

# A folder of the system's own C library is searched anyway, and before others it would hide theirs.
searched=$(echo "$path" | while IFS= read -r dir; do
    case $dir in
    '' | /lib | /lib64 | /usr/lib | /usr/lib64 | /lib/*-linux-gnu | /usr/lib/*-linux-gnu) ;;
    *) printf '%s:' "$dir" ;;
    esac
done)
LD_LIBRARY_PATH=$searched${LD_LIBRARY_PATH:-}
LD_LIBRARY_PATH=${LD_LIBRARY_PATH%:}
export LD_LIBRARY_PATH
exec "$program" "$@"
