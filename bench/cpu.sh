#!/usr/bin/env bash
# Measures FLUX.1 dev at full size on this machine's CPU, beside what people would use instead, in one go; weights are random, so that no
# file of them is needed. Run it on a quiet machine with 24 GiB.
#
#   bench/cpu.sh [OUT]                   everything below, tables last; JSON and logs into OUT (cpu-results)
#   bench/cpu.sh [OUT] --only NAME,…     some of: machine products attention blocks steps ends whole start int8
#
# machine    processor, instruction sets, plugin
# products   the best matrix products of XLA and of torch, by element type
# attention  attention whole and in blocks of queries
# blocks     double and single blocks at 256² and 512² beside diffusers, torch.compile with freezing, each plugin
#            and freed memory that goes back to the system: five rounds, one after the other in each; ratios are medians of the rounds' ratios
# steps      steps at 256² of blocks used again and again, plain and int8, beside diffusers, torch.compile and stable-diffusion.cpp
# ends       encoding a prompt, and decoding at 256² and 512², beside diffusers and torch.compile
# whole      encode, step, decode, first picture from a cold start, peak memory at 256² and 512²
# start      the bundled model: whole command of the built package, cold and warm
# int8       blocks quantised to int8 beside plain ones
#
# Set REFERENCE to a Python that has tools/reference/requirements.txt; without it torch and diffusers are left out. Set SDCPP to a
# folder for 13 GB of random weights if that Python has stable-diffusion.cpp too (tools/reference/time_sdcpp.py); without it that is left out. LAYERS=5,10 makes
# steps of five double and ten single blocks, and 4 GB instead of 13.
set -uo pipefail
cd "$(dirname "$0")/.."
only=machine,products,attention,blocks,steps,ends,whole,start,int8
out=cpu-results
while (($#)); do
  case $1 in
    --only) only=$2; shift 2 ;;
    -h | --help) sed -n '2,/^[^#]/{/^#/p}' "$0"; exit 0 ;;
    *) out=$1; shift ;;
  esac
done
mkdir -p "$out"
export PATH=$PWD/node_modules/.bin:$PATH
wanted() { [[ ,$only, == *,$1,* ]]; }
say() { printf '\n== %s\n' "$*"; }
# Prints where a package's plugin is, and nothing if this machine cannot have it.
plugin() {
  node -e 'import("./src/xla/plugins/plugins.ts").then(({ installPlugin }) => installPlugin(process.argv[1])).then(console.log, () => {});' "$1" 2>/dev/null
}

# torch and diffusers, if they are here.
rivals=()
if [[ -n ${REFERENCE:-} ]]; then
  # torch has no bf16 kernels without AVX512-BF16: there its f32 is what people use.
  dtype=$(grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo && echo bfloat16 || echo float32)
  rivals+=("diffusers-$dtype=$REFERENCE tools/reference/time_blocks.py $dtype")
  rivals+=("compiled-$dtype=$REFERENCE tools/reference/time_blocks.py $dtype compile")
fi

if wanted machine; then
  say machine
  { lscpu | grep -E 'Model name|^CPU\(s\)|L2|L3'; free -g | sed -n 2p; uptime; node bin/fluxion.js doctor; } | tee "$out/machine.txt"
fi
if wanted products; then
  say products
  node bench/products.ts | tee "$out/products.txt"
  [[ -n ${REFERENCE:-} ]] && "$REFERENCE" tools/reference/time_products.py | tee -a "$out/products.txt"
fi
if wanted attention; then
  say attention
  node bench/attention.ts flux-768 flux-1536 | tee "$out/attention.txt"
fi
if wanted blocks; then
  say blocks
  own=("memory-returned=node bench/versus.ts --serve --returned")
  # One of the two is what Fluxion uses here: its share of its own time is what order and noise amount to.
  for package in lammps-jax-pjrt-cpu xla-cpu-pjrt; do
    path=$(plugin "$package")
    [[ -n $path ]] && own+=("$package=FLUXION_PJRT_PLUGIN=cpu:$path node bench/versus.ts --serve")
  done
  node bench/versus.ts --parts double,single --rounds 5 "${rivals[@]}" "${own[@]}" >"$out/blocks.json" 2>"$out/blocks.log"
  tail -4 "$out/blocks.log"
fi
if wanted steps; then
  say steps
  # stable-diffusion.cpp multiplies 8-bit integers: int8 is what compares with it.
  more=("int8=node bench/versus.ts --serve --form int8")
  [[ -n ${SDCPP:-} ]] && more+=("sdcpp=$REFERENCE tools/reference/time_sdcpp.py $SDCPP")
  node bench/versus.ts --parts step --sides 256 --rounds 5 "${rivals[@]}" "${more[@]}" >"$out/steps.json" 2>"$out/steps.log"
  tail -1 "$out/steps.log"
fi
if wanted ends; then
  say ends
  node bench/versus.ts --parts encode --sides 256 --rounds 5 "${rivals[@]}" >"$out/encode.json" 2>"$out/encode.log"
  node bench/versus.ts --parts decode --rounds 5 "${rivals[@]}" >"$out/decode.json" 2>"$out/decode.log"
  tail -n 2 "$out/encode.log" "$out/decode.log"
fi
if wanted whole; then
  for side in 256 512; do
    say "whole, ${side}²"
    # An empty cache of programs: the first run is a cold start.
    rm -rf "$out/cache-$side"
    for run in cold warm; do
      /usr/bin/time -v node bin/fluxion.js bench dev resolution=$side num_inference_steps=2 "jax_cache_dir=$out/cache-$side" --runs 1 --json \
        >"$out/whole-$side-$run.json" 2>"$out/whole-$side-$run.log"
      grep -E 'Elapsed|Maximum resident' "$out/whole-$side-$run.log"
    done
  done
fi
if wanted start; then
  say start
  npm run --silent build
  # Seconds of a whole command of the built package. In a checkout, bin/fluxion.js runs the sources.
  starting() {
    /usr/bin/time -f '%e' node -e 'import("./dist/program/main.js").then((main) => main.runProcess(process.argv.slice(1)))' \
      generate "a red house in the mountains at sunset" output_dir="$out" jax_cache_dir="$1" 2>&1 >/dev/null | tail -1
  }
  sorted() { sort -n | awk -v name="$1" '{ s[NR] = $1 } END { print name ": median " s[int((NR + 1) / 2)] " s, best " s[1] " s of " NR }'; }
  caches=$(mktemp -d)
  {
    for i in 1 2 3 4 5; do starting "$caches/$i"; done | sorted "nothing cached but the plugin"
    for _ in {1..15}; do starting "$caches/1"; done | sorted "warm caches"
  } | tee "$out/start.txt"
  rm -rf "$caches"
fi
if wanted int8; then
  say int8
  node bench/quantised.ts 512 | tee "$out/int8.txt"
fi
