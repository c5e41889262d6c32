#!/usr/bin/env bash
# The whole way of a model in four parts: Delivery, Integration, Usage, Implications.
#
#   examples/e2e_axon_mlos_demo.sh [model …]
#
# Without arguments it tries one model of each repository; a repository that cannot be reached, or that
# this version has no adapter for, says so and the demo goes on with what it has. It uses the daemon at
# MLOS_CORE_ENDPOINT if one answers there, else starts one of its own and stops it at the end.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
export PATH="$root/node_modules/.bin:$PATH"
work=$(mktemp -d "${TMPDIR:-/tmp}/mlos-demo-XXXXXX")
own_daemon=

bold() { if [ -t 1 ]; then printf '\033[1m%s\033[0m\n' "$*"; else printf '%s\n' "$*"; fi; }
part() { printf '\n'; bold "== $*"; }
show() { printf '\n$ %s\n' "$*"; "$@"; }
finish() {
  [ -n "$own_daemon" ] && mlos stop --data-dir "$work/mlos" >/dev/null
  rm -rf "$work"
}
trap finish EXIT

if [ ! -x "$root/node_modules/.bin/mlos" ]; then (cd "$root" && npm run --silent setup) || exit 1; fi

export MLOS_CORE_ENDPOINT="${MLOS_CORE_ENDPOINT:-http://localhost:8080}"
if ! curl -sf -m 2 "$MLOS_CORE_ENDPOINT/health" >/dev/null; then
  mlos serve --data-dir "$work/mlos" --http-port 0 --socket "$work/mlos.sock" >"$work/daemon.log" 2>&1 &
  own_daemon=$!
  for _ in $(seq 200); do [ -s "$work/mlos/daemon.json" ] && break; sleep 0.05; done
  if [ ! -s "$work/mlos/daemon.json" ]; then tail -n 3 "$work/daemon.log"; exit 1; fi
  port=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).http.port' "$work/mlos/daemon.json")
  export MLOS_CORE_ENDPOINT="http://localhost:$port"
fi

models=("$@")
if [ "${#models[@]}" -eq 0 ]; then
  models=(
    hf/bert-base-uncased@latest
    pytorch/vision/resnet50@latest
    tfhub/google/imagenet/resnet_v2_50/classification/5@latest
    modelscope/damo/cv_resnet50_image-classification@latest
    npm/@ricky0123/vad-web@0.0.31
  )
fi

part '1. Delivery: axon brings models from their repositories'
installed=()
for model in "${models[@]}"; do
  flags=()
  # The package holds two versions of one model; the example takes the older.
  case $model in npm/@ricky0123/vad-web@*) flags=(--include 'dist/silero_vad_v5.onnx') ;; esac
  if show axon install "$model" ${flags[@]+"${flags[@]}"}; then installed+=("$model"); fi
done
show axon list
if [ "${#installed[@]}" -eq 0 ]; then
  bold 'No repository could be reached; nothing to register.'
  exit 1
fi

part '2. Integration: MLOS registers them'
registered=()
for model in "${installed[@]}"; do
  if show axon register "${model}"; then registered+=("${model/npm\/@/npm/}"); fi
done
show curl -s "$MLOS_CORE_ENDPOINT/models" | head -c 600
printf ' …\n'

part '3. Usage: one API for all of them'
answered=0
for model in "${registered[@]}"; do
  id=${model//\//-}
  case $model in
    hf/bert-base-uncased@*)
      show curl -s -X POST "$MLOS_CORE_ENDPOINT/models/$id/inference" \
        -H 'Content-Type: application/json' \
        -d '{"input": "Hello, MLOS!", "batch_size": 1}'
      printf '\n(words come with a later version; the same words as token ids:)\n'
      body='{"input_ids": [101, 7592, 1010, 19875, 2891, 999, 102]}' ;;
    npm/ricky0123/vad-web@*)
      body=$(node -p 'JSON.stringify({input: Array.from({length: 512}, (_, i) => Math.sin(i / 8) / 2), state: {shape: [2, 1, 128], data: Array(256).fill(0)}, sr: 16000})') ;;
    *)
      show curl -s "$MLOS_CORE_ENDPOINT/models/$id"
      printf '\n'
      continue ;;
  esac
  printf '\n$ curl -X POST %s/models/%s/inference -d %s\n' "$MLOS_CORE_ENDPOINT" "$id" "${body:0:72}"
  answer=$(curl -s -X POST "$MLOS_CORE_ENDPOINT/models/$id/inference" \
    -H 'Content-Type: application/json' -d "$body")
  printf '%s\n' "${answer:0:400}"
  case $answer in '{"status":"success"'*) answered=$((answered + 1)) ;; esac
done

part '4. Implications: isolated, supervised, observable'
show curl -s "$MLOS_CORE_ENDPOINT/plugins"
printf '\n'
if [ -n "$own_daemon" ] && [ "$answered" -gt 0 ]; then
  plugin=$(curl -s "$MLOS_CORE_ENDPOINT/plugins/onnx" | node -p 'JSON.parse(require("fs").readFileSync(0, "utf8")).plugin.processes[0].pid')
  show kill -9 "$plugin"
  printf '(the plugin process is dead; the daemon is not, and the next request is served:)\n'
  answer=$(curl -s -X POST "$MLOS_CORE_ENDPOINT/models/$id/inference" -H 'Content-Type: application/json' -d "$body")
  printf '%s\n' "${answer:0:200}"
  case $answer in '{"status":"success"'*) ;; *) exit 1 ;; esac
fi
show curl -s "$MLOS_CORE_ENDPOINT/stats"
printf '\n\n%s of %s models installed, %s registered, %s answered.\n' \
  "${#installed[@]}" "${#models[@]}" "${#registered[@]}" "$answered"
[ "${#registered[@]}" -gt 0 ]
