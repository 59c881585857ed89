#!/usr/bin/env bash
# What this folder is for, on a machine with an NVIDIA GPU: facts about the machine, the device tests, the benchmark beside
# PyTorch, and the study's training on phantoms and on mini-MIAS. Builds nothing and fetches nothing.
#
#   on-gpu.sh [OPTIONS] STAGE...
#
# Stages, in the order in which they are given:
#   info        nvidia-smi, versions, which libraries are used
#   tests       the device tests
#   bench       the training step beside PyTorch's; wants a python3 whose torch sees the GPU
#   phantoms    experiment 1 at 256 x 256 pixels for 43,200 steps (preset becker-exp1) on phantoms
#   mini-mias   the same on mini-MIAS, with cancer by mass
#
#   --out DIR             where results go, a folder or file a stage [default: on-gpu]
#   --data FOLDER         mini-MIAS as `mammo audit mini-mias:FOLDER` reads it, for the stage mini-mias
#   --device cuda:N       which GPU [default: cuda:0]
#   --precision P         f32, tf32 or bf16, of the trainings [default: the preset's]
#   --steps N             steps of the trainings instead of the preset's
#   --seed N              of the trainings [default: 1]
#   --limit SECONDS       for every stage; --limit STAGE=SECONDS for one. A training that meets its limit writes a
#                         checkpoint, the benchmark keeps what it has measured
#   --resume              go on with trainings and benchmark in --out; finished ones are left alone
#   --quick               toy sizes, to see that all of it works
#
# A training under a limit is called again with --resume until it is through. Exit codes: 0 all stages done; 1 one failed,
# the others were run; 2 wrong usage; 3 something is missing on this machine; 124 a stage met its limit, go on with --resume.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=on-gpu data='' device=cuda:0 precision='' steps='' seed=1 resume=no quick=no
declare -A limits=()
stages=()

usage() {
    echo "on-gpu: $1; on-gpu.sh --help lists stages and options" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --out | --data | --device | --precision | --steps | --seed | --limit)
        [ $# -ge 2 ] || usage "$1 wants a value"
        ;;
    esac
    case $1 in
    -h | --help)
        sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    --out) out=$2 && shift ;;
    --data) data=$2 && shift ;;
    --device) device=$2 && shift ;;
    --precision) precision=$2 && shift ;;
    --steps) steps=$2 && shift ;;
    --seed) seed=$2 && shift ;;
    --limit)
        case $2 in
        *=*) limits[${2%%=*}]=${2#*=} ;;
        *) limits[all]=$2 ;;
        esac
        shift
        ;;
    --resume) resume=yes ;;
    --quick) quick=yes ;;
    info | tests | bench | phantoms | mini-mias) stages+=("$1") ;;
    *) usage "$1 is neither a stage nor an option" ;;
    esac
    shift
done
[ ${#stages[@]} -gt 0 ] || usage "which stages?"
case $device in cuda:[0-9]*) ;; *) usage "--device $device is not cuda:N" ;; esac
case $precision in '' | f32 | tf32 | bf16) ;; *) usage "--precision $precision is not f32, tf32 or bf16" ;; esac
for name in "${!limits[@]}"; do
    case $name in all | info | tests | bench | phantoms | mini-mias) ;; *) usage "--limit $name=... names no stage" ;; esac
    case ${limits[$name]} in '' | *[!0-9]*) usage "--limit wants seconds, not ${limits[$name]}" ;; esac
done
for stage in "${stages[@]}"; do
    if [ "$stage" = mini-mias ]; then
        [ -n "$data" ] || usage "the stage mini-mias wants --data FOLDER"
        [ -d "$data" ] || usage "--data $data is no folder"
        # Trainings are started from wherever the user is.
        data=$(cd "$data" && pwd)
    fi
done
mkdir -p "$out" || usage "--out $out cannot be made"
out=$(cd "$out" && pwd)

# The seconds that a stage has; nothing for no limit.
limit_of() {
    echo "${limits[$1]:-${limits[all]:-}}"
}

# Runs a command for at most so many seconds; it is interrupted once, and killed when it takes a minute to end. In the
# foreground, because a second interrupt would keep a training from writing its checkpoint.
within() {
    local seconds=$1
    shift
    if [ -z "$seconds" ]; then
        "$@"
    else
        timeout --foreground --signal=INT --kill-after=60 "$seconds" "$@"
    fi
}

