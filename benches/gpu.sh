#!/usr/bin/env bash
# What Whence does on this machine's GPU, in under eight minutes, without a network or a compiler.
#
#     benches/gpu.sh BINARY [--device NAME] [--small]
#
# BINARY is a prebuilt, stripped whence. NAME is what --device takes: gpu (the default) or part of an adapter's name;
# a software driver is used only when named, and makes everything smaller, as --small does on any device.
# A section that fails does not stop the others. Exit status: 0 all passed, 1 something failed, 2 bad usage.
set -u
export LC_ALL=C

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2; }

binary='' device=gpu small=''
while [ $# -gt 0 ]; do
    case $1 in
        --device) [ $# -ge 2 ] || usage; device=$2; shift ;;
        --small) small=1 ;;
        -*) usage ;;
        *) [ -z "$binary" ] || usage; binary=$1 ;;
    esac
    shift
done
[ -n "$binary" ] && [ -x "$binary" ] || usage
whence=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")
# Everything is over after this many seconds; sections that would start later are skipped, and said to be.
LIMIT=${LIMIT:-470}

work=$(mktemp -d) || exit 1
watcher=
trap '[ -z "$watcher" ] || kill "$watcher" 2>/dev/null; rm -rf "$work"' EXIT
export WHENCE_DATA="$work/data" XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$work}"
passed=0 failed=0 skipped=0 section_begun=0

now() { echo "${EPOCHREALTIME:-$(date +%s.%N)}"; }
seconds_between() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'; }
left() { echo $((LIMIT - SECONDS)); }
# At most $1 seconds, and never past the end.
bounded() {
    local most=$1; shift
    [ "$most" -le "$(left)" ] || most=$(left)
    timeout -k 5 "$most" "$@"
}
section() { printf '\n== %s (at %s s)\n' "$1" "$SECONDS"; section_begun=$SECONDS; }
pass() { echo "PASSED: $1 ($((SECONDS - section_begun)) s)"; passed=$((passed + 1)); }
fail() { echo "FAILED: $1 ($((SECONDS - section_begun)) s)"; failed=$((failed + 1)); }
skip() { echo "SKIPPED: $1"; skipped=$((skipped + 1)); }
in_time() { [ "$(left)" -gt 10 ] || { skip "the time is up"; return 1; }; }
have_python() { command -v python3 >/dev/null; }
# The last lines of a log, indented.
tail_of() { tail -n "${2:-5}" "$1" 2>/dev/null | cut -c 1-400 | sed 's/^/    /'; }
# A number or a string of one JSON object on one line.
field() { sed -n "s/.*\"$2\":\(\"[^\"]*\"\|[^,}]*\).*/\1/p" <<<"$1" | tr -d '"'; }

# Most GPU memory in use while something runs, in MiB over what was in use before; only with nvidia-smi.
gpu_memory() { nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits 2>/dev/null | head -n 1 | tr -dc 0-9; }
watch_memory() {
    watcher=
    command -v nvidia-smi >/dev/null || return 0
    gpu_memory >"$work/memory.before"
    : >"$work/memory.log"
    while :; do gpu_memory; echo; sleep 0.1; done >>"$work/memory.log" 2>/dev/null &
    watcher=$!
}
memory_seen() {
    [ -n "$watcher" ] || { echo "not measured, nvidia-smi is missing"; return 0; }
    kill "$watcher" 2>/dev/null
    wait "$watcher" 2>/dev/null
    watcher=
    awk -v before="$(cat "$work/memory.before")" '$1 > most { most = $1 } END { printf "%d MiB\n", most - before }' "$work/memory.log"
}

section "machine and binary"
date -u '+%Y-%m-%d %H:%M UTC'
uname -srm
echo "$(nproc 2>/dev/null || echo '?') processors, $(awk '/^model name/ { sub(/.*: /, ""); print; exit }' /proc/cpuinfo 2>/dev/null)"
awk '/^MemTotal/ { printf "%.0f GiB of memory\n", $2 / 1048576 }' /proc/meminfo 2>/dev/null
command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,driver_version,memory.total,power.limit --format=csv,noheader
echo "$("$whence" --version), $(($(wc -c <"$whence") / 1000000)) MB, $(($(gzip -6 -c "$whence" | wc -c) / 1000000)) MB compressed"

