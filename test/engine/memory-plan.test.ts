/** The planner alone, on programs of known sizes: from a budget to what stays, what is freed and what is streamed, without a device. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryPlan } from '../../src/api/events.ts';
import { type BudgetOptions, planMemory, requireFit } from '../../src/engine/memory-plan.ts';
import type { ProgramUse } from '../../src/models/programs.ts';
import { spec, trace } from '../../src/xla/graph/trace.ts';
import { Weights } from '../../src/xla/graph/weights.ts';
import { Sharding, weightBytes } from '../../src/xla/runtime/sizes.ts';
import { fails } from '../support/fails.ts';

/** A program whose weight, declared under `name`, and whose output have so many bytes. */
function program(name: string, weight: number, output: number) {
  return trace(name, new Weights('f32', 'bf16'), { x: spec('f32', [output / 4]) }, ({ x }, w) => {
    w.param(name, [weight / 2], ['mlp']);
    return { y: x.add(1) };
  });
}

/** Encoders of 120 bytes in six layers, modulations of 60 in six, a step of 10 and of five blocks of 20, a decoder of 100. */
const USES = [
  { component: 't5', stage: 'encode', traced: program('layer', 20, 8), runs: 6 },
  { component: 'transformer', stage: 'prepare', traced: program('modulation', 10, 8), runs: 6 },
  { component: 'transformer', stage: 'step', traced: program('ends', 10, 8), runs: 1 },
  { component: 'transformer', stage: 'step', traced: program('block', 20, 8), runs: 5 },
  { component: 'vae', stage: 'decode', traced: program('decoder', 100, 16), runs: 1 },
] as const satisfies readonly ProgramUse[];

const OPTIONS: BudgetOptions = {
  budget: Number.POSITIVE_INFINITY,
  hostBudget: undefined,
  offload: true,
  residency: 'auto',
  sharding: new Sharding({ mesh: [] }),
  memoryOf: () => undefined,
  countsCode: false,
};

const plan = (options: Partial<BudgetOptions> = {}, uses: readonly ProgramUse[] = USES) =>
  planMemory(uses, { ...OPTIONS, ...options });
const shown = ({ encoders, transformer, modulations, held }: MemoryPlan) =>
  [encoders, transformer, modulations, held].join(' ');

test('with room for all, everything stays, and every byte is counted once', () => {
  const { stages, peak, fits, host } = plan();
  assert.equal(shown(plan()), 'released kept kept 0');
  assert.deepEqual(
    stages.map(({ stage, weights, values, total }) => [stage, weights, values, total]),
    [
      // The transformer's 170 bytes and the decoder's are there throughout; four values of 8 bytes are alive, and two of 16 in the decoder.
      ['encode', 120 + 170 + 100, 32, 422],
      // What modulations give, six times 8 bytes, lasts as long as the steps.
      ['denoise', 170 + 100, 48 + 32, 350],
      ['decode', 170 + 100, 32, 302],
    ],
  );
  assert.deepEqual([peak, fits, host], [422, true, 0]);
  assert.equal(shown(plan({ offload: false })), 'kept kept kept 0');
});

test('the smaller the budget, the more comes and goes; every plan that fits is within it', () => {
  const seen = new Map<string, number>();
  for (let budget = 500; budget > 0; budget--) {
    const found = plan({ budget });
    assert.equal(found.fits, found.peak <= budget, `${budget}: ${shown(found)}`);
    assert.equal(found.peak, Math.max(...found.stages.map(({ total }) => total)));
    if (found.fits) seen.set(shown(found), budget);
  }
  // The least budget of each arrangement.
  assert.deepEqual(
    [...seen],
    [
      ['released kept kept 0', 422],
      ['released yields kept 0', 302],
      ['released yields released 0', 242],
      ['released released released 0', 220],
      ['released streamed released 3', 210],
      ['released streamed released 2', 190],
      ['released streamed released 1', 170],
      ['released streamed released 0', 152],
      ['streamed streamed released 0', 150],
    ],
  );
});

