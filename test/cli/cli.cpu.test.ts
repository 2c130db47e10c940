/** The command line as a user meets it: each test runs processes of the program and looks at files, streams and exit statuses. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Recipe } from '../../src/api/recipe.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { progressLine, type RunState } from '../../src/cli/terminal/render.ts';
import { addTexts } from '../../src/picture/png.ts';
import { listPlugins } from '../../src/xla/plugins/plugins.ts';
import { assertImagesClose } from '../support/close.ts';
import { type Finished, fluxion, PROGRAM, recipeOf, run, succeeded, temporaryFolder } from '../support/command-line.ts';
import { Commands } from '../support/commands.ts';
import { Fixture, parityCases, repositoryPath } from '../support/fixture.ts';

/** Control characters but for the line feed, and what erases a terminal's line. */
const CONTROL = /[^\P{Cc}\n]/u;
const ERASE = `${String.fromCharCode(27)}\\[K`;

/** The least work that makes a picture. */
const CHEAP = ['resolution=64', 'num_inference_steps=1'];

const commands = new Commands();
after(() => commands[Symbol.asyncDispose]());

/** What the commands print with --json, as far as the tests look at it. */
interface Printed {
  readonly [key: string]: unknown;
  readonly files: readonly {
    readonly path: string;
    readonly seed: number | string;
    readonly width: number;
    readonly height: number;
  }[];
  readonly programs: { readonly compiled: number; readonly from_cache: number };
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
  readonly checks: readonly {
    readonly identical: boolean;
    readonly psnr: number;
    readonly name: string;
    readonly status: string;
  }[];
  readonly plugins: readonly { readonly device: string }[];
  readonly recipe: Recipe;
  readonly components: { readonly transformer: { readonly config: { readonly layers: number } } };
  readonly parameters: number;
  readonly bytes: number;
  readonly peak_memory_bytes: number;
}

/** Parses standard output whole: anything beside the one object fails. */
function json(finished: Finished): Printed {
  return JSON.parse(finished.stdout) as Printed;
}

