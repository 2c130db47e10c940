/** `fluxion bench` as a user meets it: sane figures, refusals before any work, and an end by Ctrl-C that leaves nothing behind. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { stageFlops } from '../../src/models.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { fluxion, temporaryFolder } from '../support/command-line.ts';
import { Commands } from '../support/commands.ts';
import { repositoryPath } from '../support/fixture.ts';
import { checkTrace } from '../support/trace.ts';

type ByStage = Readonly<Record<'encode' | 'step' | 'decode', number>>;
interface Printed {
  readonly [key: string]: unknown;
  readonly compile_time: { readonly cold: number; readonly cached: number };
  readonly first: ByStage;
  readonly median: ByStage & { readonly prepare?: number; readonly picture: number };
  readonly flop: Readonly<Record<keyof ByStage, { readonly total: number }>>;
  readonly flop_per_second: ByStage;
  readonly peak_flop_per_second: { readonly value: number; readonly source: string };
  readonly share_of_peak: ByStage;
  readonly parameters: Readonly<Record<string, number>>;
  readonly error: { readonly code: string; readonly message: string };
}
interface Profile {
  readonly source: string;
  readonly programs: readonly {
    readonly name: string;
    readonly runs: number;
    readonly note?: string;
    readonly operations: readonly { readonly flop: number }[];
  }[];
}
const STAGES = ['encode', 'step', 'decode'] as const;

describe('bench', () => {
  test('--json --profile: times, rates and shares that go together; operations of every program, and a trace', async () => {
    using folder = temporaryFolder();
    const words = ['tiny', 'num_inference_steps=2', 'resolution=64', 'batch=2', 'hardware=cpu'];
    const finished = await fluxion(['bench', ...words, '--runs', '1', '--profile', '--json'], {
      cwd: folder.path,
      env: { TMPDIR: folder.path },
    });
    assert.equal(finished.status, 0, finished.stderr);
    const { profile, trace, ...figures } = JSON.parse(finished.stdout) as Printed & { profile: Profile; trace: string };
    assert.deepEqual([trace, readdirSync(folder.path)], ['flux_trace.json', ['flux_trace.json']], 'files left behind');

    assert.deepEqual(
      [figures['model'], figures['weights'], figures['width'], figures['steps'], figures['batch'], figures['runs']],
      ['tiny', 'file', 64, 2, 2, 1],
    );
    const { compile_time: compile, first, median, flop, flop_per_second: rate, share_of_peak: share } = figures;
    assert.ok(compile.cold > compile.cached && compile.cached > 0, JSON.stringify(compile));
    const { value: peak, source } = figures.peak_flop_per_second;
    assert.equal(source, 'best matrix multiply');
    assert.ok(peak > 1e8 && peak < 1e15, `${peak}`);
    const parts = openPipelineFolder(FLUX1, repositoryPath('models/tiny'));
    const expected = stageFlops(parts, { width: 64, height: 64, batch: 2, textTokens: 32, steps: 2 });
    for (const stage of STAGES) {
      assert.ok(first[stage] > 0 && median[stage] > 0 && median[stage] < 600, stage);
      assert.equal(flop[stage].total, expected[stage].total, stage);
      assert.ok(Math.abs(rate[stage] * median[stage] - flop[stage].total) < 1e-6 * flop[stage].total, stage);
      assert.ok(Math.abs(share[stage] * peak - rate[stage]) < 1e-6 * rate[stage], stage);
      assert.ok(share[stage] > 0 && share[stage] < 1.5, `${stage}: ${share[stage]}`);
    }
    assert.ok(median.picture >= median.encode + median.decode, JSON.stringify(median));
    assert.ok((median.prepare ?? -1) >= 0);
    assert.ok((figures['peak_memory_bytes'] as number) > 1e8);
    assert.ok(Object.values(figures.parameters).every((count) => count > 1e5));

    assert.equal(profile.source, 'one by one');
    assert.deepEqual(
      profile.programs.filter(({ note }) => note !== undefined),
      [],
    );
    const block = profile.programs.find(({ name }) => name === 'flux_single_block')!;
    assert.equal(block.runs, 2 * 5);
    // What the compiler made of a stage's programs computes what the model's arithmetic says.
    const flops = (names: RegExp) =>
      profile.programs
        .filter(({ name }) => names.test(name))
        .flatMap(({ runs, operations }) => operations.map(({ flop }) => runs * flop))
        .reduce((sum, flop) => sum + flop, 0);
    const step = flops(/^flux_(img_in|double_block|single_block|final_layer)$/);
    assert.ok(Math.abs(step / (2 * flop.step.total) - 1) < 0.02, `${step} of two steps of ${flop.step.total}`);
    const { events } = checkTrace(readFileSync(folder.file(trace), 'utf8'));
    const tracks = new Set(events.map(({ track }) => track));
    for (const track of ['stages', 'steps', 'programs', 'operations of flux_single_block, one at a time'])
      assert.ok(tracks.has(track), track);
    const stages = events.filter(({ track }) => track === 'stages').map(({ name }) => name);
    assert.deepEqual(stages, ['compile', 'encode', 'denoise', 'decode']);
    const shown = events.filter(
      ({ track, name }) => track === 'programs' && name.startsWith('flux_single_block single_blocks.'),
    );
    assert.equal(shown.length, block.runs);
  });

  test('is refused in one sentence where it cannot be', async () => {
    using folder = temporaryFolder();
    await using commands = new Commands();
    const cases: [string[], RegExp][] = [
      [['--runs', '0'], /--runs: expected a whole number from 1/],
      [['--runs', 'many'], /--runs/],
      [['tiny', 'dev'], /unexpected 'dev'/],
      [['tiny', 'pretrained_model_name_or_path=tiny'], /given twice/],
      [['tini'], /no model folder 'tini'/],
    ];
    for (const [args, message] of cases) {
      const { status, stdout, stderr } = await commands.run(['bench', ...args], { cwd: folder.path });
      assert.deepEqual([status, stdout], [2, ''], stderr);
      assert.match(stderr, message);
    }
  });

  test('Ctrl-C ends it, with nothing left behind', async () => {
    for (const when of [/^compile/m, /^measure/m]) {
      using folder = temporaryFolder();
      const { status, stdout, stderr } = await fluxion(
        ['bench', 'tiny', '--runs', '10000', 'resolution=64', 'hardware=cpu', '--json'],
        {
          cwd: folder.path,
          env: { TMPDIR: folder.path },
          interrupt: { when, signal: 'SIGINT' },
        },
      );
      assert.equal(status, 130, stderr);
      assert.equal((JSON.parse(stdout) as Printed).error.code, 'aborted');
      assert.deepEqual(readdirSync(folder.path), []);
    }
  });
});

test('enable_profiler writes a trace of the steps that are asked for', async () => {
  using folder = temporaryFolder();
  await using commands = new Commands();
  const cases: [string[], string[]][] = [
    [
      ['num_inference_steps=4', 'skip_first_n_steps_for_profiler=1', 'profiler_steps=2'],
      ['step 2', 'step 3'],
    ],
    [['num_inference_steps=3', 'skip_first_n_steps_for_profiler=0', 'profiler_steps=1'], ['step 1']],
    // Fewer than MaxDiffusion's files skip.
    [['num_inference_steps=2'], ['step 2']],
  ];
  for (const [words, steps] of cases) {
    const args = [
      'generate',
      'a red house',
      'resolution=64',
      'hardware=cpu',
      'enable_profiler=True',
      '--json',
      ...words,
    ];
    const { status, stdout, stderr } = await commands.run(args, { cwd: folder.path });
    assert.equal(status, 0, stderr);
    const { trace, notes } = JSON.parse(stdout) as { trace: string; notes: string[] };
    assert.deepEqual(notes, []);
    const { events } = checkTrace(readFileSync(folder.file(trace), 'utf8'));
    const on = (track: string) => events.filter((event) => event.track === track).map(({ name }) => name);
    assert.deepEqual(on('steps'), steps);
    assert.equal(on('programs').filter((name) => name === 'flux_img_in').length, steps.length);
    assert.match(stderr, /trace of steps? .* in flux_trace\.json, for ui\.perfetto\.dev/);
  }
});
