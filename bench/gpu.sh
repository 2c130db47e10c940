#!/usr/bin/env bash
# Measures FLUX.1 on an NVIDIA GPU in one go, on a machine that has neither Node nor a network, but JAX's CUDA plugin and torch in
# its Python. Weights are random, so that no file of them is needed.
#
#   bench/gpu.sh pack [FOLDER]       here: Node and the packages that run, compressed, into FOLDER (.gpu); needs `npm ci` before
#   bench/gpu.sh run [FOLDER [OUT]]  there: everything below, a table last; logs and JSON into OUT (gpu-results)
#   bench/gpu.sh run … --only NAME,… some of: check attention dev schnell fp8 nomerge torch
#
# check      what the machine is; the plugin compiles and runs a program
# attention  cuDNN, Triton, chunked and dense attention over Flux's shapes: do they agree, and how long do they take
# dev        1024², 28 steps, bf16: encode, prepare, step, decode, peak memory (goal: a picture in 3.3 s on an H200)
# schnell    4 steps (goal 0.55 s)
# fp8        dev with quantization=fp8 (goal 2.3 s)
# nomerge    dev without XLA's merging of products that share an operand: does it pay to concatenate their weights?
# torch      the transformer's step in torch: SDPA, and torch.compile where it works
#
# Where a command may take ten minutes: two calls, --only check,attention,dev,schnell and --only fp8,nomerge,torch.
set -uo pipefail
cd "$(dirname "$0")/.."
mode=${1:-}
case $mode in pack | run) shift ;; *) sed -n '2,8p' "$0"; exit 2 ;; esac

only=check,attention,dev,schnell,fp8,nomerge,torch
words=()
while (($#)); do
  if [[ $1 == --only ]]; then only=$2; shift 2; else words+=("$1"); shift; fi
done
pack=${words[0]:-.gpu}

if [[ $mode == pack ]]; then
  set -e
  mkdir -p "$pack"
  node=$(readlink -f node_modules/node/bin/node)
  cp "$node" "$pack/node"
  strip --strip-unneeded "$pack/node" 2>/dev/null || true
  "$pack/node" --version
  xz -T0 -6 --force "$pack/node"
  # What `dependencies` of package.json install, less the types and sources of other languages.
  mapfile -t packages < <("$node" -e '
    const lock = require("./package-lock.json").packages;
    for (const [path, { dev, devOptional }] of Object.entries(lock))
      if (path.startsWith("node_modules/") && !dev && !devOptional && require("fs").existsSync(path)) console.log(path);')
  tar --exclude='*.map' --exclude='*.d.ts' --exclude='*.d.cts' --exclude='*.d.mts' -cJf "$pack/modules.tar.xz" "${packages[@]}"
  ls -l "$pack"
  echo "carry: $(du -cm "$pack" $(git ls-files | cut -d/ -f1 | sort -u) | tail -1 | cut -f1) MB with the sources"
  exit 0
fi

out=${words[1]:-${OUT:-gpu-results}}
mkdir -p "$out"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
wanted() { [[ ,$only, == *,$1,* ]]; }

# Node resolves packages upwards from the sources: so both go side by side.
cp -r bin src configs models bench test package.json tsconfig.json "$root/" || exit 1
xz -dc "$pack/node.xz" >"$root/node" && chmod +x "$root/node" && tar -xJf "$pack/modules.tar.xz" -C "$root" || exit 1
export PATH="$root:$PATH" FLUXION_CACHE_DIR="$root/cache"
here=$PWD
case $out in /*) ;; *) out=$here/$out ;; esac
cd "$root" || exit 1

plugin=$(python3 -c '
import os, sys
for folder in sys.path:
    for name in ("xla_cuda13", "xla_cuda12"):
        path = os.path.join(folder, "jax_plugins", name, "xla_cuda_plugin.so")
        if os.path.exists(path):
            print(path)
            sys.exit()
')
[[ -n $plugin ]] || { echo "no CUDA plugin of JAX in $(command -v python3)" >&2; exit 1; }
export FLUXION_PJRT_PLUGIN="cuda:$plugin"
# ptxas and libdevice: beside the plugin where their packages are, else those of the CUDA installation.
if nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null); then
  cuda=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  export PATH="$PATH:$cuda/bin" XLA_FLAGS="${XLA_FLAGS:-} --xla_gpu_cuda_data_dir=$cuda"
fi

fluxion=(node bin/fluxion.js)
# name, then a command: its output to OUT/NAME.json, what it says to OUT/NAME.log, its status into the table.
# None may take all the time there is.
LIMIT=${LIMIT:-240}
declare -A status
measure() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name: $*"
  timeout "$LIMIT" "$@" >"$out/$name.json" 2>"$out/$name.log"
  status[$name]="exit $? after $((SECONDS - start)) s"
  tail -3 "$out/$name.log"
}

{ nvidia-smi; nvidia-smi --query-gpu=name,memory.total,driver_version,clocks.sm,power.draw --format=csv; nproc; } >"$out/machine.txt" 2>&1
if wanted check; then
  measure plugins "${fluxion[@]}" plugins list --json
  measure tiny "${fluxion[@]}" bench tiny hardware=gpu --json
fi
wanted attention && measure attention node bench/gpu-attention.ts
wanted dev && measure dev "${fluxion[@]}" bench dev hardware=gpu --json
wanted schnell && measure schnell "${fluxion[@]}" bench schnell hardware=gpu --json
wanted fp8 && measure fp8 "${fluxion[@]}" bench dev hardware=gpu quantization=fp8 --json
if wanted nomerge; then
  XLA_FLAGS="${XLA_FLAGS:-} --xla_gpu_dot_merger_threshold_mb=0" measure nomerge "${fluxion[@]}" bench dev hardware=gpu --json
fi
wanted torch && measure torch python3 bench/gpu_torch.py

printf '\n%s\n' "$(sed -n 2p <(nvidia-smi --query-gpu=name,driver_version --format=csv))"
for name in "${!status[@]}"; do printf '%-10s %s\n' "$name" "${status[$name]}"; done | sort
node - "$out" <<'JS'
const { readFileSync } = require('node:fs');
const read = (name) => { try { return JSON.parse(readFileSync(`${process.argv[2]}/${name}.json`, 'utf8')); } catch { return undefined; } };
const time = (seconds) => (typeof seconds === 'number' ? `${(seconds * 1000).toFixed(1)} ms` : '?');
for (const name of ['tiny', 'dev', 'schnell', 'fp8', 'nomerge']) {
  const run = read(name);
  if (run) console.log(name.padEnd(10), JSON.stringify(run, (key, value) => (['notes', 'recipe'].includes(key) ? undefined : value)).slice(0, 1500));
}
for (const { shape, kernel, seconds, error } of read('attention')?.rows ?? []) console.log('attention ', shape.padEnd(12), kernel.padEnd(8), time(seconds), error?.toExponential(1) ?? '');
for (const [what, seconds] of Object.entries(read('torch')?.seconds ?? {})) console.log('torch     ', what.padEnd(28), time(seconds));
JS
