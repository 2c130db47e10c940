/** Where pictures are written, what they tell of the machine, and how redo finds the files they were made with. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import sharp from 'sharp';
import { Image } from '../../src/picture/image.ts';
import { readRecipe, requireRecipe } from '../../src/pipeline/recipe.ts';
import { cacheFolder } from '../../src/support/cache-folder.ts';
import { type Finished, fluxion, PROGRAM, temporaryFolder } from '../support/command-line.ts';
import { Commands } from '../support/commands.ts';
import { ModelFolders } from '../support/condition-cases.ts';
import { repositoryPath } from '../support/fixture.ts';
import { HubServer } from '../support/hub-server.ts';

const CHEAP = ['resolution=64', 'num_inference_steps=1', '--quiet'];
const LORA = repositoryPath('models/tiny-lora/pytorch_lora_weights.safetensors');
const TRANSFORMER = repositoryPath('models/tiny/transformer/diffusion_pytorch_model.safetensors');

const commands = new Commands();
after(() => commands[Symbol.asyncDispose]());

function ended(finished: Finished, status = 0): Finished {
  assert.equal(finished.status, status, `${finished.stdout}\n${finished.stderr}`);
  return finished;
}

/** A folder to work in, and two caches with the plugins and programs of the machine's own: one remembers files seen here alone, one nothing. */
function place() {
  const folder = temporaryFolder();
  const [forgetful, own] = ['.forgetful', '.forgetful/own'].map((name) => {
    const cache = folder.file(name);
    mkdirSync(cache);
    for (const part of ['plugins', 'plugins.json', 'executables', 'code']) {
      if (existsSync(join(cacheFolder(), part))) symlinkSync(join(cacheFolder(), part), join(cache, part));
    }
    return cache;
  }) as [string, string];
  return {
    ...folder,
    run: (args: readonly string[], cwd = folder.path) => commands.run(args, { cwd, env: { FLUXION_CACHE_DIR: own } }),
    forgetful(args: readonly string[], cwd = folder.path) {
      rmSync(join(forgetful, 'seen'), { recursive: true, force: true });
      return commands.run(args, { cwd, env: { FLUXION_CACHE_DIR: forgetful } });
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** The words of a hint after the picture's name, up to a comma. */
function hinted(stderr: string, picture: string): string[] {
  const [, words] = new RegExp(`hint: say where: fluxion redo ${picture} ([^,\\n]+)`).exec(stderr) ?? [];
  assert.ok(words, stderr);
  return words.split(' ');
}

test('redo finds ControlNets and Redux by their content, several in their order, or asks for them', async () => {
  using here = place();
  using folders = new ModelFolders();
  const models = repositoryPath('test/fixtures/conditions/models');
  for (const name of ['controlnet', 'controlnet-union', 'redux'])
    cpSync(join(models, name), here.file(`nets/${name}`), { recursive: true });
  for (const name of ['lines.png', 'house.png'])
    cpSync(repositoryPath(`test/fixtures/conditions/${name}`), here.file(`given/${name}`));
  const nets = ['controlnet=nets/controlnet-union', 'controlnet=nets/controlnet', 'redux=nets/redux'];
  const pictures = ['control_image=given/lines.png', 'control_image=given/house.png', 'redux_image=given/house.png'];
  const model = `model=${folders.whole('test/fixtures/conditions/models/deep')}`;
  const size = ['width=48', 'height=32', 'steps=1', 'max_sequence_length=8', '--quiet'];
  ended(await here.run(['generate', 'a house', model, ...nets, ...pictures, 'control_mode=2,null', ...size]));
  const check = ['redo', 'flux_0.png', model, '--check', '--quiet'];
  // Below this folder.
  assert.equal(ended(await here.forgetful(check)).stdout, 'flux_0.png: identical\n');
  renameSync(here.file('nets'), here.file('elsewhere'));
  renameSync(here.file('elsewhere/controlnet-union'), here.file('elsewhere/other-name'));
  // Known from before, but no longer there.
  const { stderr } = ended(await here.forgetful(check), 2);
  assert.match(stderr, /made with the controlnet 'controlnet-union', which is not here\n.*controlnet=PATH/s);
  const found = ['controlnet=elsewhere/other-name', 'controlnet=elsewhere/controlnet'];
  // Another name is another recipe.
  assert.match(ended(await here.forgetful([...check, ...found]), 1).stdout, /the same pixels, in other bytes/);
});

test('redo downloads no network that a picture names', async () => {
  using here = place();
  await using hub = await HubServer.start({});
  ended(await here.run(['generate', 'a house', ...CHEAP]));
  const recipe = requireRecipe(readFileSync(here.file('flux_0.png')), 'flux_0.png');
  for (const [option, name] of [
    ['controlnet', 'some/net'],
    ['redux', 'some/other'],
  ] as const) {
    const model = { ...recipe.model, beside: { [option]: [{ name, hash: 'a4d0a4d0a4d0' }] } };
    const pixels = { width: 1, height: 1, data: new Uint8Array(3) };
    await new Image(pixels, { ...recipe, model }).save(here.file('given.png'));
    const env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: here.file('hub') };
    const { stderr } = ended(await commands.run(['redo', 'given.png'], { cwd: here.path, env }), 2);
    assert.match(stderr, new RegExp(`the ${option} '${name}', which is not here`));
    assert.deepEqual(hinted(stderr, 'given.png'), [`${option}=${name}`]);
  }
  assert.deepEqual(hub.requests, []);
});

describe('redo of a picture made with a LoRA and another transformer', () => {
  test('finds them where they were, beside the picture and below; else its hint works as it stands', async () => {
    using here = place();
    const [first, second, loras, elsewhere] = ['a', 'b', 'styles', 'elsewhere'].map((name) => here.file(name)) as [
      string,
      string,
      string,
      string,
    ];
    for (const folder of [first, second, loras, elsewhere]) mkdirSync(folder);
    cpSync(LORA, join(loras, 'ink.safetensors'));
    cpSync(TRANSFORMER, join(loras, 'other.safetensors'));
    const words = ['--lora', '../styles/ink.safetensors:0.8', 'transformer=../styles/other.safetensors'];
    ended(await here.run(['generate', ...CHEAP, 'a house', ...words], first));
    const check = ['redo', 'flux_0.png', '--check', '--quiet'];
    cpSync(join(first, 'flux_0.png'), join(second, 'flux_0.png'));
    // Seen before on this machine.
    assert.equal(ended(await here.run(check, second)).stdout, 'flux_0.png: identical\n');
    // Not seen, and not near: the hint, word by word.
    const missing = ended(await here.forgetful(check, second), 2);
    assert.match(
      missing.stderr,
      /was made with the transformer 'other\.safetensors' and the LoRA 'ink', which are not here/,
    );
    const hint = hinted(missing.stderr, 'flux_0.png');
    assert.deepEqual(hint, ['transformer=PATH', 'lora_dir=FOLDER']);
    const followed = hint.map((word) =>
      word.replace('PATH', join(loras, 'other.safetensors')).replace('FOLDER', loras),
    );
    const [, instead = ''] = /in place of lora_dir: (.*)/.exec(missing.stderr) ?? [];
    assert.equal(instead, '--lora PATH:0.8');
    const lora = instead.replace('PATH', join(loras, 'ink.safetensors')).split(' ');
    ended(await here.forgetful([...check, followed[0]!, ...lora], second));
    // A file of that name with other content is not the one.
    renameSync(join(loras, 'ink.safetensors'), join(elsewhere, 'ink.safetensors'));
    cpSync(TRANSFORMER, join(second, 'ink.safetensors'));
    ended(await here.forgetful([...check, followed[0]!], second), 2);
  });

  test('keeps the names that LoRAs were given, and finds models in folders', async () => {
    using here = place();
    cpSync(repositoryPath('models/tiny'), here.file('mine'), { recursive: true });
    cpSync(LORA, here.file('x.safetensors'));
    const lists =
      '{lora_model_name_or_path: [x.safetensors], weight_name: [null], adapter_name: [style], scale: [0.5], from_pt: [true]}';
    ended(
      await here.run(['generate', ...CHEAP, 'a house', 'pretrained_model_name_or_path=mine', `lora_config=${lists}`]),
    );
    mkdirSync(here.file('b'));
    renameSync(here.file('flux_0.png'), here.file('b/p.png'));
    ended(await here.forgetful(['redo', 'b/p.png', '--check', '--quiet']));
    const { stderr } = ended(await here.forgetful(['redo', 'p.png', '--check', '--quiet'], here.file('b')), 2);
    const folder = {
      FOLDER: here.path,
      'pretrained_model_name_or_path=FOLDER': `pretrained_model_name_or_path=${here.file('mine')}`,
    };
    const followed = hinted(stderr, 'p.png').map((word) =>
      word.startsWith('pretrained')
        ? folder['pretrained_model_name_or_path=FOLDER']
        : word.replace('FOLDER', folder.FOLDER),
    );
    ended(await here.forgetful(['redo', 'p.png', '--check', '--quiet', ...followed], here.file('b')));
  });

  test('recipes carry nothing of where files lie', async () => {
    using here = place();
    const home = here.file('home-of-ada');
    mkdirSync(join(home, 'models'), { recursive: true });
    cpSync(repositoryPath('models/tiny'), join(home, 'models/mine'), { recursive: true });
    cpSync(LORA, join(home, 'ink.safetensors'));
    const env = { HOME: home, FLUXION_CACHE_DIR: cacheFolder() };
    const words = [
      'pretrained_model_name_or_path=~/models/mine',
      `flux_name=~ada/models/mine`,
      '--lora',
      '~/ink.safetensors',
      'output_dir=~/out',
    ];
    const made = ended(
      await fluxion(['generate', ...CHEAP, 'a house', ...words, `transformer=~/models/mine/transformer`], {
        cwd: here.path,
        env,
      }),
    );
    assert.equal(made.stdout, `${join(home, 'out/flux_0.png')}\n`);
    const { recipe, parameters } = readRecipe(readFileSync(join(home, 'out/flux_0.png')), 'x');
    const told = JSON.stringify(recipe) + parameters;
    assert.ok(!/ada|home-of|~/.test(told), told);
    ended(await fluxion(['redo', 'out/flux_0.png', '--check', '--quiet'], { cwd: home, env }));
  });
});

describe('-o', () => {
  test('names the file, in any format; redo works from each, and --check in its format', async () => {
    using here = place();
    for (const name of ['house.jpg', 'house.webp']) {
      assert.equal(ended(await here.run(['generate', ...CHEAP, 'a house', '-o', name])).stdout, `${name}\n`);
      const format = (await sharp(here.file(name)).metadata()).format;
      assert.equal(format, name.endsWith('webp') ? 'webp' : 'jpeg');
      assert.equal(requireRecipe(readFileSync(here.file(name)), name).prompt, 'a house');
      assert.equal(ended(await here.run(['redo', name, '--check', '--quiet'])).stdout, `${name}: identical\n`);
    }
    const again = ended(await here.run(['generate', ...CHEAP, 'a house', '--output', 'house.jpg']), 2);
    assert.match(again.stderr, /house\.jpg already exists/);
    ended(await here.run(['redo', 'house.webp', '-o', 'new/again.PNG', '--quiet']));
    assert.ok(existsSync(here.file('new/again.PNG')));
    assert.match(
      ended(await here.run(['inspect', 'house.webp'])).stdout,
      /WebP, 64×64[\s\S]*again: fluxion redo house\.webp/,
    );
  });

  test('numbers several pictures, where {i} stands or behind the name, and takes folders', async () => {
    using here = place();
    const two = ['generate', ...CHEAP, 'a house', 'seed=[1, 2]', '-o'];
    assert.equal(ended(await here.run([...two, 'p/a_{i}.jpg'])).stdout, 'p/a_0.jpg\np/a_1.jpg\n');
    assert.equal(ended(await here.run([...two, 'p/b.png'])).stdout, 'p/b.png\np/b_1.png\n');
    assert.equal(ended(await here.run([...two, 'p/a_{i}.jpg'])).stdout, 'p/a_2.jpg\np/a_3.jpg\n');
    assert.equal(ended(await here.run([...two, 'p'])).stdout, 'p/flux_0.png\np/flux_1.png\n');
  });

  test('what is no name of a picture is asked about before any work', async () => {
    using here = place();
    const cases: [string[], number, RegExp][] = [
      [['output_dir=house.png'], 2, /output_dir=house\.png: .*\nhint: did you mean -o house\.png\?/],
      [['-o', 'house.gif'], 2, /cannot write 'house\.gif': expected \.png, \.jpg or \.webp/],
      [['-o', 'x.png', 'output_dir=y'], 2, /both say where/],
      [['-o', 'gs://bucket/x.png'], 2, /gs:\/\/bucket/],
      [['output_dir=gs://bucket'], 2, /gcsfuse/],
      ...(existsSync('/proc/self')
        ? ([[['output_dir=/proc/x'], 1, /cannot write pictures to \/proc\/x/]] as [string[], number, RegExp][])
        : []),
    ];
    for (const [words, status, message] of cases) {
      const start = performance.now();
      assert.match(ended(await here.run(['generate', 'a house', ...words]), status).stderr, message);
      assert.ok(performance.now() - start < 60_000, 'it went to work');
    }
    assert.deepEqual(readdirSync(here.path), ['.forgetful']);
  });
});

describe('the preview file', () => {
  test('is there while the run goes on and gone when it has ended, also by Ctrl-C', async () => {
    using here = place();
    for (const end of ['done', 'SIGINT'] as const) {
      const args = [
        'generate',
        'resolution=128',
        `num_inference_steps=${end === 'done' ? 8 : 900}`,
        'preview=step',
        'a house',
        '-o',
        `${end}.png`,
      ];
      const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: here.path, stdio: 'ignore' });
      let seen: { width?: number } | undefined;
      const timer = setInterval(async () => {
        if (seen || !existsSync(here.file('flux_preview.png'))) return;
        seen = await sharp(here.file('flux_preview.png'))
          .metadata()
          .catch(() => undefined);
        if (seen && end === 'SIGINT') child.kill('SIGINT');
      }, 5);
      const status = await new Promise((resolve) => child.on('close', resolve));
      clearInterval(timer);
      assert.equal(status, end === 'done' ? 0 : 130);
      assert.equal(seen?.width, 128);
      assert.ok(!existsSync(here.file('flux_preview.png')), end);
    }
    assert.deepEqual(readdirSync(here.path).sort(), ['.forgetful', 'done.png']);
  });
});

