/**
 * FLUX.1 at 1024², 512 or 256 text tokens, one picture a device: one step compiled by the real compilers for TPUs and GPUs that are
 * not here. What they said is in test/golden/full-size-ahead.json; UPDATE_GOLDEN=1 writes it anew.
 *
 * TPUs' compilers take a minute of two cores for the blocks of one case as they run, and a fifth of that when told to try least:
 * all cases but one are compiled so. Answers are kept in the cache folder, and a second run of the tests repeats them.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type AheadRun, compileRun, type LoadOptions } from '../../src/index.ts';
import { findPlugin } from '../../src/xla.ts';
import { repositoryPath } from '../support/fixture.ts';

interface Case {
  readonly model: 'dev' | 'schnell';
  readonly target: string;
  /** DDP (`data`) or FSDP; undefined for one device. */
  readonly axis?: 'data' | 'fsdp';
  readonly attention?: LoadOptions['attention'];
  /** Compiled as it runs, not with the least effort. */
  readonly asItRuns?: true;
}

const TPU_CASES: readonly Case[] = [
  { model: 'dev', target: 'v6e:2x2', axis: 'fsdp', asItRuns: true },
  ...(['v6e:2x2', 'v4:2x2x1'] as const).flatMap((target) =>
    (['dev', 'schnell'] as const).flatMap((model) =>
      (['data', 'fsdp'] as const).map((axis) => ({ model, target, axis })),
    ),
  ),
];

const GPU_CASES: readonly Case[] = [
  { model: 'dev', target: 'h200' },
  { model: 'dev', target: 'h200', attention: 'cudnn_flash_te' },
  { model: 'dev', target: 'h200', attention: 'flash' },
  { model: 'schnell', target: 'h200' },
  { model: 'dev', target: 'h100' },
  { model: 'dev', target: 'b200' },
  { model: 'dev', target: 'h200:2', axis: 'data' },
  { model: 'dev', target: 'h200:2', axis: 'fsdp' },
  { model: 'schnell', target: 'h200:2', axis: 'data' },
  { model: 'schnell', target: 'h200:2', axis: 'fsdp' },
];

/** Seconds for four pictures on MaxDiffusion's page; a lower bound is at or below them. */
const MEASURED: Readonly<Record<string, number>> = {
  'dev v6e:2x2': 5.5,
  'schnell v6e:2x2': 0.8,
  'dev v4:2x2x1': 23,
  'schnell v4:2x2x1': 2.2,
};

const GOLDEN = repositoryPath('test/golden/full-size-ahead.json');
const UPDATE = process.env['UPDATE_GOLDEN'] === '1';
/** Compilers choose their temporaries anew with every flag and build: this much more or less is no change of ours. */
const MEMORY_TOLERANCE = 0.02;

const nameOf = ({ model, target, axis, attention, asItRuns }: Case): string =>
  [model, target, axis, attention && `attention=${attention}`, asItRuns && 'as it runs'].filter(Boolean).join(' ');

function compiled({ model, target, axis, attention, asItRuns }: Case): Promise<AheadRun> {
  const devices = { 'v6e:2x2': 4, 'v4:2x2x1': 4, 'h200:2': 2 }[target] ?? 1;
  const request = { prompt: 'a lighthouse at dusk', batch: devices };
  return compileRun(`FLUX.1-${model}`, request, {
    target,
    stages: ['step'],
    quick: asItRuns !== true,
    ...(axis && { mesh: { ici: { data: 1, [axis]: devices } } }),
    ...(attention && { attention }),
  });
}

/** What is kept of a program: what it exchanges and calls exactly, bytes of one device. */
interface Summary {
  readonly runs: number;
  readonly attention: string;
  readonly calls: string;
  /** `KIND × COUNT: BYTES` */
  readonly exchanges: string;
  /** Copies and transposes that stand alone. */
  readonly moved: number;
  readonly arguments: number;
  readonly outputs: number;
  readonly temporaries: number;
}
type Golden = Readonly<Record<string, Readonly<Record<string, Summary>>>>;

function summaryOf({ programs }: AheadRun): Readonly<Record<string, Summary>> {
  const rows = programs.map((program) => [
    program.name,
    {
      runs: program.runs,
      attention: program.attention.map(({ kernel }) => kernel).join(', '),
      calls: program.customCalls.join(', '),
      exchanges: program.collectives.map(({ kind, count, bytes }) => `${kind} × ${count}: ${bytes}`).join(', '),
      moved: program.moved,
      arguments: program.arguments,
      outputs: program.outputs,
      temporaries: program.temporaries,
    },
  ]);
  return Object.fromEntries(rows) as Readonly<Record<string, Summary>>;
}