describe('generate', () => {
  test('writes numbered pictures, never over another without overwrite, and prints their paths', async () => {
    using folder = temporaryFolder();
    const first = succeeded(await commands.run(['generate', 'a red house', ...CHEAP, 'batch=2'], { cwd: folder.path }));
    assert.equal(first.stdout, 'flux_0.png\nflux_1.png\n');
    assert.match(first.stderr, /compile time .*\n(.*\n)*.*inference time/);
    const before = readFileSync(folder.file('flux_0.png'));
    const second = succeeded(await commands.run(['generate', 'a blue house', ...CHEAP], { cwd: folder.path }));
    assert.equal(second.stdout, 'flux_2.png\n');
    assert.deepEqual(readFileSync(folder.file('flux_0.png')), before);
    succeeded(
      await commands.run(['generate', 'a blue house', ...CHEAP, '--overwrite', '--quiet'], { cwd: folder.path }),
    );
    assert.notDeepEqual(readFileSync(folder.file('flux_0.png')), before);
    assert.deepEqual(readdirSync(folder.path).sort(), ['flux_0.png', 'flux_1.png', 'flux_2.png']);
    const { width, height, format } = await sharp(folder.file('flux_0.png')).metadata();
    assert.deepEqual({ width, height, format }, { width: 64, height: 64, format: 'png' });
  });

  test('--json prints one object and nothing else, with every figure and file', async () => {
    using folder = temporaryFolder();
    const args = [
      'generate',
      '--json',
      ...CHEAP,
      'seed=18446744073709551615',
      'output_dir=new/pictures',
      'run_name=r1',
    ];
    const finished = succeeded(await commands.run(args, { cwd: folder.path }));
    const report = json(finished);
    const file = report.files[0]!;
    assert.equal(file.seed, '18446744073709551615');
    assert.equal(file.path, 'new/pictures/flux_0.png');
    assert.deepEqual([file.width, file.height], [64, 64]);
    assert.ok(existsSync(folder.file(file.path)));
    for (const key of [
      'compile_time',
      'inference_time',
      'load_time',
      'encode_time',
      'seconds_per_step',
      'decode_time',
    ]) {
      const seconds = report[key] as number;
      assert.ok(seconds >= 0 && seconds < 600, `${key}: ${seconds}`);
    }
    assert.ok(report.peak_memory_bytes > 1e7);
    assert.ok(report.programs.compiled + report.programs.from_cache > 5);
    assert.equal(report['run_name'], 'r1');
  });

  test('--quiet leaves standard error empty', async () => {
    using folder = temporaryFolder();
    const { stdout, stderr } = succeeded(await commands.run(['generate', '--quiet', ...CHEAP], { cwd: folder.path }));
    assert.deepEqual({ stdout, stderr }, { stdout: 'flux_0.png\n', stderr: '' });
  });

  test('plain lines where there is no terminal: few, and no control characters', async () => {
    using folder = temporaryFolder();
    const { stderr } = succeeded(
      await fluxion(['generate', ...CHEAP, 'seed=[1, 2, 3, 4, 5, 6]'], { cwd: folder.path }),
    );
    assert.doesNotMatch(stderr, CONTROL);
    for (const stage of ['load', 'compile', 'encode', 'denoise', 'decode'])
      assert.match(stderr, new RegExp(`^${stage}\\b`, 'm'));
    assert.ok(stderr.split('\n').length < 25, stderr);
  });

  test('reads the prompt from standard input', async () => {
    using folder = temporaryFolder();
    succeeded(await fluxion(['generate', '-', ...CHEAP], { cwd: folder.path, input: 'a cactus, "in" the desert\n' }));
    assert.equal(recipeOf(folder.file('flux_0.png')).prompt, 'a cactus, "in" the desert');
    // A writer that takes its time, such as a language model.
    const slow = `(sleep 1; echo 'green '; sleep 1; echo hills) | "${process.execPath}" "${PROGRAM}" generate - ${CHEAP.join(' ')}`;
    succeeded(await run('sh', ['-c', slow], { cwd: folder.path }));
    assert.equal(recipeOf(folder.file('flux_1.png')).prompt, 'green \nhills');
    const empty = await fluxion(['generate', '-', ...CHEAP], { cwd: folder.path, input: '\n' });
    assert.equal(empty.status, 2);
    assert.match(empty.stderr, /prompt on standard input is empty/);
  });

  test('takes keys in all spellings; quoted prompts are batches, unquoted words one prompt', async () => {
    using folder = temporaryFolder();
    writeFileSync(
      folder.file('mine.yml'),
      'pretrained_model_name_or_path: tiny\nnum_inference_steps: 9\nprompt: from the file\nmax_sequence_length: 32\n',
    );
    const spelled = [
      'mine.yml',
      'width=',
      '80',
      '--height=64',
      '--num-inference-steps',
      '2',
      'noise=philox',
      '--seed',
      '-3',
    ];
    succeeded(await commands.run(['generate', ...spelled, 'a red', 'boat at sea'], { cwd: folder.path }));
    const [one, two] = ['flux_0.png', 'flux_1.png'].map((name) => recipeOf(folder.file(name)));
    assert.deepEqual([one!.prompt, two!.prompt], ['a red', 'boat at sea']);
    assert.deepEqual([one!.width, one!.height, one!.steps, one!.noise, one!.seed], [80, 64, 2, 'philox', -3]);
    succeeded(await commands.run(['generate', ...CHEAP, 'a', 'red', 'boat'], { cwd: folder.path }));
    assert.equal(recipeOf(folder.file('flux_2.png')).prompt, 'a red boat');
  });

  test("MaxDiffusion's file and command line run with the bundled model", async (t) => {
    const theirs = fileURLToPath(new URL('../../../shared/maxdiffusion/base_flux_schnell.yml', import.meta.url));
    if (!existsSync(theirs)) return t.skip("MaxDiffusion's files are not on this machine");
    using folder = temporaryFolder();
    cpSync(theirs, folder.file('base_flux_schnell.yml'));
    const prompt = 'photograph of an electronics chip in the shape of a race car with trillium written on its side';
    const line = [
      'base_flux_schnell.yml',
      'run_name=flux_test',
      'output_dir=out/',
      `prompt=${prompt}`,
      'per_device_batch_size=',
      '1',
    ];
    const tiny = ['pretrained_model_name_or_path=tiny', 'resolution=64', 'num_inference_steps=1'];
    const finished = succeeded(await commands.run(['generate', ...line, ...tiny], { cwd: folder.path }));
    assert.equal(finished.stdout, 'out/flux_0.png\n');
    assert.match(finished.stderr, /base_flux_schnell\.yml: \d+ keys have no effect here/);
    const recipe = recipeOf(folder.file('out/flux_0.png'));
    assert.deepEqual([recipe.prompt, recipe.model.name, recipe.maxSequenceLength], [prompt, 'tiny', 256]);
  });
});

