/** What people see in a terminal: pictures in it, completions, and the lists of what is here. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import { COMMANDS } from '../../src/cli/commands.ts';
import { KEY_NAMES } from '../../src/config/keys.ts';
import { flagName } from '../../src/config/schema.ts';
import { type Finished, fluxion, run, succeeded, temporaryFolder } from '../support/command-line.ts';
import { Commands } from '../support/commands.ts';
import { repositoryPath } from '../support/fixture.ts';
import { canMakeTerminals, inTerminal } from '../support/terminal.ts';

const ESC = String.fromCharCode(27);
const CHEAP = ['generate', '--quiet', 'steps=1', 'green hills at sunrise'];

const commands = new Commands();
after(() => commands[Symbol.asyncDispose]());

/** How far two pictures' pixels are apart at the most, on average. */
async function distance(a: Buffer | string, b: Buffer | string): Promise<number> {
  const [x, y] = await Promise.all(
    [a, b].map((picture) => sharp(picture).resize(128, 128, { fit: 'fill' }).removeAlpha().raw().toBuffer()),
  );
  return x!.reduce((sum, value, i) => sum + Math.abs(value - y![i]!), 0) / x!.length;
}

/** Draws sixels, as a terminal does: https://vt100.net/docs/vt3xx-gp/chapter14.html */
function drawn(text: string): { data: Buffer; width: number; height: number } {
  const [, w, h, body] = new RegExp(`${ESC}Pq"1;1;(\\d+);(\\d+)([^${ESC}]*)${ESC}\\\\`).exec(text)!;
  const [width, height] = [Number(w), Number(h)];
  const data = Buffer.alloc(width * height * 3);
  const palette = new Map<number, number[]>();
  let [x, y, colour] = [0, 0, 0];
  for (const [, set, r, g, b, count, many, one, special] of body!.matchAll(
    /#(\d+)(?:;2;(\d+);(\d+);(\d+))?|!(\d+)([?-~])|([?-~])|([$-])/g,
  )) {
    if (set !== undefined) {
      colour = Number(set);
      if (r !== undefined)
        palette.set(
          colour,
          [r, g, b].map((part) => Math.round((Number(part) * 255) / 100)),
        );
    } else if (special !== undefined) {
      x = 0;
      if (special === '-') y += 6;
    } else {
      for (let i = Number(count ?? 1); i > 0; i--, x++) {
        for (let row = 0; row < 6; row++) {
          if (((many ?? one)!.charCodeAt(0) - 63) & (1 << row))
            data.set(palette.get(colour)!, 3 * ((y + row) * width + x));
        }
      }
    }
  }
  return { data, width, height };
}

