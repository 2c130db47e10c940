/** What people type: everyday names, words that look like settings, prompts by every way, values in every spelling, and the user's own file. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { acceptedKeys } from '../../src/config/accepted.ts';
import { KEY_NAMES, keyRow } from '../../src/config/keys.ts';
import { loadConfig } from '../../src/config/load.ts';
import { meaningOf } from '../../src/config/names.ts';
import { splitArguments } from '../../src/config/overrides.ts';
import { findPersonalConfig, personalConfigPath } from '../../src/config/personal.ts';
import { type ChosenPrompts, choosePrompts } from '../../src/config/prompts.ts';
import { type Config, keyHelp } from '../../src/config/schema.ts';
import { FluxionError } from '../../src/support/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'fluxion-asked-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function config(...argv: string[]): Config {
  return loadConfig({ overrides: splitArguments(argv).overrides }).config;
}

async function prompts(argv: readonly string[], input: string | Uint8Array = ''): Promise<ChosenPrompts> {
  const words = splitArguments(argv);
  return await choosePrompts(words, words.prompts, async () => Buffer.from(input));
}

function failsWith(message: RegExp, hint?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof FluxionError, String(error));
    assert.match(error.message, message);
    if (hint) assert.match(error.hint ?? '', hint);
    return true;
  };
}

const refuses = (argv: readonly string[], message: RegExp, hint?: RegExp): void =>
  assert.throws(() => config(...argv), failsWith(message, hint), argv.join(' '));

describe('names', () => {
  test('everyday names set the keys they stand for, as words and as flags', () => {
    for (const argv of [
      ['steps=4', 'guidance=2', 'model=/m', 'size=96x64', 'n=3', 'device=cpu'],
      ['--steps', '4', '--guidance', '2', '--model', '/m', '--size=96x64', '-n', '3', '--device=cpu'],
      ['Steps=4', 'GUIDANCE=2', '--Model=/m', 'width=96', '-H64', '-n3', '--Device', 'cpu'],
      ['numInferenceSteps=4', 'guidanceScale=2', '-m', '/m', '-W', '96', '--height', '64', '--num-images-per-prompt=3', 'hardware=cpu'],
      ['--num_inference_steps', '4', '--guidance-scale=2', '-model', '/m', 'resolution=96 x 64', 'batch=3', 'backend=cpu'],
    ]) {
      const c = config(...argv);
      assert.deepEqual(
        [c.num_inference_steps, c.guidance_scale, c.pretrained_model_name_or_path, c.width, c.height, c.batch, c.hardware],
        [4, 2, '/m', 96, 64, 3, 'cpu'],
        argv.join(' '),
      );
    }
  }); // biome-ignore format: a command line is one line

  test('they hold in a file too, and the last of several names wins', () => {
    const path = file('everyday.yml', 'steps: 4\nsize: 96x64\nGuidance: 2\nnum_inference_steps: 6\n');
    const { config: c, notes } = loadConfig({ file: path });
    assert.deepEqual([c.num_inference_steps, c.width, c.height, c.guidance_scale], [6, 96, 64, 2]);
    assert.match(notes.join(), /'num_inference_steps' is set in lines 1 and 4; the last one counts/);
    const { overrides, notes: told } = splitArguments(['steps=4', '--num-inference-steps', '5']);
    assert.equal(loadConfig({ overrides }).config.num_inference_steps, 5);
    assert.match(told.join(), /num_inference_steps is given more than once/);
  });

  test('a size given twice: the last one counts, whichever way', () => {
    const sides = ({ width, height, resolution }: Config) => [width ?? resolution, height ?? resolution];
    assert.deepEqual(sides(config('size=96x64', 'size=128')), [128, 128]);
    assert.deepEqual(sides(config('size=128', 'size=96x64')), [96, 64]);
    assert.deepEqual(sides(config('size=96x64', 'width=32')), [32, 64]);
  });

  test('each name stands for one thing, and none hides a key', () => {
    const aliases = KEY_NAMES.flatMap((key) => keyRow(key).also ?? []);
    assert.equal(new Set(aliases).size, aliases.length);
    for (const name of [...KEY_NAMES, ...Object.keys(acceptedKeys)]) assert.ok(!aliases.includes(name), name);
    for (const key of KEY_NAMES)
      for (const alias of keyRow(key).also ?? []) assert.deepEqual(meaningOf(alias), { kind: 'key', name: key });
  });

  test('samplers and schedules have the names of other tools too', () => {
    for (const [word, sampler] of [
      ['sampler=euler_a', 'euler_ancestral'],
      ['sampler_name=Euler a', 'euler_ancestral'],
      ['--sampler=DPM++ 2M', 'dpmpp_2m'],
      ['solver=DPMSolverMultistepScheduler', 'dpmpp_2m'],
      ['sampler=LCM', 'lcm'],
    ] as const)
      assert.equal(config(word).sampler, sampler, word);
    assert.equal(config('scheduler=Karras').schedule, 'karras');
    assert.equal(config('schedule_type=simple').schedule, 'default');
    refuses(['sampler=ddim'], /sampler must be one of euler, heun, dpmpp_2m, lcm, euler_ancestral/);
  });

  test('what Flux does not have is answered, not guessed at', () => {
    for (const [word, hint] of [
      ['aspect_ratio=16:9', /size=1344x768/],
      ['use_karras_sigmas=True', /schedule=karras/],
      ['eta=0.5', /euler_ancestral/],
      ['ip_adapter=a.safetensors', /no IP-Adapter/],
      ['dtype=bf16', /weights_dtype/],
    ] as const) {
      refuses([word], /there is no key/, hint);
      refuses([`--${word.split('=')[0]}`, 'x'], /there is no key/, hint);
    }
    const { notes } = loadConfig({ overrides: splitArguments(['--guidance-rescale', '0.7']).overrides });
    assert.match(notes.join(), /guidance_rescale has no effect: true_cfg_scale/);
    refuses(['zz=1'], /unknown key 'zz'/, /^(?!did you mean)/);
  });

  test('help on a name tells the key, its range, default, other names and an example', () => {
    assert.match(keyHelp('steps') ?? '', /^num_inference_steps: Denoising steps\.\n(.*\n)*.*from 1 to 1000\n(.*\n)*.*default.*28(.*\n)*.*also.*steps.*\n.*generate num_inference_steps=8/); // biome-ignore format: one expression
    assert.match(keyHelp('--num-inference-steps') ?? '', /^num_inference_steps:/);
    assert.match(keyHelp('cfg') ?? '', /true_cfg_scale[\s\S]*negative_prompt/);
    assert.match(keyHelp('learning_rate') ?? '', /accepted without effect/);
    assert.equal(keyHelp('zz'), undefined);
    for (const name of KEY_NAMES) {
      const example = / generate \w+=(.*)\n/.exec(keyHelp(name) ?? '')?.[1] ?? '';
      if (/^'/.test(example)) continue; // a placeholder
      assert.doesNotThrow(() => config(`${name}=${example.replaceAll('"', '')}`), `${name}=${example}`);
    }
  });
});

describe('words that look like settings', () => {
  test('are settings in any spelling, also with blanks around =', () => {
    assert.deepEqual(splitArguments(['a', 'Width=64']).overrides, ['width=64']);
    assert.deepEqual(splitArguments(['steps', '=', '4', 'a', 'cat']).overrides, ['num_inference_steps=4']);
    assert.deepEqual(splitArguments(['steps', '=4']).overrides, ['num_inference_steps=4']);
    assert.deepEqual(splitArguments(['a cat', 'steps = 4']).overrides, ['num_inference_steps=4']);
    assert.deepEqual(splitArguments(['--overwrite', 'False', 'a cat']).overrides, ['overwrite=False']);
    assert.deepEqual(splitArguments(['time', '=', 'money', 'E = mc²', 'Love=peace']).prompts, [
      'time', '=', 'money', 'E = mc²', 'Love=peace',
    ]); // biome-ignore format: one line
  });

  test('slips are asked about', () => {
    refuses(['Stepz=4'], /unknown key 'Stepz'/, /did you mean 'steps'/);
    refuses(['sede=4'], /unknown key 'sede'/, /did you mean 'seed'/);
    refuses(['--stepz', '4'], /unknown flag '--stepz'/, /did you mean '--steps'/);
    refuses(['a', 'steps:4'], /joined by '='/, /steps=4/);
    refuses(['—seed', '4'], /unknown flag '—seed'/, /--seed/);
    refuses(['--seed', '1', '2'], /'2' follows '1'/, /seed=1,2,3/);
    refuses(['--seed=1', '2'], /'2' follows/);
    refuses(['--size', '1024', '768'], /'768' follows '1024'/, /size=1024x768/);
  });

  test('within a prompt they are told', async () => {
    const { notes } = await prompts(['a cat steps=4 --ar 16:9, mood=happy -- x']);
    assert.equal(notes.length, 2);
    assert.match(notes[0]!, /'steps=4' is a part of the prompt/);
    assert.match(notes[1]!, /'--ar 16:9,' is a part/);
  });

  test('-s is told to be the seed', () => {
    const { overrides, notes } = splitArguments(['-s', '7']);
    assert.deepEqual(overrides, ['seed=7']);
    assert.match(notes.join(), /--steps/);
  });
});

describe('prompts', () => {
  test('phrases are a prompt each, single words one together, and a mixture is refused', async () => {
    assert.deepEqual((await prompts(['a cat', 'a dog'])).prompt, ['a cat', 'a dog']);
    const joined = await prompts(['one', 'two']);
    assert.equal(joined.prompt, 'one two');
    assert.match(joined.notes.join(), /one prompt, 'one two'; several are --prompt ONE --prompt TWO/);
    const { notes } = await prompts(['a', 'cat', 'steps', '4']);
    assert.match(notes.join(), /in which 'steps 4' sets nothing: steps=4 does/);
    assert.equal((await prompts(['“a', 'cat”'])).prompt, 'a cat');
    await assert.rejects(prompts(['a cat', 'dog']), failsWith(/'dog' comes in addition to the prompt 'a cat'/, /--prompt 'dog'/));
    await assert.rejects(prompts(['prompt=“a', 'cat”']), failsWith(/given twice/, /typographic quotes/));
  }); // biome-ignore format: one case a line

  test('--prompt names them one by one, --prompts and @FILE read a file line by line', async () => {
    const lines = file('prompts.txt', '\ufeff# my prompts\r\na café\r\n\r\n  a dog  \n');
    assert.deepEqual((await prompts(['--prompt', 'one', '-p', 'two'])).prompt, ['one', 'two']);
    assert.equal((await prompts(['--prompt=one'])).prompt, 'one');
    for (const argv of [['--prompts', lines], [`prompts=${lines}`], [`prompt=@${lines}`], ['--prompt', `@${lines}`]])
      assert.deepEqual((await prompts(argv)).prompt, ['a café', 'a dog'], argv.join(' '));
    assert.deepEqual((await prompts(['--prompts', '-'], 'a\nb\n')).prompt, ['a', 'b']);
    assert.equal((await prompts(['-'], 'a\nb\n')).prompt, 'a\nb');
    assert.equal((await prompts(['prompt=a cat'])).prompt, undefined, 'prompt= stays with the other keys');
    assert.equal((await prompts(['@alice in wonderland'])).prompt, '@alice in wonderland');
  });

  test('what is no text, too much or not there is refused', async () => {
    await assert.rejects(prompts(['prompt=@nowhere.txt']), failsWith(/nowhere\.txt/, /begins with '@'/));
    await assert.rejects(prompts(['--prompts', folder]), failsWith(/found a folder/));
    await assert.rejects(prompts(['--prompts', '/dev/zero']), failsWith(/found a device/));
    await assert.rejects(prompts(['--prompts', file('l.txt', 'x\n'.repeat(2000))]), failsWith(/found 2000/));
    await assert.rejects(prompts(['--prompts', file('e.txt', '# none\n')]), failsWith(/found 0/));
    const latin1 = Buffer.from('caf\xe9', 'latin1');
    await assert.rejects(prompts(['--prompts', file('b.txt', latin1)]), failsWith(/byte 0xE9/, /iconv/));
    await assert.rejects(prompts(['-'], latin1), failsWith(/standard input: .*byte 0xE9/, /iconv/));
    await assert.rejects(prompts(['-', 'a cat']), failsWith(/there are other prompts too/));
    await assert.rejects(prompts(['prompt=x', '--prompt', 'y']), failsWith(/given twice/));
    assert.match((await prompts([''])).notes.join(), /the prompt is empty/);
  });

  test('a configuration file in another encoding is refused or read', () => {
    const latin1 = file('latin1.yml', Buffer.from('prompt: caf\xe9\n', 'latin1'));
    assert.throws(() => loadConfig({ file: latin1 }), failsWith(/byte 0xE9 at line 1/, /iconv -f ISO-8859-1/));
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('prompt: café\n', 'utf16le')]);
    assert.equal(loadConfig({ file: file('utf16.yml', utf16) }).config.prompt, 'café');
    assert.equal(loadConfig({ file: file('bom.yml', '\ufeffprompt: café\n') }).config.prompt, 'café');
  });
});

describe('values', () => {
  test('lists need no brackets, numbers and booleans may be quoted', () => {
    assert.deepEqual(config('seed=1,2,3').seed, [1, 2, 3]);
    assert.deepEqual(config('--seeds', '1, 18446744073709551615').seed, [1, 18446744073709551615n]);
    assert.deepEqual(config('sigmas=1.0,0.5').sigmas, [1, 0.5]);
    assert.deepEqual(config('mesh_axes=data,fsdp,context,tensor').mesh_axes, ['data', 'fsdp', 'context', 'tensor']);
    const { config: c } = loadConfig({
      file: file('quoted.yml', 'overwrite: "False"\nsteps: "4"\nguidance: \'2.5\'\nseed: "1,2"\n'),
    });
    assert.deepEqual([c.overwrite, c.num_inference_steps, c.guidance_scale, c.seed], [false, 4, 2.5, [1, 2]]);
  });

  test('words in any case and in the words of other tools', () => {
    assert.equal(config('hardware=CPU').hardware, 'cpu');
    assert.equal(config('device=mps').hardware, 'metal');
    assert.equal(config('quantize=8').quantization, 'int8');
    assert.equal(config('precision=highest').precision, 'HIGHEST');
    assert.equal(config('--vae-tiling', 'True').vae_tiling, 'on');
    refuses(['noise=numpy'], /noise must be one of torch, jax, philox, found 'numpy'/);
  });

  test('LoRA files are separated by commas, which may also stand in a name', () => {
    assert.deepEqual(config('lora=a:0.8,b.safetensors').lora, [
      { path: 'a', scale: 0.8 },
      { path: 'b.safetensors', scale: 1 },
    ]);
    assert.deepEqual(config('lora=red, blue.safetensors').lora, [{ path: 'red, blue.safetensors', scale: 1 }]);
  });

  test('random seeds by both names, alone and in lists', () => {
    for (const word of ['seed=random', 'seed=-1', 'seed=Random', '--seed=-1'])
      assert.equal(config(word).seed, 'random', word);
    assert.deepEqual(config('--seed', '-1').seed, 'random');
    assert.deepEqual(config('seed=7,random').seed, [7, 'random']);
    assert.equal(config('seed=-2').seed, -2);
  });

  test('numbers that YAML would make others of, or that have commas and units, are refused with what was meant', () => {
    refuses(['seed=010'], /'010' is an octal number/, /write 10/);
    refuses(['steps=1:30'], /'1:30' is a base 60 number/);
    refuses(['seed=[1, 007]'], /'007' is an octal number/);
    assert.throws(() => loadConfig({ file: file('octal.yml', 'seed: 0123\n') }), failsWith(/octal/, /write 123/));
    refuses(['guidance=3,5'], /guidance_scale must be a number/, /3\.5/);
    refuses(['width=1,024'], /width must be/, /1024/);
    refuses(['width=512px'], /width must be/, /without a unit: 512/);
    refuses(['memory_limit=6GB'], /memory_limit must be/, /without a unit: 6/);
    refuses(['width=1080'], /divisible by 16, found 1080/, /width=1072 and width=1088 would do/);
    for (const huge of ['1e999', '-1e999', '.inf', '.nan', '9'.repeat(5000), `0x${'f'.repeat(5000)}`])
      refuses(
        [`steps=${huge}`],
        /num_inference_steps(: a number of 5000 digits| must be a whole number from 1 to 1000, found)/,
      );
    refuses(['steps='], /num_inference_steps must be .* found ''/);
    refuses(['width=96x64'], /width must be/);
  });
});

describe("the user's own file", () => {
  test('is weaker than a named file and the command line, and stronger than the bundled defaults', () => {
    const personal = file('personal.yml', 'output_dir: /pictures\nsteps: 5\nseed: 9\nwidth: 64\n');
    const alone = loadConfig({ personal });
    assert.deepEqual([alone.config.output_dir, alone.config.num_inference_steps, alone.config.width], ['/pictures', 5, 64]);
    assert.match(alone.sources.output_dir ?? '', /personal\.yml:1$/);
    const named = loadConfig({ personal, file: file('named.yml', 'resolution: 96\nseed: 3\n'), overrides: ['steps=2'] });
    assert.deepEqual([named.config.seed, named.config.num_inference_steps, named.config.output_dir], [3, 2, '/pictures']);
    assert.equal(named.config.width, undefined, 'the size of the named file counts');
    for (const ours of ['base_flux_dev.yml', 'base_flux_schnell.yml'])
      assert.equal(loadConfig({ personal, file: ours }).config.output_dir, '/pictures', ours);
  }); // biome-ignore format: one case a line

  test('another model in it brings its own defaults', () => {
    const { config: c } = loadConfig({ personal: file('model.yml', 'model: /models/mine\n') });
    assert.deepEqual([c.pretrained_model_name_or_path, c.resolution], ['/models/mine', undefined]);
  });

  test('changes nothing of the picture of a recipe', () => {
    const personal = file('redo.yml', 'steps: 5\nquantization: int8\noutput_dir: /pictures\n');
    const { config: c } = loadConfig({ personal, base: { source: 'flux_0.png', values: { prompt: 'x' } } });
    assert.deepEqual([c.quantization, c.num_inference_steps, c.output_dir], ['none', undefined, '/pictures']);
  });

  test('lies where the system keeps settings, or where FLUXION_CONFIG says', () => {
    assert.equal(personalConfigPath({ XDG_CONFIG_HOME: '/x' }, 'linux'), '/x/fluxion/config.yml');
    assert.match(personalConfigPath({ XDG_CONFIG_HOME: 'relative' }, 'linux'), /\.config\/fluxion\/config\.yml$/);
    assert.match(personalConfigPath({ APPDATA: '/roaming' }, 'win32'), /^\/roaming/);
    assert.equal(personalConfigPath({ FLUXION_CONFIG: '/my.yml', XDG_CONFIG_HOME: '/x' }, 'linux'), '/my.yml');
    const path = join(folder, 'fluxion', 'config.yml');
    assert.equal(findPersonalConfig({ XDG_CONFIG_HOME: folder }), undefined);
    mkdirSync(join(folder, 'fluxion'));
    writeFileSync(path, 'steps: 5\n');
    assert.equal(findPersonalConfig({ XDG_CONFIG_HOME: folder }), path);
    assert.equal(findPersonalConfig({ XDG_CONFIG_HOME: folder, FLUXION_CONFIG: '' }), undefined);
  });
});