describe('redo', () => {
  for (const [name, args, told] of [
    ['a single picture', ['seed=5', 'num_inference_steps=2'], /^ {2}noise .*\n {2}time shift/m],
    ['one of a batch', ['batch=3', 'seed=5'], /^ {2}batch +slot 2 of 3, counted from 0\n {2}time shift/m],
    [
      "one of a batch with JAX's noise",
      ['batch=2', 'noise=jax', 'seed=9'],
      /^ {2}batch +slot 1 of 2, counted from 0\n {2}first seed +9\n {2}time shift/m,
    ],
  ] as const) {
    test(`makes the same bytes of ${name}`, async () => {
      using folder = temporaryFolder();
      const made = succeeded(
        await commands.run(['generate', ...CHEAP, ...args, 'a lighthouse at night'], { cwd: folder.path }),
      );
      const original = made.stdout.trim().split('\n').at(-1)!;
      const again = succeeded(await commands.run(['redo', original], { cwd: folder.path }));
      const copy = again.stdout.trim();
      assert.notEqual(copy, original);
      assert.deepEqual(readFileSync(folder.file(copy)), readFileSync(folder.file(original)));
      const check = succeeded(await commands.run(['redo', original, '--check'], { cwd: folder.path }));
      assert.equal(check.stdout, `${original}: identical\n`);
      assert.match(succeeded(await commands.run(['inspect', original], { cwd: folder.path })).stdout, told);
      assert.equal(readdirSync(folder.path).length, made.stdout.trim().split('\n').length + 1);
    });
  }

  test('keys change the recipe; --check tells how far the picture is from the original', async () => {
    using folder = temporaryFolder();
    succeeded(await commands.run(['generate', ...CHEAP, 'batch=2'], { cwd: folder.path }));
    const other = await commands.run(['redo', 'flux_1.png', 'seed=77', '-o', 'other.png'], { cwd: folder.path });
    assert.equal(succeeded(other).stdout, 'other.png\n');
    const { seed, batch } = recipeOf(folder.file('other.png'));
    assert.deepEqual([seed, batch], [77, undefined]);
    succeeded(await commands.run(['redo', 'flux_1.png', 'guidance_scale=1', '-o', 'guided.png'], { cwd: folder.path }));
    assert.equal(recipeOf(folder.file('guided.png')).batch, undefined, 'a changed picture is made alone');
    const taken = await commands.run(['redo', 'flux_1.png', '-o', 'other.png'], { cwd: folder.path });
    assert.equal(taken.status, 2);
    const check = await commands.run(['redo', 'flux_1.png', 'num_inference_steps=2', '--check', '--json'], {
      cwd: folder.path,
    });
    assert.equal(check.status, 1);
    const { identical, psnr } = json(check).checks[0]!;
    assert.equal(identical, false);
    assert.ok(psnr > 5 && psnr < 60, `${psnr}`);
  });

  test('refuses hostile and foreign pictures in one sentence', async () => {
    using folder = temporaryFolder();
    const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    succeeded(await commands.run(['generate', ...CHEAP], { cwd: folder.path }));
    const recipe = recipeOf(folder.file('flux_0.png'));
    const carrying = (changed: object) => addTexts(plain, { fluxion: JSON.stringify({ ...recipe, ...changed }) });
    const cases: readonly [file: Uint8Array, status: number, message: RegExp][] = [
      [plain, 1, /no Fluxion recipe inside/],
      [plain.subarray(0, 60), 1, /cut off|says/],
      [Buffer.from('not a picture'), 1, /expected a PNG/],
      [new Uint8Array(), 1, /expected a PNG/],
      [carrying({ model: { name: '../../etc' } }), 2, /made with the model '\.\.\/\.\.\/etc', which is not here/],
      [carrying({ width: 65_536 }), 2, /width must be a whole number from 16 to 8192/],
      [carrying({ steps: 1e9 }), 1, /field 'steps' of its recipe is wrong/],
      [carrying({ batch: { seed: 0, size: 2, index: 5 } }), 1, /field 'batch' of its recipe is wrong/],
      [carrying({ weights: 'f8e4m3' }), 2, /weights_dtype must be/],
    ];
    for (const [file, status, message] of cases) {
      writeFileSync(folder.file('case.png'), file);
      const finished = await commands.run(['redo', 'case.png', '--json'], { cwd: folder.path });
      assert.equal(finished.status, status, finished.stderr);
      assert.match(json(finished).error.message, message);
      assert.doesNotMatch(finished.stderr, /\n {4}at /);
    }
  });
});