section "adapters, drivers and limits"
if bounded 40 "$whence" bench-device describe >"$work/adapters" 2>"$work/log" && [ -s "$work/adapters" ]; then
    cat "$work/adapters"
    pass "adapters listed"
else
    tail_of "$work/log"
    fail "no adapter could be listed"
fi

# Whether the device that was named is a software driver.
software=
case $(echo "$device" | tr '[:upper:]' '[:lower:]') in
    software | *lavapipe* | *llvmpipe* | *swiftshader*) software=1 small=1 ;;
esac
if [ -n "$software" ]; then
    echo "The device is a software driver: everything is smaller, and times say nothing about GPUs."
fi

section "self-test: output, gradients and ten optimizer steps against the CPU"
if bounded 150 "$whence" doctor --json ${software:+--software} >"$work/doctor.json" 2>"$work/log"; then
    # One adapter per line, whatever tool is there to read JSON.
    sed 's/{"adapter"/\n{"adapter"/g' "$work/doctor.json" | grep '^{"adapter"' >"$work/verdicts"
    tested=0 bad=0
    while IFS= read -r line; do
        forward=$(field "$line" forward)
        [ -n "$forward" ] || continue
        tested=$((tested + 1))
        failure=$(sed -n 's/.*"failure":\(null\|"[^"]*"\).*/\1/p' <<<"$line")
        echo "$(field "$line" name): worst output $forward, worst gradient $(field "$line" gradient), worst loss $(field "$line" loss) (relative)"
        [ "$failure" = null ] || { bad=$((bad + 1)); echo "    $failure"; }
    done <"$work/verdicts"
    if [ "$tested" -gt 0 ] && [ "$bad" -eq 0 ]; then pass "$tested adapter(s) compute what the CPU computes"
    elif [ "$tested" -eq 0 ]; then fail "no adapter was tested"
    else fail "$bad of $tested adapter(s) compute something else"; fi
else
    tail_of "$work/log"
    fail "whence doctor ended with an error"
fi

# The demo project: from the checkout beside this script, or the one inside the binary.
demo="$(cd "$(dirname "$0")" && pwd)/../assets/demo"
[ -f "$demo/project.json" ] || demo=$("$whence" bench-device demo 2>"$work/log")

section "the demo attributed on $device and on the CPU"
timesteps=40 queries="seed-0.png seed-6.png seed-21.png"
[ -z "$small" ] || { timesteps=12 queries="seed-0.png seed-6.png"; }
explain() {
    local begun
    # A copy for each device, so that neither reads what the other stored.
    cp -r "$demo" "$work/demo-$1" || return 1
    begun=$(now)
    # shellcheck disable=SC2086
    bounded 150 "$whence" report "$work/demo-$1" --queries $queries --timesteps $timesteps --device "$2" --json \
        --out "$work/report-$1.html" >"$work/report-$1.json" 2>"$work/log-$1" || { tail_of "$work/log-$1"; return 1; }
    echo "$2: $(seconds_between "$begun" "$(now)") s for $(wc -w <<<"$queries") queries, 8 groups, $timesteps timesteps"
}
if in_time; then
    if explain gpu "$device" && explain cpu cpu; then
        # group, score: one line per score, in the order of the ranking.
        scores() { sed 's/{"gate_passed"/\n&/g; s/{"group"/\n&/g' "$1" | sed -n 's/.*"group":"\([^"]*\)".*"score_nats":\([-0-9.eE+]*\).*/\1 \2/p'; }
        scores "$work/report-gpu.json" >"$work/scores-gpu"
        scores "$work/report-cpu.json" >"$work/scores-cpu"
        paste -d ' ' "$work/scores-gpu" "$work/scores-cpu" | awk -v groups=8 '
            function abs(v) { return v < 0 ? -v : v }
            { if ($1 != $3) differ++
              d = abs($2 - $4) / (abs($4) > 1e-12 ? abs($4) : 1e-12)
              if (d > worst) { worst = d; where = $3 ": " $2 " and " $4 } }
            END { printf "%d scores; the rankings differ at %d positions; largest relative difference %.1e (%s)\n", NR, differ, worst, where
                  exit !(NR > 0 && NR % groups == 0 && !differ && worst < 1e-3) }' \
            && pass "same ranking, scores within 1e-3 of their size" || fail "the scores of the two devices differ"
    else
        fail "the demo could not be attributed"
    fi