test('pictures that go in are encoded after prompts, with weights that every size shares', () => {
  const of = (size: number, runs: number, scopes: readonly string[]) =>
    ({ component: 'vae', stage: 'pictures', traced: program('weight', 30, size), runs, scopes }) as const;
  const seen = [of(16, 2, ['a', 'b']), of(40, 4, ['a', 'b', 'a', 'b']), of(40, 1, ['c'])];
  const uses = [...USES, ...seen];
  const weightsOf = ({ stages }: MemoryPlan) => stages.map(({ stage, weights }) => [stage, weights]);
  assert.deepEqual(weightsOf(plan({}, uses)), [
    ['encode', 120 + 170 + 90 + 100],
    ['pictures', 170 + 90 + 100],
    ['denoise', 170 + 90 + 100],
    ['decode', 170 + 90 + 100],
  ]);
  assert.equal(plan({}, uses).stages[1]!.values, 2 * 40);
  // Where the transformer makes room, so does the autoencoder.
  assert.deepEqual(weightsOf(plan({ budget: 360 }, uses)), [
    ['encode', 120],
    ['pictures', 170 + 90],
    ['denoise', 170],
    ['decode', 170 + 100],
  ]);
  // What fits without them is streamed for them no sooner: the encoders are gone by then.
  for (const budget of [170, 190, 210, 220]) assert.equal(shown(plan({ budget }, uses)), shown(plan({ budget })));
  assert.deepEqual(weightsOf(plan({ offload: false, budget: 1000 }, uses))[1], ['pictures', 120 + 170 + 90 + 100]);
  assert.equal(plan({ residency: 'streamed', hostBudget: 1000 }, uses).host, 290, 'nothing of it is streamed');
});

test('temporaries count once a stage and code throughout, where it lies on the device', () => {
  const memoryOf = ({ name }: { readonly name: string }) => ({ temporaries: name === 'block' ? 100 : 7, code: 3 });
  const [encode, denoise, decode] = plan({ memoryOf }).stages;
  assert.deepEqual(
    [encode, denoise, decode].map((stage) => stage!.temporaries),
    [7, 100, 7],
  );
  assert.deepEqual(
    [encode, denoise, decode].map((stage) => stage!.code),
    [0, 0, 0],
  );
  assert.deepEqual(
    plan({ memoryOf, countsCode: true }).stages.map(({ code }) => code),
    [15, 15, 15],
  );
});

test('streamed weights wait on the host, within its budget', () => {
  const all = { residency: 'streamed', hostBudget: 1000 } as const;
  // The encoders' 120 bytes and the transformer's 170, of which nothing stays.
  assert.deepEqual([plan(all).host, plan(all).fits], [290, true]);
  const short = plan({ ...all, hostBudget: 289 });
  assert.equal(short.fits, false);
  fails(
    () => requireFit(short),
    'unsupported',
    /streamed weights would take 290 B of the host's memory, and 289 B are free/,
  );
});

test('odd sizes: no blocks, one stage, a layer larger than all others, nothing at all', () => {
  const [encode, , ends, , decode] = USES;
  assert.deepEqual(
    plan({ budget: 1 }, [decode]).stages.map(({ stage }) => stage),
    ['decode'],
  );
  assert.deepEqual(plan({ residency: 'streamed' }, [encode, ends, decode]).held, 0);
  const huge = { component: 'transformer', stage: 'step', traced: program('huge', 1000, 8), runs: 3 } as const;
  const whole = plan({ residency: 'streamed' }, [...USES, huge]);
  assert.ok(whole.peak >= 3000, 'three of the largest are there at a time');
});

test('a mesh divides what its axes split evenly', () => {
  const sharding = new Sharding({ mesh: [{ name: 'tensor', size: 2 }], rules: [['mlp', 'tensor']] });
  // Five values of two bytes each cannot be halved.
  const [, modulations, ends] = USES;
  const odd = weightBytes([modulations, ends], OPTIONS.sharding);
  assert.equal(odd, 6 * 10 + 10);
  assert.equal(weightBytes(USES, sharding), odd + (weightBytes(USES, OPTIONS.sharding) - odd) / 2);
});

test('what does not fit anywhere is refused with both numbers, the stage, and what helps', () => {
  const none = plan({ budget: 10 });
  assert.equal(none.fits, false);
  fails(
    () => requireFit(none),
    'unsupported',
    /this run needs \d+ B at its largest stage \((encode|denoise|decode)\), and 10 B may be used/,
  );
});