describe('mistakes', () => {
  const mistakes: readonly [args: readonly string[], status: number, message: RegExp, hint: RegExp][] = [
    [['generate', 'widht=64'], 2, /unknown key 'widht'/, /did you mean 'width'/],
    [['generate', '--widht', '64'], 2, /unknown flag '--widht'/, /--width/],
    [['generate', 'width=65'], 2, /width must be .* divisible by 16, found 65/, /width=64 and width=80 would do/],
    [['generate', 'nope.yml'], 2, /no configuration file 'nope.yml'/, /base_flux_tiny.yml/],
    [['generate', 'prompt=a', 'b'], 2, /prompt is given twice/, /use only one/],
    [['generate', 'pretrained_model_name_or_path=nowhere'], 2, /no model folder 'nowhere'/, /=tiny/],
    [['generate', 'ici_data_parallelism=4'], 2, /asks for 4 devices/, /the number of devices, or one of the keys -1/],
    [['generat', 'a house'], 2, /no command 'generat'/, /did you mean 'generate'/],
    [['a red house'], 2, /no command 'a red house'/, /fluxion generate "a red house"/],
    [['redo'], 2, /which picture/, /fluxion redo/],
    [['inspect', 'nothing.png'], 2, /nothing\.png: no such file or folder/, /check the path/],
    [['plugins', 'instal'], 2, /no 'plugins instal'/, /plugins install/],
    [['plugins', 'install', 'cup'], 1, /no plugin is called 'cup'/, /'cpu'/],
    [['doctor', '--jsn'], 2, /unknown flag '--jsn'/, /--json/],
  ];
  for (const [args, status, message, hint] of mistakes) {
    test(`fluxion ${args.join(' ')}`, async () => {
      using folder = temporaryFolder();
      const finished = await commands.run(args, { cwd: folder.path });
      assert.equal(finished.status, status, finished.stderr);
      assert.match(finished.stderr, message);
      assert.match(finished.stderr.match(/^hint: (.*)$/m)?.[1] ?? '', hint);
      assert.equal(finished.stdout, '');
      assert.doesNotMatch(finished.stderr, /\n {4}at /, 'a stack trace');
      assert.deepEqual(readdirSync(folder.path), []);
    });
  }

  test('an output folder that cannot be written to is told before any work', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('taken'), '');
    const { status, stderr } = await commands.run(['generate', 'output_dir=taken/pictures'], { cwd: folder.path });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^error: cannot write pictures to taken.pictures: .*a file, not a folder\nhint: .*output_dir/);
  });

  test('are JSON with --json, and have their stack with FLUXION_LOG=debug', async () => {
    using folder = temporaryFolder();
    const finished = await fluxion(['generate', '--json', 'widht=64'], {
      cwd: folder.path,
      env: { FLUXION_LOG: 'debug' },
    });
    assert.equal(finished.status, 2);
    const { error } = json(finished);
    assert.deepEqual([error.code, error.message], ['bad_config', "the command line: unknown key 'widht'"]);
    assert.match(error.hint, /'width'/);
    assert.match(finished.stderr, /\n {4}at /);
  });
});

