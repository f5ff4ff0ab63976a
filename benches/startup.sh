#!/usr/bin/env bash
# Start and memory of the real window on a virtual display: from the program's start to its first frame, to the demo with all its
# images, and the memory after all tabs. benches/startup.sh PROGRAM (needs Xvfb, xdotool and ImageMagick's import).
set -euo pipefail
program=$1
display=:91
work=$(mktemp -d)
Xvfb $display -screen 0 1280x800x24 >/dev/null 2>&1 &
server=$!
trap 'kill $window 2>/dev/null || true; kill $server; rm -rf "$work"' EXIT
sleep 1
export DISPLAY=$display WHENCE_DATA=$work/data XDG_RUNTIME_DIR=$work VK_ICD_FILENAMES
VK_ICD_FILENAMES=$(ls /usr/share/vulkan/icd.d/lvp_icd*.json | head -1)
now() { date +%s%N; }
since() { echo $((($(now) - $1) / 1000000)); }
colours() { import -window root "$work/screen.ppm" 2>/dev/null && identify -format %k "$work/screen.ppm"; }
rss() { awk '/VmRSS/ {printf "%d", $2 / 1024}' /proc/$window/status; }
ready() { [ -f "$WHENCE_DATA/jobs.jsonl" ] && [ "$(grep -c '"event":"finished".*"load_query"' "$WHENCE_DATA/jobs.jsonl")" -ge 8 ]; }
for round in first later; do
    begun=$(now)
    "$program" --device cpu >/dev/null 2>&1 &
    window=$!
    until [ "$(colours)" -gt 20 ]; do sleep 0.02; done
    echo "$round start: first frame after $(since "$begun") ms, $(rss) MiB"
    frame=$(now)
    if [ $round = first ]; then
        until ready; do sleep 0.02; done
        echo "$round start: demo with its images $(since "$frame") ms later, $(rss) MiB"
        sleep 25
        xdotool key Escape
        for tab in 1 2 3 4 5 6 7; do xdotool key $tab; sleep 3; done
        echo "after all tabs, with the tour's explanation: $(rss) MiB"
    fi
    kill -TERM $window
    wait $window 2>/dev/null || true
done