test('files that are no files are refused at once', { skip: process.platform === 'win32' }, async () => {
  using here = place();
  spawnSync('mkfifo', [here.file('pipe.png')]);
  for (const path of ['/dev/zero', 'pipe.png', '.'])
    for (const command of ['redo', ...(path === '.' ? [] : ['inspect'])]) {
      const { stderr } = await here.run([command, path]);
      assert.match(stderr, /^error: .*expected a (regular )?file, found a/, `${command} ${path}`);
    }
  rmSync(here.file('pipe.png'));
});

test('a hub out of reach ends generate, pull and a LoRA within seconds, shows attempts and keeps secrets', async () => {
  using here = place();
  const hub = await HubServer.start({});
  const { host } = new URL(hub.endpoint);
  await hub[Symbol.asyncDispose]();
  const env = {
    HF_ENDPOINT: `http://ada:secret@${host}`,
    HF_HOME: here.file('hf'),
    HF_HUB_ETAG_TIMEOUT: '3',
    HF_TOKEN: 'hf_abcdefghijkl',
  };
  for (const args of [
    ['pull', 'no/where'],
    ['generate', 'pretrained_model_name_or_path=no/where', 'x'],
    ['generate', '--lora', 'no/where', 'x', '--json'],
  ]) {
    const start = performance.now();
    const { stdout, stderr } = ended(await fluxion(args, { cwd: here.path, env }), 1);
    // Nine attempts with their pauses, each as long as it may be, would take minutes.
    assert.ok(performance.now() - start < 60_000);
    assert.match(stderr, /ECONNREFUSED.*; trying again in 0\.5 s \(attempt 2 of 9\)/);
    assert.match(stderr, /hint: .*HTTPS_PROXY.*HF_ENDPOINT.*HF_HUB_OFFLINE/);
    assert.doesNotMatch(stdout + stderr, /kept|secret|hf_abc/);
  }
});