describe('the process', () => {
  const endless = [
    'generate',
    'resolution=64',
    'num_inference_steps=8',
    `seed=[${Array.from({ length: 900 }, (_, i) => i)}]`,
  ];

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} stops within a block, exits with ${status} and leaves no partial file`, async () => {
      using folder = temporaryFolder();
      const start = performance.now();
      const interrupt = { when: /^decode/m, signal };
      const finished = await fluxion([...endless, 'preview=step', '--json'], { cwd: folder.path, interrupt });
      assert.equal(finished.status, status, finished.stderr);
      assert.equal(json(finished).error.code, 'aborted');
      assert.ok(performance.now() - start < 60_000);
      for (const name of readdirSync(folder.path)) {
        assert.match(name, /^flux_(\d+|preview)\.png$/);
        assert.equal((await sharp(folder.file(name)).stats()).channels.length, 3);
      }
    });
  }

  test('a signal during a compilation is obeyed in seconds', async () => {
    using folder = temporaryFolder();
    const args = ['generate', 'width=528', 'height=144', 'jax_cache_dir=none'];
    const start = performance.now();
    const interrupt = { when: /^compile/m, signal: 'SIGINT' } as const;
    const { status, stderr } = await fluxion(args, { cwd: folder.path, interrupt });
    assert.equal(status, 130, stderr);
    assert.match(stderr, /stopped before it was done/);
    assert.ok(performance.now() - start < 30_000);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  test('a TPU that is not here is told in seconds, by generate and by doctor', async (t) => {
    const { path, present } = listPlugins().find(({ device }) => device === 'tpu')!;
    if (path === undefined || present) return t.skip('needs the TPU plugin, and no TPU');
    using folder = temporaryFolder();
    const start = performance.now();
    const { status, stderr } = await fluxion(['generate', 'hardware=tpu', ...CHEAP], { cwd: folder.path });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /^error: there is no Google TPU in this machine/m);
    const doctor = await fluxion(['doctor'], { cwd: folder.path });
    assert.match(doctor.stdout, /^warn plugin tpu .*there is no Google TPU in this machine/m);
    assert.ok(performance.now() - start < 60_000);
  });

  test('a reader that has gone is no failure', async () => {
    using folder = temporaryFolder();
    const { status, stderr } = await fluxion(['generate', ...CHEAP, '--quiet'], { cwd: folder.path, stdout: 'closed' });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    assert.deepEqual(readdirSync(folder.path), ['flux_0.png']);
  });

  test('results that cannot be written are a failure, told in one sentence', async (t) => {
    if (!existsSync('/dev/full')) return t.skip('no /dev/full here');
    const command = `"${process.execPath}" "${PROGRAM}" plugins list > /dev/full`;
    const { status, stderr } = await run('sh', ['-c', command], { cwd: repositoryPath('.') });
    assert.equal(status, 1);
    assert.match(stderr, /^error: standard output: the disk is full\nhint: .*\n$/);
  });

  test('tells how far an installation is in few lines where there is no terminal', async () => {
    const script = `
      import { Progress } from ${JSON.stringify(repositoryPath('src/cli/terminal/render.ts'))};
      const progress = Progress.for('shown');
      for (let mb = 0; mb <= 63; mb++) progress.activity(\`downloading xla-cpu-pjrt 0.0.1, \${mb} of 63 MB\`);
      progress.activity('verifying xla-cpu-pjrt 0.0.1, 3 s');`;
    const { stderr } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: repositoryPath('.') });
    assert.equal(stderr, 'downloading xla-cpu-pjrt 0.0.1, 0 of 63 MB\nverifying xla-cpu-pjrt 0.0.1, 3 s\n');
  });

  test('draws a progress line on a terminal and takes it away again', async (t) => {
    if (spawnSync('script', ['-qfc', 'true', '/dev/null']).status !== 0)
      return t.skip('there is no script(1) to make a terminal');
    using folder = temporaryFolder();
    const line = `stty cols 80; exec '${process.execPath}' '${PROGRAM}' generate seed='[1, 2, 3]' max_batch=1`;
    const env = { TERM: 'xterm', LC_ALL: 'C.UTF-8' };
    const { status, stdout } = await run('script', ['-qefc', line, '/dev/null'], { cwd: folder.path, env });
    assert.equal(status, 0, stdout);
    const drawn = [...stdout.matchAll(new RegExp(`\\r${ERASE}([^\\r]*)`, 'g'))].map(([, text]) => text!);
    assert.ok(
      drawn.some((text) => /^denoise {2}━+─* {2}\d\/8 {2}.* s\/step {2}.* left {2}picture \d\/3$/.test(text)),
      stdout,
    );
    assert.ok(
      drawn.every((text) => text.split('\n')[0]!.length < 80),
      stdout,
    );
    assert.match(stdout, new RegExp(`\\r${ERASE}flux_0\\.png\\r\\n`));
  });
});

