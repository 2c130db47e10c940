/** The schedule is diffusers', bit for bit. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { SCHEDULER } from '../../src/families/flux1/scheduler.ts';
import { overrideShift, type ScheduleRequest, schedule } from '../../src/sampling/schedule.ts';
import { parseJsonObject } from '../../src/weights/files/json.ts';

interface Case {
  readonly config: Readonly<Record<string, unknown>>;
  readonly imageTokens: number;
  readonly steps: number | null;
  readonly sigmas: readonly number[] | null;
  readonly mu: number | null;
  readonly expected: { sigmas: string; timesteps: string };
}

const recorded = JSON.parse(readFileSync(new URL('../fixtures/sampling/schedule.json', import.meta.url), 'utf8')) as {
  cases: readonly Case[];
};

const floats = (base64: string) => new Float32Array(Uint8Array.from(Buffer.from(base64, 'base64')).buffer);

/** Reads a config as the loader does, with diffusers' defaults for what it leaves out. */
const readConfig = (config: Record<string, unknown>) =>
  SCHEDULER.config.read(parseJsonObject(JSON.stringify(config), 'test'), 'test');

const schnell = readConfig({ _class_name: 'FlowMatchEulerDiscreteScheduler' });
const dev = readConfig({
  _class_name: 'FlowMatchEulerDiscreteScheduler',
  shift: 3,
  use_dynamic_shifting: true,
});

describe('schedule as diffusers computes it', () => {
  for (const { config, imageTokens, steps, sigmas, mu, expected } of recorded.cases) {
    const kind = config['use_dynamic_shifting'] ? `${config['time_shift_type']} shift` : `shift ${config['shift']}`;
    const extra = `${sigmas ? ', custom sigmas' : ''}${config['shift_terminal'] ? ', terminal' : ''}`;
    test(`${steps ?? sigmas?.length} steps, ${imageTokens} tokens, ${kind}${extra}`, () => {
      const request: ScheduleRequest = { imageTokens, ...(steps && { steps }), ...(sigmas && { sigmas }) };
      const actual = schedule(readConfig(config), request);
      assert.deepEqual(actual.sigmas, floats(expected.sigmas));
      assert.deepEqual(actual.timesteps, floats(expected.timesteps));
      assert.equal(actual.mu, mu);
    });
  }

  test('schnell’s four steps are the even ones', () => {
    assert.deepEqual([...schedule(schnell, { steps: 4, imageTokens: 4096 }).sigmas], [1, 0.75, 0.5, 0.25, 0]);
  });

  test('one step and shift_terminal, of which diffusers makes NaN, is refused with what to do', () => {
    const terminal = { ...dev, shiftTerminal: 0.02 };
    for (const request of [{ steps: 1 }, { sigmas: [1] }]) {
      const error = { code: 'bad_request', message: /shift_terminal=0.02/, hint: 'take 2 steps or more' };
      assert.throws(() => schedule(terminal, { imageTokens: 64, ...request }), error);
    }
    assert.equal(schedule(terminal, { steps: 2, imageTokens: 64 }).sigmas.length, 3);
  });

  test('custom sigmas decide the number of steps', () => {
    const { timesteps } = schedule(schnell, { steps: 28, sigmas: [1, 0.5], imageTokens: 64 });
    assert.deepEqual([...timesteps], [1000, 500]);
  });
});

describe('overrides', () => {
  test('time_shift: false leaves no shift at all', () => {
    const plain = overrideShift(dev, { timeShift: false });
    assert.deepEqual(
      schedule(plain, { steps: 7, imageTokens: 4096 }),
      schedule(schnell, { steps: 7, imageTokens: 4096 }),
    );
  });

  test('time_shift: true with the shifts of dev makes schnell’s config dev’s', () => {
    const shifted = overrideShift(schnell, { timeShift: true, baseShift: 0.5, maxShift: 1.15 });
    const request = { steps: 7, imageTokens: 1024 };
    assert.deepEqual(schedule(shifted, request), schedule(dev, request));
  });

  test('base_shift and max_shift are the shifts at the two ends', () => {
    const shifted = overrideShift(dev, { baseShift: 0.1, maxShift: 2 });
    assert.equal(schedule(shifted, { steps: 1, imageTokens: 256 }).mu, 0.1);
    assert.ok(Math.abs(schedule(shifted, { steps: 1, imageTokens: 4096 }).mu! - 2) < 1e-12);
  });

  test('nothing given changes nothing', () => {
    assert.deepEqual(overrideShift(dev, {}), dev);
  });

  test('a shift that is no number is refused by name', () => {
    assert.throws(() => overrideShift(dev, { maxShift: Number.NaN }), {
      code: 'bad_config',
      message: /max_shift.*NaN/,
    });
  });
});

describe('refused requests', () => {
  for (const steps of [0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 1e9]) {
    test(`${steps} steps`, () => {
      assert.throws(() => schedule(dev, { steps, imageTokens: 64 }), { code: 'bad_request', message: /^steps: / });
    });
  }

  test('neither steps nor sigmas', () => {
    assert.throws(() => schedule(dev, { imageTokens: 64 }), { code: 'bad_request', message: /^steps: / });
  });

  const bad: readonly [readonly number[], RegExp][] = [
    [[], /expected 1 to/],
    [[1.5, 1], /^sigmas\[0\].*\(0, 1\].*1\.5/],
    [[1, 0.5, 0.5], /^sigmas\[2\].*between 0 and 0\.5.*0\.5/],
    [[0.5, 0.7], /^sigmas\[1\]/],
    [[1, Number.NaN], /^sigmas\[1\].*NaN/],
    [[Number.POSITIVE_INFINITY], /^sigmas\[0\]/],
    [[1, 0.5, 0], /^sigmas\[2\]/],
    [[1, -0.5], /^sigmas\[1\]/],
  ];
  for (const [sigmas, message] of bad) {
    test(`sigmas [${sigmas}]`, () => {
      assert.throws(() => schedule(dev, { sigmas, imageTokens: 64 }), { code: 'bad_request', message });
    });
  }

  test('a shift so strong that sigmas meet', () => {
    const extreme = overrideShift(dev, { baseShift: 80, maxShift: 80 });
    assert.throws(() => schedule(extreme, { steps: 4, imageTokens: 64 }), { code: 'bad_request', message: /descend/ });
  });
});