function golden(): Golden {
  return JSON.parse(readFileSync(GOLDEN, 'utf8')) as Golden;
}

function compareWithGolden(name: string, run: AheadRun): void {
  const now = summaryOf(run);
  if (UPDATE) {
    const order = [...TPU_CASES, ...GPU_CASES].map(nameOf);
    const all = Object.entries({ ...golden(), [name]: now }).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    writeFileSync(GOLDEN, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
  }
  const kept = golden()[name];
  assert.ok(kept, `${GOLDEN} has no '${name}'; run this file with UPDATE_GOLDEN=1`);
  assert.deepEqual(Object.keys(now), Object.keys(kept));
  for (const [program, { temporaries, ...exact }] of Object.entries(now)) {
    const { temporaries: before, ...expected } = kept[program]!;
    assert.deepEqual(exact, expected, `${name}: ${program}`);
    const allowed = Math.max(2 ** 20, before * MEMORY_TOLERANCE);
    assert.ok(
      Math.abs(temporaries - before) <= allowed,
      `${program}: ${temporaries} bytes of temporaries, not ${before}`,
    );
  }
}

/** What holds for every case, whatever the golden file says. */
function check({ axis }: Case, run: AheadRun): void {
  assert.deepEqual(run.tooLarge, []);
  assert.ok(run.fits, JSON.stringify(run.stages));
  // In place throughout a request, not by way of streaming.
  assert.ok(run.transformer === 'kept' || run.transformer === 'yields', run.transformer);
  assert.equal(run.modulations, 'kept');
  // 74.4 TFLOP a picture for 512 text tokens, 69.5 for 256.
  const flops = run.programs.reduce((sum, program) => sum + program.runs * program.flops, 0);
  assert.ok(Math.abs(flops / (run.steps === 28 ? 74.4e12 : 69.5e12) - 1) < 0.03, `${flops} FLOP a step`);
  const { perDevice, total } = run.transformerWeights;
  const share = axis === 'fsdp' ? total / run.devices + 0.02 * total : total;
  assert.ok(perDevice <= share, `${perDevice} of ${total} bytes of weights`);
  const exchanges = run.programs.flatMap(({ collectives }) => collectives);
  if (axis !== 'fsdp') assert.deepEqual(exchanges, []);
  else
    assert.ok(
      exchanges.every(({ kind }) => kind === 'all-gather'),
      JSON.stringify(exchanges),
    );
}

const blocksOf = ({ programs }: AheadRun) => programs.filter(({ name }) => /_(double|single)_block$/.test(name));

const missing = (device: 'tpu' | 'cuda'): string | false =>
  findPlugin(device) ? false : `the plugin for ${device} is not installed: fluxion plugins install ${device}`;

describe('TPUs', { skip: missing('tpu') }, () => {
  for (const one of TPU_CASES) {
    test(nameOf(one), async () => {
      const run = await compiled(one);
      check(one, run);
      for (const { name, customCalls, attention } of blocksOf(run)) {
        assert.ok(customCalls.includes('tpu_custom_call'), `${name}: ${customCalls}`);
        assert.deepEqual(
          attention.map(({ kernel }) => kernel),
          ['splash'],
        );
      }
      const measured = MEASURED[`${one.model} ${one.target}`];
      if (measured) assert.ok(run.estimate!.batch <= measured, `${run.estimate!.batch} s`);
      compareWithGolden(nameOf(one), run);
    });
  }
});

describe('NVIDIA GPUs', { skip: missing('cuda') }, () => {
  for (const one of GPU_CASES) {
    test(nameOf(one), async () => {
      const run = await compiled(one);
      check(one, run);
      const kernel = one.attention === 'flash' ? 'triton' : 'cudnn';
      for (const { name, customCalls, attention, collectives, moved, widened } of blocksOf(run)) {
        assert.deepEqual(
          attention.map((choice) => choice.kernel),
          [kernel],
          name,
        );
        const call = kernel === 'cudnn' ? '__cudnn$fmhaSoftmax' : '__gpu$xla.gpu.triton';
        assert.ok(customCalls.includes(call), `${name}: ${customCalls}`);
        // q, k and v go in and come out as the products around attention have them, and no weight is widened. What is gathered
        // along an inner dimension is put in order: of weights, never more than what was gathered.
        const gathered = collectives.reduce((sum, { bytes }) => sum + bytes, 0);
        assert.ok(moved <= gathered, `${name}: ${moved} bytes of copies and transposes`);
        assert.equal(widened, 0, `${name}: ${widened} bytes of f32`);
      }
      compareWithGolden(nameOf(one), run);
    });
  }
});