describe('progressLine', () => {
  const state: RunState = {
    stage: 'denoise',
    elapsed: 1,
    step: 7,
    steps: 28,
    first: 2,
    last: 2,
    total: 3,
    secondsPerStep: 1.25,
  };

  test('fits every width, and keeps the count to the last', () => {
    for (let columns = 1; columns <= 200; columns++) {
      const line = progressLine(state, columns, 'ascii');
      assert.ok(line.length < columns, `${columns}: ${line}`);
      if (columns > 16) assert.match(line, /denoise.* 7\/28/);
    }
  });

  test('shows a bar in proportion, rate, time left over all batches, and the pictures', () => {
    assert.equal(
      progressLine(state, 120, 'ascii'),
      'denoise  ########------------------------  7/28  1.25 s/step  1:01 left  picture 2/3',
    );
    assert.equal(
      progressLine({ ...state, steps: 0, stage: 'compile', first: 1, last: 3 }, 80, 'ascii'),
      'compile  1.0 s',
    );
  });
});

describe('help', () => {
  test('every command has help with examples; generate lists the keys, and config those without effect', async () => {
    using folder = temporaryFolder();
    const help = async (...args: string[]) => succeeded(await commands.run(args, { cwd: folder.path })).stdout;
    assert.match(await help(), /fluxion generate "[\s\S]*doctor[\s\S]*help COMMAND/);
    assert.match(await help('help', 'environment'), /FLUXION_CACHE_DIR[\s\S]*Exit status/);
    assert.match(await help('--version'), /^fluxion \d+\.\d+\.\d+\nnode +v24\.[\s\S]*^cpu plugin /m);
    for (const command of Object.keys(COMMANDS)) {
      const text = await help(command, '--help');
      assert.match(
        text,
        new RegExp(`^fluxion ${command}[\\s\\S]*Examples\n {2}(echo .* \\| )?fluxion ${command}`),
        command,
      );
      assert.equal(text, await help('help', command));
    }
    assert.match(await help('help', 'config'), /--num-inference-steps N\n {6}Denoising steps/);
    assert.match(await help('help', 'config'), /Accepted without effect[\s\S]*snr_gamma/);
  });
});

describe('inspect, plugins and doctor', () => {
  test('inspect explains pictures, weights and model folders', async () => {
    using folder = temporaryFolder();
    succeeded(await commands.run(['generate', ...CHEAP, 'a red house'], { cwd: folder.path }));
    const inspect = async (...args: string[]) =>
      succeeded(await commands.run(['inspect', ...args], { cwd: folder.path }));
    assert.match(
      (await inspect('flux_0.png')).stdout,
      /prompt +a red house[\s\S]*parameters\n {2}a red house\n {2}Steps: 1, Sampler: Euler/,
    );
    const picture = json(await inspect('flux_0.png', '--json'));
    assert.deepEqual([picture['kind'], picture.recipe.prompt], ['picture', 'a red house']);
    const model = json(await inspect(repositoryPath('models/tiny'), '--json'));
    assert.equal(model.components.transformer.config.layers, 2);
    assert.ok(model.parameters > 7e6 && model.bytes > model.parameters);
    const weights = await inspect(repositoryPath('models/tiny/transformer'), '--keys');
    assert.match(weights.stdout, /Flux transformer, diffusers names[\s\S]*x_embedder\.weight +bf16 \[192, 64\]/);
    const layers = await inspect(repositoryPath('test/fixtures/checkpoint/comfy-quant.safetensors'));
    assert.match(
      layers.stdout,
      /tensors +12\n[\s\S]*dtypes .*nvfp4[\s\S]*\n {2}nvfp4\.padded\.weight +nvfp4 \[130, 71\]/,
    );
  });

  test('inspect shows control characters of strangers as escapes', async () => {
    using folder = temporaryFolder();
    const plain = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    writeFileSync(folder.file('evil.png'), addTexts(plain, { parameters: 'a\x1b]0;owned\x07b' }));
    const { stdout } = succeeded(await commands.run(['inspect', 'evil.png'], { cwd: folder.path }));
    assert.doesNotMatch(stdout, CONTROL);
    assert.match(stdout, /a\\u\{1b\}\]0;owned/);
  });

  test('plugins list knows every device, and the one that the tests run on is installed', async () => {
    using folder = temporaryFolder();
    const { plugins } = json(succeeded(await commands.run(['plugins', 'list', '--json'], { cwd: folder.path })));
    const devices = plugins.map(({ device }) => device);
    assert.deepEqual([...new Set(devices)].toSorted(), ['cpu', 'cuda', 'metal', 'rocm', 'tpu', 'xpu']);
    assert.match((await commands.run(['plugins', 'list'], { cwd: folder.path })).stdout, /^cpu .*$/m);
  });

  test('doctor finds this machine fit, and a plugin that is none unfit', async () => {
    using folder = temporaryFolder();
    const fit = json(succeeded(await commands.run(['doctor', '--json'], { cwd: folder.path })));
    const named = Object.fromEntries(fit.checks.map(({ name, status }) => [name, status]));
    for (const name of ['node', 'cache folder', 'plugin cpu', 'pictures', 'bundled model'])
      assert.equal(named[name], 'ok', name);
    writeFileSync(folder.file('cache'), 'a file where a folder is wanted');
    const unfit = await commands.run(['doctor'], {
      cwd: folder.path,
      env: { FLUXION_CACHE_DIR: folder.file('cache') },
    });
    assert.equal(unfit.status, 1, unfit.stdout);
    assert.match(unfit.stdout, /^fail +cache folder .*cannot be written[\s\S]*FLUXION_CACHE_DIR/m);
  });
});

describe('parity with diffusers through the command line', () => {
  for (const given of parityCases().filter(({ name }) => ['tiny-wide-one-step', 'random-guidance-7'].includes(name))) {
    test(given.name, async () => {
      using folder = temporaryFolder();
      using recorded = new Fixture(given.name);
      const settings = {
        pretrained_model_name_or_path: repositoryPath(given.model),
        prompt: given.prompts[0],
        width: given.width,
        height: given.height,
        num_inference_steps: given.num_inference_steps,
        guidance_scale: given.guidance_scale,
        max_sequence_length: given.max_sequence_length,
        seed: given.seeds[0],
        weights_dtype: 'float32',
        activations_dtype: 'float32',
        noise: 'torch',
        hardware: 'cpu',
      };
      const words = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
      succeeded(await commands.run(['generate', ...words], { cwd: folder.path }));
      const pixels = await sharp(folder.file('flux_0.png')).raw().toBuffer();
      assertImagesClose(given.name, pixels, recorded.u8('image'));
    });
  }
});