describe('pictures in the terminal', { skip: !canMakeTerminals && 'there is no Python with pty' }, () => {
  test('as kitty, iTerm2 and sixels have them: what a terminal decodes is the picture', async () => {
    using folder = temporaryFolder();
    const place = { cwd: folder.path };
    const kitty = succeeded(await inTerminal(CHEAP, { ...place, env: { TERM: 'xterm-kitty' } })).stdout;
    assert.ok(kitty.startsWith(`flux_0.png\r\n${ESC}_Ga=T,f=100,`), kitty.slice(0, 200));
    const pieces = [...kitty.matchAll(new RegExp(`${ESC}_G([^;]*);([^${ESC}]*)${ESC}\\\\`, 'g'))];
    assert.ok(pieces.every(([, , piece]) => piece!.length <= 4096) && pieces.at(-1)![1] === 'm=0');
    const png = Buffer.from(pieces.map(([, , piece]) => piece).join(''), 'base64');
    assert.ok((await distance(png, folder.file('flux_0.png'))) < 2);

    const iterm = succeeded(
      await inTerminal(CHEAP, { ...place, env: { TERM: 'xterm', TERM_PROGRAM: 'iTerm.app' } }),
    ).stdout;
    const [, size, data] = new RegExp(`${ESC}\\]1337;File=inline=1;size=(\\d+);[^:]*:([^\\x07]*)\\x07`).exec(iterm)!;
    const file = Buffer.from(data!, 'base64');
    assert.equal(file.length, Number(size));
    assert.ok((await distance(file, folder.file('flux_1.png'))) < 2);

    const answer = '\\x1b[?62;4;22c';
    const sixel = succeeded(await inTerminal(CHEAP, { ...place, env: { TERM: 'xterm' }, answer })).stdout;
    const { data: pixels, ...raw } = drawn(sixel);
    const again = await sharp(pixels, { raw: { ...raw, channels: 3 } })
      .png()
      .toBuffer();
    assert.ok((await distance(again, folder.file('flux_2.png'))) < 4);
  });

  test('not where they cannot be shown or are not wanted, and no terminal is waited for', async () => {
    using folder = temporaryFolder();
    const kitty = { TERM: 'xterm-kitty' };
    const cases: [env: Record<string, string>, answer: string, more: string[]][] = [
      [{ TERM: 'xterm' }, '\\x1b[?62;22c', []],
      [{ TERM: 'xterm' }, '', []],
      [{ ...kitty, NO_COLOR: '1' }, '', []],
      [{ ...kitty, CI: 'true' }, '', []],
      [{ TERM: 'dumb', TERM_PROGRAM: 'iTerm.app' }, '', []],
      [{ TERM: 'tmux-256color', TMUX: '/tmp/x', KITTY_WINDOW_ID: '1' }, '\\x1b[?1;2c', []],
      [kitty, '', ['show=off']],
    ];
    for (const [env, answer, more] of cases) {
      const { stdout } = succeeded(
        await inTerminal([...CHEAP, 'resolution=64', ...more], { cwd: folder.path, env, answer }),
      );
      assert.match(
        stdout.replaceAll(`${ESC}[c`, ''),
        /^(\^\[\[\?[\d;]*c)?flux_\d+\.png\r\n$/,
        JSON.stringify({ env, more }),
      );
    }
    const piped = succeeded(await fluxion([...CHEAP, 'show=kitty'], { cwd: folder.path, env: kitty }));
    assert.match(piped.stdout, /^flux_\d+\.png\n$/);
  });

  test('not from the background, which a question to the terminal would stop', async () => {
    using folder = temporaryFolder();
    const given = { cwd: folder.path, env: { TERM: 'xterm' }, ground: 'background' } as const;
    const { stdout } = succeeded(await inTerminal(CHEAP, given));
    assert.equal(stdout, 'flux_0.png\r\n');
  });
});

describe('completions', () => {
  /** What bash offers for the last of the words, split as bash splits them. */
  async function offered(folder: string, ...words: string[]): Promise<string[]> {
    const { stdout: script } = succeeded(await commands.run(['completions', 'bash'], { cwd: folder }));
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const ask = `${script}\nCOMP_WORDS=(fluxion ${quoted}); COMP_CWORD=${words.length}; _fluxion; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = succeeded(await run('bash', ['-c', ask], { cwd: folder }));
    return stdout.split('\n').filter((line) => line !== '');
  }

  test('bash: commands, flags, keys, values and files', async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('picture.png'), '');
    const at = (...words: string[]) => offered(folder.path, ...words);
    assert.deepEqual(await at('gen'), ['generate']);
    assert.deepEqual(await at('generate', 'att'), ['attention=']);
    assert.deepEqual(await at('generate', 'attention', '=', 'fl'), ['flash']);
    assert.deepEqual(await at('generate', 'weights_dtype', '='), ['bfloat16', 'float32', 'float16']);
    assert.deepEqual(await at('generate', '--attention', 'fl'), ['flash']);
    assert.deepEqual(await at('redo', 'pic'), ['picture.png']);
    assert.deepEqual(await at('redo', '--che'), ['--check']);
    assert.deepEqual(await at('convert', '--type', 'q8'), ['q8_0']);
    assert.deepEqual(await at('generate', '--overwrite', 'pic'), ['picture.png']);
    assert.deepEqual(await at('plugins', 'i'), ['install']);
    assert.deepEqual(await at('models', ''), []);
  });

  test('all shells: every command and key, and nothing but text', async () => {
    using folder = temporaryFolder();
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { stdout } = succeeded(await commands.run(['completions', shell], { cwd: folder.path }));
      for (const name of Object.keys(COMMANDS)) assert.match(stdout, new RegExp(`\\b${name}\\b`), `${shell}: ${name}`);
      for (const key of KEY_NAMES)
        assert.ok(stdout.includes(key) && stdout.includes(flagName(key)), `${shell}: ${key}`);
      // Where the shell is here, it reads the script.
      const read = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
      if (read.error === undefined) assert.equal(read.stderr, '', shell);
    }
  });
});

describe('lists', () => {
  const json = (finished: Finished) => JSON.parse(succeeded(finished).stdout) as Record<string, never>;

  test('models: bundled, whole and partly downloaded, of other kinds, and those not here', async () => {
    using folder = temporaryFolder();
    const hub = folder.file('hub');
    const snapshot = (repo: string) => `${hub}/models--${repo.replace('/', '--')}/snapshots/${'a'.repeat(40)}`;
    const main = (repo: string) => {
      mkdirSync(`${hub}/models--${repo.replace('/', '--')}/refs`, { recursive: true });
      writeFileSync(`${hub}/models--${repo.replace('/', '--')}/refs/main`, 'a'.repeat(40));
    };
    for (const repo of ['org/whole', 'org/partly']) {
      cpSync(repositoryPath('models/tiny'), snapshot(repo), { recursive: true });
      main(repo);
    }
    rmSync(`${snapshot('org/partly')}/vae`, { recursive: true });
    mkdirSync(snapshot('org/style'), { recursive: true });
    copyFileSync(
      repositoryPath('models/tiny-lora/pytorch_lora_weights.safetensors'),
      `${snapshot('org/style')}/style.safetensors`,
    );
    mkdirSync(snapshot('org/other'), { recursive: true });
    writeFileSync(`${snapshot('org/other')}/model_index.json`, '{"_class_name": "StableDiffusionPipeline"}');
    writeFileSync(`${snapshot('org/other')}/x.safetensors`, '');
    mkdirSync(`${hub}/models--\u001b[31mevil--x/snapshots/${'b'.repeat(40)}`, { recursive: true });
    const env = { HF_HUB_CACHE: hub };
    const { models } = json(await commands.run(['models', '--json'], { cwd: folder.path, env })) as unknown as {
      models: { name: string; state: string; bytes: number; missing?: string[] }[];
    };
    const states = Object.fromEntries(models.map(({ name, state }) => [name, state]));
    assert.deepEqual(
      [
        states['tiny'],
        states['org/whole'],
        states['org/partly'],
        states[`org/style@${'a'.repeat(40)}`],
        states[`org/other@${'a'.repeat(40)}`],
      ],
      ['ready', 'ready', 'partial', 'other', 'other'],
    );
    assert.equal(states['black-forest-labs/FLUX.1-schnell'], 'remote');
    assert.ok(models.find(({ name }) => name === 'org/partly')!.missing!.some((file) => file.startsWith('vae/')));
    const weights = statSync(repositoryPath('models/tiny/transformer/diffusion_pytorch_model.safetensors')).size;
    assert.ok(models.every(({ bytes, state }) => state !== 'ready' || bytes > weights));
    const { stdout } = succeeded(await commands.run(['models'], { cwd: folder.path, env }));
    assert.match(stdout, /^tiny +ready +[\d.]+ MiB /m);
    assert.match(stdout, /^org\/partly +partial +[\d.]+ MiB +lacks vae\/config\.json/m);
    assert.doesNotMatch(stdout, /[^\P{Cc}\n]/u);
  });

  test('loras: those in lora_dir and its folders, the bundled one, and what is none', async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('loras/sub'), { recursive: true });
    copyFileSync(
      repositoryPath('models/tiny-lora/pytorch_lora_weights.safetensors'),
      folder.file('loras/sub/night.safetensors'),
    );
    writeFileSync(folder.file('loras/broken.safetensors'), 'nothing');
    const { stdout } = succeeded(await commands.run(['loras', 'loras'], { cwd: folder.path }));
    assert.match(stdout, /^sub\/night +485 KiB +diffusers, rank 8; 49 modules of the transformer$/m);
    assert.match(stdout, /^tiny-lora +485 KiB +diffusers, rank 8/m);
    assert.match(stdout, /^broken +7 B +7 bytes are too few/m);
    const { loras } = json(
      await commands.run(['loras', 'lora_dir=loras', '--json'], { cwd: folder.path }),
    ) as unknown as {
      loras: { name: string; lora?: { ranks: number[] } }[];
    };
    assert.deepEqual(
      loras.map(({ name, lora }) => [name, lora?.ranks]),
      [
        ['broken', undefined],
        ['sub/night', [8]],
        ['tiny-lora', [8]],
      ],
    );
    const absent = await commands.run(['loras', 'nowhere', '--json'], { cwd: folder.path });
    assert.deepEqual(
      [absent.status, (JSON.parse(absent.stdout) as { error: { code: string } }).error.code],
      [2, 'not_found'],
    );
  });

  test('history: pictures with recipes, newest first, of those asked for; others are passed over', async () => {
    using folder = temporaryFolder();
    succeeded(await commands.run([...CHEAP, 'seed=1'], { cwd: folder.path }));
    succeeded(await commands.run([...CHEAP, 'seed=2'], { cwd: folder.path }));
    writeFileSync(folder.file('broken.png'), 'no picture');
    const { stdout } = succeeded(await commands.run(['history'], { cwd: folder.path }));
    assert.match(
      stdout,
      /flux_1\.png {2}seed 2, 128×128, 1 step, tiny\n {4}green hills at sunrise\n.*flux_0\.png {2}seed 1/,
    );
    const { pictures } = json(
      await commands.run(['history', '--limit', '1', '--json'], { cwd: folder.path }),
    ) as unknown as {
      pictures: { path: string; recipe: { seed: number } }[];
    };
    assert.deepEqual(
      pictures.map(({ path, recipe }) => [path, recipe.seed]),
      [['flux_1.png', 2]],
    );
    const file = await commands.run(['history', 'broken.png'], { cwd: folder.path });
    assert.equal(file.status, 2);
    assert.match(file.stderr, /expected a folder, found a file/);
  });
});

describe('a model that knows little', () => {
  test('says once what it was not trained for, and nothing of what it was', async () => {
    using folder = temporaryFolder();
    const make = (...args: string[]) => commands.run(['generate', 'steps=1', ...args], { cwd: folder.path });
    const outside = succeeded(await make('a dragon over a castle, 4k', 'seed=1,2', 'size=64x128')).stderr;
    assert.deepEqual(outside.match(/^warning: tiny was trained on .*/gm)!.length, 1);
    assert.match(outside, /does not know 'dragon', 'castle' or pictures of 64×128;/);
    assert.doesNotMatch(
      succeeded(await make('Two red Houses in the mountains')).stderr.replace("'two'", ''),
      /'red'|'houses'/,
    );
    assert.doesNotMatch(succeeded(await make('A red house, in the mountains at sunset!')).stderr, /trained/);
    // Weights that are not the bundled ones have another scope.
    const other = succeeded(await make('a dragon', `model=${repositoryPath('test/fixtures/random-flux')}`, 'size=64'));
    assert.doesNotMatch(other.stderr, /trained/);
    assert.ok(readdirSync(folder.path).length >= 5);
  });
});
