/**
 * What the first-block cache skips and what it costs in quality: `node bench/first-block-cache.ts [THRESHOLD …]`, pictures of the
 * bundled model at 28 steps against those without the cache. Prints JSON: steps skipped, PSNR, and the
 * ratio of the time of denoising in one run.
 */

import { Flux, type Image } from '../src/index.ts';
import { median } from '../src/support/median.ts';

const PROMPTS = [
  'a red house in the mountains at sunset',
  'a lighthouse by the sea at night',
  'green hills with pine trees at sunrise, clouds',
  'a yellow hot air balloon over the desert, noon',
  'a blue sailboat on the ocean',
];
const SEEDS = [1, 2];
const STEPS = 28;
const given = process.argv.slice(2).map(Number);
const thresholds = [0, ...(given.length > 0 ? given : [0.04, 0.08, 0.12, 0.2, 0.3])];

await using flux = await Flux.load('tiny', { device: 'cpu' });

async function make(threshold: number | undefined): Promise<{ images: Image[]; cached: number; seconds: number[] }> {
  const images: Image[] = [];
  const seconds: number[] = [];
  let cached = 0;
  for (const prompt of PROMPTS) {
    for (const seed of SEEDS) {
      const cache = threshold === undefined ? {} : ({ cache: 'fbcache', threshold } as const);
      for await (const event of flux.stream({ prompt, seed, steps: STEPS, ...cache })) {
        if (event.type === 'image') images.push(event.image);
        if (event.type !== 'done') continue;
        cached += event.report.steps.cached;
        seconds.push(event.report.timings.denoise);
      }
    }
  }
  return { images, cached, seconds };
}

/** In decibels; infinite for equal pictures. */
function psnr(a: Image, b: Image): number {
  const sum = a.data.reduce((total, value, i) => total + (value - b.data[i]!) ** 2, 0);
  return 10 * Math.log10(255 ** 2 / (sum / a.data.length));
}

await make(0.1); // compiles
const figures: object[] = [];
for (const threshold of thresholds) {
  // Side by side: what else the machine does touches both.
  const whole = await make(undefined);
  const { images, cached, seconds } = await make(threshold);
  const quality = images.map((image, i) => psnr(image, whole.images[i]!));
  figures.push({
    threshold,
    skippedOfSteps: [cached / images.length, STEPS],
    psnrMedian: median(quality),
    psnrWorst: Math.min(...quality),
    timeRatio: median(seconds.map((value, i) => value / whole.seconds[i]!)),
  });
}
console.log(JSON.stringify(figures, (_key, value) => (value === Number.POSITIVE_INFINITY ? 'equal' : value), 2));