# Facts: whatever a machine does not tell is left out.
stage_info() {
    {
        echo "# versions of the build"
        cat "$here/versions"
        echo "# machine"
        uname -srm
        nproc
        grep -m1 'model name' /proc/cpuinfo
        grep MemTotal /proc/meminfo
        echo "# libraries"
        "$here/run" --where
    } >"$out/info.txt" 2>&1
    nvidia-smi >"$out/nvidia-smi.txt" 2>&1
    nvidia-smi -q >"$out/nvidia-smi-q.txt" 2>&1
    python3 -m pip list --disable-pip-version-check >"$out/python.txt" 2>&1
    python3 -c '
import torch
print("torch", torch.__version__, "CUDA", torch.version.cuda, "cuDNN", torch.backends.cudnn.version())
print("sees", torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU")' >>"$out/info.txt" 2>&1
    cat "$out/info.txt"
}

# All device tests, whatever the first ones say. They fail without a GPU, and find what they compare with in this folder.
stage_tests() {
    local status=0 program name
    export MAMMO_GPU_EXPECTED=1 CARGO_MANIFEST_DIR=$here
    for program in "$here"/bin/test-*; do
        name=$(basename "$program")
        if [ ! -x "$program" ]; then
            echo "on-gpu: there are no device tests in $here/bin" >&2
            return 1
        fi
        echo "on-gpu: $name" >&2
        within "$1" "$here/run" "$name" --show-output 2>&1 | tee "$out/$name.txt"
        local ended=${PIPESTATUS[0]}
        [ "$ended" -eq 0 ] || status=$ended
    done
    return "$status"
}

stage_bench() {
    local options=(--device "$device" --pack "$here" --out "$out/bench.jsonl")
    [ "$resume" = no ] || options+=(--resume)
    [ "$quick" = no ] || options+=(--quick)
    # It begins nothing that it would have to break off; the rest of the limit is for a turn that takes longer than expected.
    [ -z "$1" ] || options+=(--seconds $(($1 * 9 / 10)))
    # With all that it starts, which nobody would end otherwise.
    ${1:+timeout --kill-after=10 "$1"} "$here/bin/xtask" bench train "${options[@]}" \
        2> >(tee "$out/bench.log" >&2) | tee "$out/bench.txt"
    return "${PIPESTATUS[0]}"
}

# One training of the study: name of its folder, seconds, further options.
training() {
    local name=$1 seconds=$2
    shift 2
    local run=$out/$name options=(--device "$device" --seed "$seed" --out "$out/$name")
    if [ "$quick" = yes ]; then
        options+=(--quick)
    else
        options+=(--preset becker-exp1)
        [ -z "$steps" ] || options+=(--steps "$steps")
    fi
    [ -z "$precision" ] || options+=(--precision "$precision")
    if [ -e "$run/run.json" ]; then
        if [ "$resume" = no ]; then
            echo "on-gpu: $run holds a run: go on with it by --resume, or choose another --out" >&2
            return 1
        fi
        if [ -e "$run/finished.json" ]; then
            echo "on-gpu: $run is finished" >&2
            return 0
        fi
        options+=(--resume)
    fi
    within "$seconds" "$here/run" mammo reproduce-exp1 "${options[@]}" "$@" 2> >(tee -a "$out/$name.log" >&2)
    local ended=$?
    # Interrupted with a checkpoint, which is what a limit is for.
    [ "$ended" -ne 130 ] || [ -z "$seconds" ] || ended=124
    return "$ended"
}

stage_phantoms() {
    training phantoms "$1"
}

stage_mini-mias() {
    training mini-mias "$1" --data "mini-mias:$data" --labels mass
}

worst=0
for stage in "${stages[@]}"; do
    echo "on-gpu: $stage" >&2
    begun=$SECONDS
    "stage_$stage" "$(limit_of "$stage")"
    status=$?
    printf '%s\t%s\t%d\t%d\n' "$(date -u +%FT%TZ)" "$stage" "$status" $((SECONDS - begun)) >>"$out/stages.tsv"
    case $status in
    0) ;;
    3)
        echo "on-gpu: $stage needs something that this machine does not have" >&2
        exit 3
        ;;
    124 | 137)
        echo "on-gpu: $stage met its limit; go on with --resume" >&2
        [ "$worst" -eq 1 ] || worst=124
        ;;
    *)
        echo "on-gpu: $stage failed ($status)" >&2
        worst=1
        ;;
    esac
done
exit "$worst"