fi

# One line per measurement: network, workload, batch, seconds.
table() {
    awk '{ printf "  %-13s %-14s %5d images  %9.2f ms  %9.1f images/s  (first pass %.2f s)\n", $1, $2, $3, 1000 * $4, $3 / $4, $5 }'
}
networks="demo ddpm-cifar10 guda" batches=16,64 each=3
[ -z "$small" ] || { networks="demo ddpm-cifar10" batches=1 each=1; }
section "forward passes and training steps on $device (demo 0.7 M parameters, ddpm-cifar10 35.7 M, guda 49.1 M; float32)"
for network in $networks; do
    in_time || break
    watch_memory
    bounded "${software:+1}75" "$whence" bench-device measure --device "$device" --network "$network" --batch "$batches" --seconds "$each" \
        >"$work/measured" 2>"$work/log"
    status=$?
    memory=$(memory_seen)
    while IFS= read -r line; do
        echo "$(field "$line" network) $(field "$line" workload) $(field "$line" batch) $(field "$line" seconds) $(field "$line" first_seconds)"
    done <"$work/measured" | table
    echo "  GPU memory at most: $memory; main memory at most: $(field "$(tail -n 1 "$work/measured")" peak_bytes | awk '{ printf "%d MiB", $1 / 1048576 }')"
    if [ "$status" -eq 0 ]; then pass "$network"; else tail_of "$work/log"; fail "$network ended with status $status"; fi
done

section "the same networks in PyTorch on CUDA, float32 without TF32"
if ! have_python || ! python3 -c 'import torch' 2>/dev/null; then
    skip "Python has no torch here"
elif ! python3 -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    skip "torch sees no CUDA device"
elif ! python3 -c 'import diffusers' 2>/dev/null; then
    skip "diffusers, which defines these networks, is not installed"
elif in_time; then
    for network in $networks; do "$whence" bench-device config "$network" >"$work/$network.json"; done
    if bounded 100 python3 - "$work" "$batches" "$each" $networks <<'PY' 2>"$work/log"
import json, statistics, sys, time
import torch
from diffusers import UNet2DModel

folder, batches, seconds, networks = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4:]
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
print(f"  torch {torch.__version__}, {torch.cuda.get_device_name()}")
for name in networks:
    config = {k: v for k, v in json.load(open(f"{folder}/{name}.json")).items() if not k.startswith("_")}
    network = UNet2DModel(**config).cuda()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=0.0)
    torch.cuda.reset_peak_memory_stats()
    for workload in ("forward", "training_step"):
        for batch in map(int, batches.split(",")):
            noise = torch.randn(batch, 3, 32, 32)
            timesteps = torch.full((batch,), 500, device="cuda")
            def run():
                x = noise.cuda()
                if workload == "forward":
                    with torch.no_grad():
                        network(x, timesteps).sample.cpu()
                    return
                loss = network(x, timesteps).sample.square().mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimizer.step()
                torch.cuda.synchronize()
            begun = time.perf_counter(); run(); first = time.perf_counter() - begun
            times, begun = [], time.perf_counter()
            while len(times) < 2 or (time.perf_counter() - begun < seconds and len(times) < 200):
                start = time.perf_counter(); run(); times.append(time.perf_counter() - start)
            median = statistics.median(times)
            print(f"  {name:13} {workload:14} {batch:5} images  {1000 * median:9.2f} ms  {batch / median:9.1f} images/s  (first pass {first:.2f} s)", flush=True)
    print(f"  GPU memory at most: {torch.cuda.max_memory_reserved() >> 20} MiB reserved")
    del network, optimizer
    torch.cuda.empty_cache()
PY
    then pass "PyTorch measured"; else tail_of "$work/log" 8; fail "PyTorch ended with an error"; fi
fi

