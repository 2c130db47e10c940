/** What people type, through to the picture: defaults of a copied model, random seeds, encodings, several prompts and the user's own file. */

import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import { PROGRAM, recipeOf, run, succeeded, temporaryFolder } from '../support/command-line.ts';
import { Commands } from '../support/commands.ts';
import { repositoryPath } from '../support/fixture.ts';

const CHEAP = ['size=64x64', 'steps=1', 'hardware=cpu'];

const commands = new Commands();
after(() => commands[Symbol.asyncDispose]());

describe('a model', () => {
  test('makes the same picture from a copy, by its name, and without a name', async () => {
    using folder = temporaryFolder();
    const copy = folder.file('my-copy');
    cpSync(repositoryPath('models/tiny'), copy, { recursive: true });
    for (const model of [[], ['model=tiny'], [`model=${copy}`]])
      succeeded(await commands.run(['generate', 'a red house', ...model, 'hardware=cpu'], { cwd: folder.path }));
    const paths = ['flux_0.png', 'flux_1.png', 'flux_2.png'].map((name) => folder.file(name));
    const asked = paths.map(recipeOf).map(({ steps, guidance, maxSequenceLength, width, shift }) => ({
      steps,
      guidance,
      maxSequenceLength,
      width,
      shift,
    }));
    assert.equal(asked[0]!.maxSequenceLength, 32);
    assert.deepEqual(asked[1], asked[0]);
    assert.deepEqual(asked[2], asked[0]);
    const pixels = await Promise.all(paths.map((path) => sharp(path).raw().toBuffer()));
    assert.deepEqual(pixels[1], pixels[0]);
    assert.deepEqual(pixels[2], pixels[0]);
  });

  test('that ignores guidance says so, once', async () => {
    using folder = temporaryFolder();
    const { stderr } = succeeded(
      await commands.run(['generate', 'a house', 'guidance=3.5', 'seed=1,2', ...CHEAP], { cwd: folder.path }),
    );
    assert.equal(stderr.match(/guidance 3\.5 has no effect: the model has no guidance embedding/g)?.length, 1);
  });
});

describe('seeds and prompts', () => {
  test('a random seed is told, recorded and made again', async () => {
    using folder = temporaryFolder();
    const first = succeeded(
      await commands.run(['generate', 'a house', '--seed', '-1', ...CHEAP], { cwd: folder.path }),
    );
    const again = succeeded(await commands.run(['generate', 'a house', 'seed=random', ...CHEAP], { cwd: folder.path }));
    const [one, two] = ['flux_0.png', 'flux_1.png'].map((name) => recipeOf(folder.file(name)).seed);
    assert.notEqual(one, two);
    assert.ok(Number.isInteger(one) && Number(one) >= 0 && Number(one) < 2 ** 32);
    assert.match(first.stderr, new RegExp(`flux_0\\.png: seed ${one}\n`));
    assert.match(again.stderr, new RegExp(`flux_1\\.png: seed ${two}\n`));
    assert.match(
      succeeded(await commands.run(['redo', 'flux_0.png', '--check'], { cwd: folder.path })).stdout,
      /identical/,
    );
  });

  test('several prompts and seeds make numbered pictures, one after another', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('mine.txt'), '# mine\na red house\n\na café\n');
    const made = await commands.run(['generate', '--prompts', 'mine.txt', 'seed=1,2', ...CHEAP, '--json'], {
      cwd: folder.path,
    });
    const { files } = JSON.parse(succeeded(made).stdout) as { files: { prompt: string; seed: number; path: string }[] };
    assert.deepEqual(
      files.map(({ path, prompt, seed }) => [path, prompt, seed]),
      [
        ['flux_0.png', 'a red house', 1],
        ['flux_1.png', 'a red house', 2],
        ['flux_2.png', 'a café', 1],
        ['flux_3.png', 'a café', 2],
      ],
    );
  });

  test('an argument that is no UTF-8 is refused with its byte; a replacement character that was typed is none', async (t) => {
    if (process.platform !== 'linux') return t.skip('other systems do not tell the bytes');
    using folder = temporaryFolder();
    const typed = (bytes: string) =>
      run('sh', ['-c', `exec "$0" "$1" generate --dry-run "$(printf '${bytes}')"`, process.execPath, PROGRAM], {
        cwd: folder.path,
      });
    const refused = await typed('caf\\351');
    assert.equal(refused.status, 2, refused.stderr);
    assert.match(refused.stderr, /argument 3: expected UTF-8 text, found byte 0xE9 at byte 4, which is 'é' in Latin-1/);
    succeeded(await typed('caf\\357\\277\\275'));
  });

  test('help explains a key by any of its names', async () => {
    using folder = temporaryFolder();
    const { stdout } = succeeded(await commands.run(['help', 'steps'], { cwd: folder.path }));
    assert.match(stdout, /^num_inference_steps: Denoising steps\.[\s\S]*from 1 to 1000[\s\S]*example/);
  });
});

describe("the user's own file", () => {
  test('sets what nothing else does, is told with --json, and is left out with --no-config', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('own.yml'), 'output_dir: pictures\nsize: 64x64\nsteps: 1\nhardware: cpu\n');
    const options = { cwd: folder.path, env: { FLUXION_CONFIG: folder.file('own.yml') } };
    const { stdout } = succeeded(await commands.run(['generate', 'a house', '--json'], options));
    const { files, personal_config } = JSON.parse(stdout) as { files: { path: string }[]; personal_config: string };
    assert.equal(files[0]!.path, 'pictures/flux_0.png');
    assert.equal(personal_config, folder.file('own.yml'));
    const without = succeeded(await commands.run(['generate', 'a house', '--no-config', ...CHEAP], options));
    assert.equal(without.stdout, 'flux_0.png\n');
    writeFileSync(folder.file('own.yml'), 'stepz: 1\n');
    const wrong = await commands.run(['generate', 'a house'], options);
    assert.equal(wrong.status, 2);
    assert.match(wrong.stderr, /own\.yml:1: unknown key 'stepz'\nhint: did you mean 'steps'/);
  });
});
