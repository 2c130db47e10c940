/**
 * FLUX.1 at 1024², 512 or 256 text tokens, one picture a device: one step compiled by the real compilers for TPUs and GPUs that are
 * not here. What they said is in test/golden/full-size-ahead.json; UPDATE_GOLDEN=1 writes it anew.
 *
 * A TPU's compiler takes a minute of two cores for the blocks of one case. So the cases marked `always` are compiled by every run
 * (answers are kept in the cache folder, a second run repeats them), the others with FLUXION_TEST_AHEAD=all.
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
  readonly always?: true;
}

const TPU_CASES: readonly Case[] = [
  { model: 'dev', target: 'v6e:2x2', axis: 'fsdp', always: true },
  { model: 'schnell', target: 'v4:2x2x1', axis: 'data', always: true },
  { model: 'dev', target: 'v6e:2x2', axis: 'data' },
  { model: 'schnell', target: 'v6e:2x2', axis: 'data' },
  { model: 'schnell', target: 'v6e:2x2', axis: 'fsdp' },
  { model: 'dev', target: 'v4:2x2x1', axis: 'data' },
  { model: 'dev', target: 'v4:2x2x1', axis: 'fsdp' },
  { model: 'schnell', target: 'v4:2x2x1', axis: 'fsdp' },
];

const GPU_CASES: readonly Case[] = [
  { model: 'dev', target: 'h200', always: true },
  { model: 'dev', target: 'h200', attention: 'cudnn_flash_te', always: true },
  { model: 'dev', target: 'h200', attention: 'flash' },
  { model: 'schnell', target: 'h200' },
  { model: 'dev', target: 'h100' },
  { model: 'dev', target: 'b200' },
  { model: 'dev', target: 'h200:2', axis: 'data' },
  { model: 'dev', target: 'h200:2', axis: 'fsdp', always: true },
  { model: 'schnell', target: 'h200:2', axis: 'data' },
  { model: 'schnell', target: 'h200:2', axis: 'fsdp' },
];

const GOLDEN = repositoryPath('test/golden/full-size-ahead.json');
const UPDATE = process.env['UPDATE_GOLDEN'] === '1';
const ALL = process.env['FLUXION_TEST_AHEAD'] === 'all';
/** Compilers choose their temporaries anew with every flag and build: this much more or less is no change of ours. */
const MEMORY_TOLERANCE = 0.02;

const nameOf = ({ model, target, axis, attention }: Case): string =>
  [model, target, axis, attention && `attention=${attention}`].filter(Boolean).join(' ');

function compiled({ model, target, axis, attention }: Case): Promise<AheadRun> {
  const devices = { 'v6e:2x2': 4, 'v4:2x2x1': 4, 'h200:2': 2 }[target] ?? 1;
  const request = { prompt: 'a lighthouse at dusk', batch: devices };
  return compileRun(`FLUX.1-${model}`, request, {
    target,
    stages: ['step'],
    ...(axis && { mesh: { ici: { data: 1, [axis]: devices } } }),
    ...(attention && { attention }),
  });
}

/** What is kept of a program: what it exchanges and calls exactly, bytes of one device. */
interface Summary {
  readonly runs: number;
  readonly attention: readonly string[];
  readonly calls: readonly string[];
  /** `KIND × COUNT: BYTES` */
  readonly exchanges: readonly string[];
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
      attention: program.attention.map(({ kernel }) => kernel),
      calls: program.customCalls,
      exchanges: program.collectives.map(({ kind, count, bytes }) => `${kind} × ${count}: ${bytes}`),
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
  assert.ok(kept, `${GOLDEN} has no '${name}'; run this file with UPDATE_GOLDEN=1 FLUXION_TEST_AHEAD=all`);
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

function skipped(device: 'tpu' | 'cuda', { always }: Case): string | false {
  if (!findPlugin(device)) return `the plugin for ${device} is not installed: fluxion plugins install ${device}`;
  return always || ALL ? false : 'takes minutes: FLUXION_TEST_AHEAD=all compiles it';
}

describe('TPUs', () => {
  for (const one of TPU_CASES) {
    test(nameOf(one), { skip: skipped('tpu', one) }, async () => {
      const run = await compiled(one);
      check(one, run);
      for (const { name, customCalls, attention } of blocksOf(run)) {
        assert.ok(customCalls.includes('tpu_custom_call'), `${name}: ${customCalls}`);
        assert.deepEqual(
          attention.map(({ kernel }) => kernel),
          ['splash'],
        );
      }
      // What MaxDiffusion measured on v6e for four pictures.
      if (one.target === 'v6e:2x2') assert.ok(run.estimate!.batch <= (one.model === 'dev' ? 5.5 : 0.8));
      compareWithGolden(nameOf(one), run);
    });
  }
});

describe('NVIDIA GPUs', () => {
  for (const one of GPU_CASES) {
    test(nameOf(one), { skip: skipped('cuda', one) }, async () => {
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