section "a job cancelled while it unlearns on $device"
if in_time; then
    "$whence" unlearn --model "$demo/model" --data "$demo/paintings" --device "$device" --unlearning-steps 100000 \
        --out "$work/unlearned" >"$work/log" 2>&1 &
    job=$!
    # Until it has reported progress twice: the self-test and the first kernels are behind it then.
    waited=0
    while kill -0 "$job" 2>/dev/null && [ "$waited" -lt 60 ] && [ "$(grep -c '%' "$work/log")" -lt 2 ]; do
        sleep 1
        waited=$((waited + 1))
    done
    begun=$(now)
    if kill -INT "$job" 2>/dev/null; then
        # Nothing that takes this long has answered.
        (sleep 60; kill -KILL "$job" 2>/dev/null) & guard=$!
        wait "$job"; status=$?
        latency=$(seconds_between "$begun" "$(now)")
        kill "$guard" 2>/dev/null; wait "$guard" 2>/dev/null
        tail_of "$work/log" 2
        echo "ended with status $status after $latency s (130 is: cancelled)"
        # A job stops between two steps, and one step takes a software driver seconds.
        if [ "$status" -eq 130 ] && awk -v s="$latency" -v most="${software:+30}" 'BEGIN { exit !(s < (most ? most : 5)) }'; then
            pass "cancelled"
        else
            fail "not cancelled in time"
        fi
    else
        wait "$job"; echo "ended by itself with status $?"
        tail_of "$work/log"
        fail "the job ended before it could be cancelled"
    fi
fi

section "memory exhausted on purpose"
if in_time; then
    network=guda first=64 most=65536
    # A software driver would compute for minutes before its memory is full: its first batch is larger than its largest buffer.
    [ -z "$small" ] || { network=demo first=200000 most=200000; }
    watch_memory
    bounded 90 "$whence" bench-device exhaust --device "$device" --network "$network" --first "$first" --most "$most" >"$work/exhausted" 2>"$work/log"
    status=$?
    memory=$(memory_seen)
    result=$(cat "$work/exhausted")
    if [ "$status" -eq 0 ]; then
        echo "gradients of $network: $(field "$result" largest_batch) images fit; GPU memory at most: $memory"
        echo "    $(sed -n 's/.*"failure":\(.*\),"failure_afterwards".*/\1/p' <<<"$result" | cut -c 1-900)"
        afterwards=$(sed -n 's/.*"failure_afterwards":\(.*\)}$/\1/p' <<<"$result")
        if grep -q '"failure":null' <<<"$result"; then fail "the memory was not exhausted"
        elif [ "$afterwards" = null ]; then pass "the process survived and computed on"
        else echo "    $afterwards" | cut -c 1-900; fail "the process survived, but the device computed nothing afterwards"; fi
    else
        tail_of "$work/log" 8
        fail "the process ended with status $status"
    fi
fi

section "a job whose batch is too large for the device, and one after it"
if [ -n "$software" ]; then
    skip "a software driver computes for an hour on the largest batch that it has memory for"
elif in_time; then
    # Main memory holds the noise of all images, so a small device is filled, and a large one meets its largest buffer.
    batch=65536
    "$whence" sample --model "$demo/model" --seeds "0..$batch" --batch "$batch" --steps 1 --device "$device" --out "$work/huge" \
        >"$work/log" 2>&1 &
    job=$!
    # Until it goes on in smaller parts, or ends.
    waited=0
    while kill -0 "$job" 2>/dev/null && [ "$waited" -lt 60 ] && ! grep -q 'samples per pass' "$work/log"; do
        sleep 1
        waited=$((waited + 1))
    done
    smaller=$(grep -c 'samples per pass' "$work/log")
    kill -INT "$job" 2>/dev/null
    (sleep 90; kill -KILL "$job" 2>/dev/null) & guard=$!
    wait "$job"; status=$?
    kill "$guard" 2>/dev/null; wait "$guard" 2>/dev/null
    echo "batch of $batch images: made smaller $smaller times, then ended with status $status (0, or 130: cancelled)"
    grep -v '%' "$work/log" | head -n 6 | cut -c 1-400 | sed 's/^/    /'
    bounded 60 "$whence" sample --model "$demo/model" --seeds 0..4 --batch 4 --steps 10 --device "$device" --out "$work/normal" \
        >"$work/log" 2>&1
    after=$?
    [ "$after" -eq 0 ] || tail_of "$work/log"
    if [ "$after" -eq 0 ] && { [ "$status" -eq 0 ] || { [ "$status" -eq 130 ] && [ "$smaller" -gt 0 ]; }; }; then
        pass "it went on in smaller parts, and the next job ran"
    else
        fail "the program did not go on (statuses $status and $after)"
    fi
fi

printf '\n== %s passed, %s failed, %s skipped in %s s\n' "$passed" "$failed" "$skipped" "$SECONDS"
[ "$failed" -eq 0 ]
