#!/usr/bin/env bash
# Packs the project, checks the package's doors, installs it into an empty folder and makes a picture there, as a stranger would.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$root/node_modules/.bin:$PATH"

cd "$root"
npm pack --silent --pack-destination "$work" >/dev/null
publint run --strict "$work"/fluxion-*.tgz

cd "$work"
printf '{ "name": "stranger", "private": true, "type": "module" }\n' > package.json
npm install --no-audit --no-fund --silent ./fluxion-*.tgz
npx --no-install fluxion generate resolution=64 num_inference_steps=1 --quiet "green hills"
test "$(head -c 4 flux_0.png | tail -c 3)" = PNG
cat > use.mjs <<'JS'
import { Flux } from 'fluxion';
import { liveCounts } from 'fluxion/xla';
import { FLUX_DEV } from 'fluxion/models';
import { app } from 'fluxion/server';
{
  await using flux = await Flux.load();
  const [image] = await flux.generate({ prompt: 'green hills', width: 64, height: 64, steps: 1 });
  if (image.width !== 64 || FLUX_DEV.layers !== 19) throw new Error('the package does not do what the sources do');
}
const page = await app.fetch(new Request('http://localhost/'));
if (!(await page.text()).includes('Fluxion studio')) throw new Error('the package lacks the page of the studio');
if (Object.keys(liveCounts()).length > 0) throw new Error('something native is left alive');
JS
node use.mjs
du -h "$work"/fluxion-*.tgz | sed 's/\s.*/ packed/'
echo 'the package installs and makes pictures'
