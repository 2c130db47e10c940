/** Configuration: the list of keys, YAML as PyYAML reads it, overrides and flags, MaxDiffusion's files and command lines, hostile input. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { acceptedKeys } from '../../src/config/accepted.ts';
import { KEY_NAMES, KEYS, keyRow } from '../../src/config/keys.ts';
import { findConfigFile, loadConfig } from '../../src/config/load.ts';
import { meaningOf } from '../../src/config/names.ts';
import { splitArguments } from '../../src/config/overrides.ts';
import { acceptedHelp, type Config, configHelp, defaultOf, flagName } from '../../src/config/schema.ts';
import { parseYamlFile } from '../../src/config/yaml.ts';
import { FluxionError } from '../../src/support/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'fluxion-config-'));
after(() => rmSync(folder, { recursive: true }));

const MAXDIFFUSION = fileURLToPath(new URL('../../../shared/maxdiffusion/', import.meta.url));
const absent = existsSync(MAXDIFFUSION) ? false : "MaxDiffusion's files are not on this machine";
const theirs = (name: 'schnell' | 'dev') => join(MAXDIFFUSION, `base_flux_${name}.yml`);

/** Writes a YAML file for one test and returns its path. */
function yaml(text: string): string {
  const path = join(folder, 'case.yml');
  writeFileSync(path, text);
  return path;
}

/** The value one override gives its key, over the bundled model's configuration. */
function override<Name extends keyof Config>(name: Name, text: string): Config[Name] {
  return loadConfig({ overrides: [`${name}=${text}`] }).config[name];
}

function fails(code: string, message: RegExp, hint?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof FluxionError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    if (hint) assert.match(error.hint ?? '', hint);
    return true;
  };
}

describe('the list of keys', () => {
  test('every default is valid, every row complete, and no key is also an accepted one', () => {
    for (const name of KEY_NAMES) {
      const row = keyRow(name);
      assert.doesNotThrow(() => defaultOf(name), name);
      assert.notEqual(row.default === undefined, row.unset === undefined, `${name}: a default, or what stands for it`);
      assert.match(row.help, /^[A-Z].*\.$/, name);
      assert.equal(row.use === 'noted' && row.because === undefined, false, `${name}: because`);
      assert.equal(Object.hasOwn(acceptedKeys, name), false, name);
    }
  });

  test('flags are keys with dashes, and lead back to their keys', () => {
    assert.equal(flagName('num_inference_steps'), 'num-inference-steps');
    for (const name of KEY_NAMES) assert.deepEqual(meaningOf(flagName(name)), { kind: 'key', name });
    assert.equal(meaningOf('sede').kind, 'unknown');
  });

  test('the help text has every flag once, with its sentence and default', () => {
    const help = configHelp();
    for (const name of KEY_NAMES) {
      assert.equal(help.split(new RegExp(`^ {2}--${flagName(name)}(?: .*)?$`, 'm')).length, 2, name);
      assert.ok(help.includes(KEYS[name].help), name);
    }
    assert.match(help, /--noise torch\|jax\|philox\n {6}Random generator .*\(default: torch\)/);
    assert.match(help, /--overwrite\n.*\(default: False\)/);
    assert.doesNotMatch(help, / -h\b/, 'that is help');
  });

  test('the table of accepted keys has each once, under its reason', () => {
    const table = acceptedHelp();
    for (const [key, reason] of Object.entries(acceptedKeys)) {
      assert.equal(table.split(`\n  ${key}\n`).length, 2, key);
      assert.ok(table.includes(`Accepted without effect: ${reason}\n`), reason);
    }
  });
});

describe('configuration files', () => {
  test('without a file the bundled model is used as its own file says', () => {
    const { config, notes, sources } = loadConfig();
    assert.deepEqual(notes, []);
    assert.equal(config.pretrained_model_name_or_path, 'tiny');
    assert.equal(config.resolution, 128);
    assert.equal(config.num_inference_steps, 8);
    assert.equal(config.max_sequence_length, 32);
    assert.equal(config.weights_dtype, 'bf16');
    assert.match(sources.resolution ?? '', /^base_flux_tiny\.yml:\d+$/);
  });

  test('another model brings its own defaults, not those of the bundled one', () => {
    const { config } = loadConfig({ overrides: ['pretrained_model_name_or_path=/models/other'] });
    assert.equal(config.resolution, undefined);
    assert.equal(config.num_inference_steps, undefined);
    assert.equal(config.max_sequence_length, undefined);
  });

  test('schnell and dev are as their makers run them', () => {
    const pick = ({ config: c }: { config: Config }) => [
      c.num_inference_steps,
      c.guidance_scale,
      c.max_sequence_length,
      c.time_shift,
      c.resolution,
    ];
    assert.deepEqual(pick(loadConfig({ file: 'base_flux_schnell.yml' })), [4, 0, 256, false, 1024]);
    assert.deepEqual(pick(loadConfig({ file: 'base_flux_dev.yml' })), [28, 3.5, 512, true, 1024]);
  });

  test('a file that is not there is named, with the nearest of ours', () => {
    assert.throws(
      () => findConfigFile('base_flux_shnell.yml'),
      fails('not_found', /base_flux_shnell/, /base_flux_schnell\.yml/),
    );
    assert.throws(() => loadConfig({ file: folder }), fails('io', /expected a file, found a folder/));
  });

  test('YAML is read as PyYAML reads it', () => {
    const { config } = loadConfig({
      file: yaml(
        'time_shift: no\noverwrite: Yes\noffload_encoders: off\nmax_shift: 4.e-7\nseed: 1_000\nbase_shift: 1.e+0\n',
      ),
    });
    assert.equal(config.time_shift, false);
    assert.equal(config.overwrite, true);
    assert.equal(config.offload_encoders, false);
    assert.equal(config.max_shift, 4e-7);
    assert.equal(config.seed, 1000);
    assert.equal(config.base_shift, 1);
  });

  test('text in a file stays as it is written, whatever YAML would make of it', () => {
    for (const [written, text] of [
      ['yes', 'yes'],
      ['12', '12'],
      ['010', '010'],
      ['1:30', '1:30'],
      ['2024-01-01', '2024-01-01'],
      ['"a: b"', 'a: b'],
      ["'it''s'", "it's"],
      ['|\n  two\n  lines', 'two\nlines\n'],
      ['plain # with a comment', 'plain'],
    ]) {
      assert.equal(loadConfig({ file: yaml(`prompt: ${written}\n`) }).config.prompt, text, written);
    }
    assert.deepEqual(loadConfig({ file: yaml('prompt: [yes, 12, "a, b"]\n') }).config.prompt, ['yes', '12', 'a, b']);
    assert.equal(loadConfig({ file: yaml('preview: off\n') }).config.preview, 'off');
    assert.equal(
      loadConfig({ file: yaml('base: 1\n'.replace('base: 1', 'run_name: &r 7\nflux_name: *r')) }).config.flux_name,
      '7',
    );
  });

  test('null leaves a key at its default, in a file and over one', () => {
    const file = yaml('width: null\nseed: ~\nprompt:\nheight: 64\n');
    const { config } = loadConfig({ file, overrides: ['height=null'] });
    assert.deepEqual([config.width, config.height, config.seed], [undefined, undefined, 0]);
    assert.equal(config.prompt, KEYS.prompt.default);
  });

  test('paths begin at the home folder that ~ and $HOME stand for, from a file and on the command line', () => {
    const { config } = loadConfig({
      file: yaml(
        'output_dir: ~/pictures\ntransformer: $HOME/a.safetensors\nlora: ["~/b.safetensors:0.5"]\nprompt: ~/x\n',
      ),
      overrides: ['lora_dir=~/loras'],
    });
    const { output_dir, transformer, lora_dir, lora, prompt } = config;
    assert.deepEqual(
      { output_dir, transformer, lora_dir, lora, prompt },
      {
        output_dir: join(homedir(), 'pictures'),
        transformer: join(homedir(), 'a.safetensors'),
        lora_dir: join(homedir(), 'loras'),
        lora: [{ path: join(homedir(), 'b.safetensors'), scale: 0.5 }],
        prompt: '~/x',
      },
    );
  });

  test('of equal keys the last one counts, with a note', () => {
    const { config, notes } = loadConfig({ file: yaml('seed: 1\nwidth: 32\nseed: 2\n') });
    assert.equal(config.seed, 2);
    assert.equal(notes.length, 1);
    assert.match(notes[0]!, /'seed' is set in lines 1 and 3/);
  });

  test('errors name the file, the line, the key, what was expected and what was found', () => {
    const refused = (text: string, message: RegExp, hint?: RegExp) =>
      assert.throws(() => loadConfig({ file: yaml(text) }), fails('bad_config', message, hint), text);
    refused(
      '# first\nwidth: 100\n',
      /case\.yml:2: width must be a whole number from 16 to 8192, divisible by 16, found 100$/,
      /width=96 and width=112/,
    );
    refused('resolution: 1080\n', /divisible by 16, found 1080$/, /resolution=1072 and resolution=1088/);
    refused('height: 9000\n', /found 9000$/, /^height=8192/);
    for (const key of [
      'output_dir',
      'pretrained_model_name_or_path',
      'transformer',
      'lora_dir',
      'jax_cache_dir',
      'lora',
    ])
      refused(`${key}: gs://bucket/flux\n`, new RegExp(`case\\.yml:1: ${key}: .*gs://bucket/flux`), /gcsfuse/);
    refused(
      'lora_config: {lora_model_name_or_path: [s3://a], weight_name: [""], adapter_name: [a], scale: [1], from_pt: [True]}\n',
      /lora_config: .*s3:\/\/a/,
    );
    refused('seed: [1, 2.5]\n', /case\.yml:1: seed must be .* found \[1,2\.5\]/);
    refused(
      '\n\nnum_inference_stepz: 3\n',
      /case\.yml:3: unknown key 'num_inference_stepz'/,
      /did you mean 'num_inference_steps'/,
    );
    refused('noise: numpy\n', /noise must be one of torch, jax, philox, found 'numpy'/);
    refused('seed: 18446744073709551616\n', /seed must be .* found 18446744073709551616$/);
    refused('guidance_scale: .nan\n', /guidance_scale must be a number from 0 to 100/);
    refused('sigmas: [0.5, 0.7]\n', /sigmas must be a falling list/);
    refused('sigmas: [1, 0]\n', /sigmas must be/);
    refused(
      'lora_config: {lora_model_name_or_path: [a], weight_name: [], adapter_name: [], scale: [], from_pt: []}\n',
      /five lists/,
    );
    refused('width: [1\n', /not valid YAML at line 2, column 1/);
    refused('width: !python/object:os.system x\n', /not valid YAML at line 1/);
    refused('- a\n- b\n', /expected 'key: value' lines, found a list/);
    refused('prompt: [a, [b]]\n', /prompt must be text, or a list of texts/);
    refused('1: 2\n', /unknown key '1'/);
    refused('prompt: *nowhere\n', /case\.yml.*nowhere/);
    refused('? [a]\n: b\n', /expected a name as key, found a list/);
    refused('__proto__: {a: 1}\n', /unknown key '__proto__'/);
  });
});

describe('overrides', () => {
  test('precedence is defaults, file, overrides, program; the last of equals wins', () => {
    const file = yaml('seed: 1\nwidth: 32\n');
    const { config, sources } = loadConfig({
      file,
      overrides: ['seed=2', 'height=48', 'seed=3'],
      values: { height: 64 },
    });
    assert.deepEqual([config.seed, config.width, config.height, config.batch], [3, 32, 64, undefined]);
    assert.deepEqual([sources.seed, sources.height], ['the command line', 'the program']);
    assert.match(sources.width ?? '', /case\.yml:2$/);
    assert.equal('noise' in sources, false);
  });

  test('a base in place of a file, such as a recipe, is weaker than overrides', () => {
    const base = { source: 'flux_0.png', values: { prompt: 'a boat', seed: 5, width: 96, height: 64 } };
    const { config, sources } = loadConfig({ base, overrides: ['seed=6'] });
    assert.deepEqual([config.prompt, config.seed, config.width, config.resolution], ['a boat', 6, 96, undefined]);
    assert.equal(sources.width, 'flux_0.png');
  });

  test('a prompt is taken letter by letter', () => {
    for (const text of ['a: b', '[x]', '{', 'yes', '12', '*foo', '&foo', '#1', 'null', '', '- a', '!tag', "it's", '"half', 'a=b', '%', 'line\ntwo', '"a" and "b"', "'", '~'])
      assert.equal(override('prompt', text), text); // biome-ignore format: one list
  });

  test('quotes come off a prompt only where they are one whole YAML string', () => {
    assert.equal(override('prompt', '"a: b"'), 'a: b');
    assert.equal(override('prompt', "'it''s'"), "it's");
    assert.equal(override('prompt', '"tab\\there"'), 'tab\there');
    assert.equal(override('attention', '"dot_product"'), 'dot_product');
  });

  test('booleans in all their spellings', () => {
    for (const text of ['True', 'true', 'yes', '1', 'on', 'TRUE', 'Yes'])
      assert.equal(override('overwrite', text), true, text);
    for (const text of ['False', 'false', 'no', '0', 'off'])
      assert.equal(override('offload_encoders', text), false, text);
    assert.throws(() => override('overwrite', '2'), fails('bad_config', /overwrite must be True or False, found 2/));
    assert.throws(() => override('overwrite', ''), fails('bad_config', /overwrite must be True or False, found ''/));
  });

  test('numbers, lists and maps parse as YAML', () => {
    assert.deepEqual(override('seed', '[1, 2, 3]'), [1, 2, 3]);
    assert.deepEqual(override('sigmas', '[1.0, 0.75, .5, 1.e-1]'), [1, 0.75, 0.5, 0.1]);
    assert.equal(override('seed', '-5'), -5);
    assert.deepEqual(override('seed', '[1, 18446744073709551615]'), [1, 18446744073709551615n]);
    assert.equal(override('guidance_scale', '3.5'), 3.5);
    assert.equal(override('quantization', 'int8'), 'int8');
    // As MaxDiffusion's files have it.
    assert.equal(override('quantization', ''), 'none');
    assert.equal(override('weights_dtype', 'float32'), 'f32');
    // Beyond what a timer can wait, which would fire at once.
    assert.throws(
      () => override('job_timeout', '600h'),
      fails('bad_config', /job_timeout must be a time .*up to 500h/),
    );
    assert.throws(() => override('seed', '1 2'), fails('bad_config', /seed must be .*found '1 2'/));
    assert.throws(() => override('seed', '[1'), fails('bad_config', /the command line: seed: not valid YAML/));
  });

  test('an accepted key of MaxDiffusion on the command line is named with its reason', () => {
    const { notes } = loadConfig({ overrides: ['guidance_rescale=0.7'] });
    assert.deepEqual(notes, [`the command line: guidance_rescale has no effect: ${acceptedKeys['guidance_rescale']}`]);
  });

  test('a key that was asked for sets aside the finer ones of a file', () => {
    const file = yaml('prompt: a\nprompt_2: b\nwidth: 32\nheight: 48\nbatch: 4\nsigmas: [1, 0.5]\n');
    const { config, notes } = loadConfig({
      file,
      overrides: ['prompt=c', 'resolution=64', 'per_device_batch_size=2', 'num_inference_steps=7'],
    });
    assert.deepEqual(
      [config.prompt_2, config.width, config.height, config.batch, config.sigmas],
      Array(5).fill(undefined),
    );
    assert.equal(config.num_inference_steps, 7);
    assert.equal(notes.length, 5);
    assert.equal(loadConfig({ file, overrides: ['prompt=c', 'prompt_2=d'] }).config.prompt_2, 'd');
    assert.equal(loadConfig({ file }).config.prompt_2, 'b');
  });

  test('sigmas set the number of steps; two prompts need one prompt_2 or two', () => {
    const { config, notes } = loadConfig({ overrides: ['sigmas=[1, 0.5, 0.25]'] });
    assert.equal(config.num_inference_steps, 3);
    assert.match(notes[0]!, /3 sigmas make 3 steps, not 8/);
    const values = { prompt: ['a', 'b'], prompt_2: ['c'] };
    assert.throws(() => loadConfig({ values }), fails('bad_config', /prompt_2 has 1 texts for 2 prompts/));
    assert.deepEqual(loadConfig({ values: { ...values, prompt_2: 'c' } }).config.prompt_2, 'c');
  });
});

describe('words of a command line', () => {
  test('a blank after = is closed, and an empty value stays empty before another key', () => {
    assert.deepEqual(splitArguments(['per_device_batch_size=', '1', 'ici_fsdp_parallelism=', '-1']).overrides, [
      'per_device_batch_size=1',
      'ici_fsdp_parallelism=-1',
    ]);
    assert.deepEqual(splitArguments(['run_name=', 'seed=3', 'output_dir=']).overrides, [
      'run_name=',
      'seed=3',
      'output_dir=',
    ]);
    assert.deepEqual(splitArguments(['prompt=', 'x=y is a line']).overrides, ['prompt=x=y is a line']);
    assert.deepEqual(splitArguments(['run_name=', '--overwrite']).overrides, ['run_name=', 'overwrite=true']);
  });

  test('flags and key=value mix, the last one winning', () => {
    const { overrides, flags, prompts, file } = splitArguments(
      ['my.yml', '--seed', '3', 'seed=4', '--width=512', '--no-overwrite', '--json', '--out', 'x', 'a cat'],
      { json: { help: '' }, out: { takes: 'PATH', help: '' } },
    );
    assert.deepEqual(overrides, ['seed=3', 'seed=4', 'width=512', 'overwrite=false']);
    assert.deepEqual({ ...flags }, { json: true, out: 'x' });
    assert.deepEqual(prompts, ['a cat']);
    assert.equal(file, 'my.yml');
  });

  test('prompts: several, standard input, those with = or a dash', () => {
    assert.deepEqual(splitArguments(['a cat', '-', 'E = mc²', 'Hello=world']).prompts, [
      'a cat',
      '-',
      'E = mc²',
      'Hello=world',
    ]);
    assert.deepEqual(splitArguments(['--', '--x', 'seed=1', 'a.yml']).prompts, ['--x', 'seed=1', 'a.yml']);
    assert.throws(
      () => splitArguments(['x=y is a line']),
      fails('bad_config', /unknown key 'x'/, /passed as prompt='…'/),
    );
    assert.throws(
      () => splitArguments(['promt=a']),
      fails('bad_config', /unknown key 'promt'/, /did you mean 'prompt'/),
    );
  });

  test('flags that are unknown or lack a value are refused', () => {
    assert.throws(
      () => splitArguments(['--sede', '3']),
      fails('bad_config', /unknown flag '--sede'/, /did you mean '--seed'/),
    );
    assert.throws(() => splitArguments(['--no-seed']), fails('bad_config', /unknown flag '--no-seed'/));
    assert.throws(() => splitArguments(['--seed']), fails('bad_config', /flag '--seed' needs a value/));
    assert.throws(() => splitArguments(['--seed', '--overwrite']), fails('bad_config', /flag '--seed' needs a value/));
    assert.throws(() => splitArguments(['-x']), fails('bad_config', /unknown flag '-x'/));
    assert.throws(() => splitArguments(['a.yml', 'b.yml']), fails('bad_config', /two configuration files/));
  });
});

describe('LoRA files on a command line', () => {
  const loras = (...argv: string[]) => loadConfig({ overrides: splitArguments(argv).overrides }).config.lora;

  test('--lora may be repeated, and a number after the last colon is the scale', () => {
    assert.deepEqual(loras(), []);
    assert.deepEqual(loras('--lora', 'a.safetensors:0.8', '--seed', '3', '--lora=b c.safetensors'), [
      { path: 'a.safetensors', scale: 0.8 },
      { path: 'b c.safetensors', scale: 1 },
    ]);
    assert.deepEqual(loras('lora=[a:-0.5, "b:0"]'), [
      { path: 'a', scale: -0.5 },
      { path: 'b', scale: 0 },
    ]);
    assert.deepEqual(loras('--lora', 'C:\\x.safetensors'), [{ path: 'C:\\x.safetensors', scale: 1 }]);
  });

  test('an empty one is refused', () => {
    assert.throws(() => loras('lora=[""]'), fails('bad_config', /lora must be PATH or PATH:SCALE/));
  });
});

const LORA_ONE =
  '{"lora_model_name_or_path" : ["anime_lora.safetensors"], "weight_name" : ["anime_lora.safetensors"], "adapter_name" : ["anime"], "scale": [0.8], "from_pt": ["true"]}';
const LORA_TWO =
  '{"lora_model_name_or_path" : ["a.safetensors", "b.safetensors"], "weight_name" : ["a", "b"], "adapter_name" : ["a", "b"], "scale": [0.6, 0.6], "from_pt": ["true", "true"]}';
const CHIP = 'photograph of an electronics chip in the shape of a race car with trillium written on its side';

/** The command lines of MaxDiffusion's documentation, as a shell passes them on. */
const COMMAND_LINES: { name: string; argv: string[]; outcome: Partial<Config> | RegExp }[] = [
  {
    name: 'schnell',
    argv: ['base_flux_schnell.yml', 'jax_cache_dir=/c', 'run_name=flux_test', 'output_dir=/c/', `prompt=${CHIP}`, 'per_device_batch_size=', '1'],
    outcome: { prompt: CHIP, per_device_batch_size: 1, jax_cache_dir: '/c', output_dir: '/c/', run_name: 'flux_test', num_inference_steps: 4 },
  },
  {
    name: 'DDP over 4',
    argv: ['base_flux_dev.yml', 'jax_cache_dir=/c', 'run_name=flux_ddp', 'output_dir=/c', 'prompt=A serene mountain landscape at sunset', 'ici_data_parallelism=', '4'],
    outcome: { ici_data_parallelism: 4, ici_fsdp_parallelism: 1, run_name: 'flux_ddp' },
  },
  {
    name: 'FSDP, encoders kept',
    argv: ['base_flux_schnell.yml', 'run_name=flux_fsdp', 'per_device_batch_size=', '1', 'ici_data_parallelism=', '1', 'ici_fsdp_parallelism=', '-1', 'offload_encoders=False'],
    outcome: { ici_data_parallelism: 1, ici_fsdp_parallelism: -1, offload_encoders: false, run_name: 'flux_fsdp' },
  },
  {
    name: 'one LoRA',
    argv: ['base_flux_dev.yml', 'prompt=A cute corgi lives in a house made out of sushi, anime', 'num_inference_steps=', '28', 'ici_data_parallelism=', '1', 'ici_fsdp_parallelism=', '-1', 'split_head_dim=True', `lora_config=${LORA_ONE}`],
    outcome: { num_inference_steps: 28, lora_config: JSON.parse(LORA_ONE) },
  },
  {
    name: 'two LoRAs',
    argv: ['base_flux_dev.yml', 'num_inference_steps=', '28', 'split_head_dim=True', `lora_config=${LORA_TWO}`],
    outcome: { num_inference_steps: 28, lora_config: JSON.parse(LORA_TWO) },
  },
  {
    name: 'GPU, fused attention',
    argv: ['base_flux_dev.yml', 'num_inference_steps=', '28', 'split_head_dim=True', 'per_device_batch_size=', '1', 'attention=cudnn_flash_te', 'hardware=gpu'],
    outcome: { attention: 'cudnn_flash_te', hardware: 'gpu' },
  },
  {
    name: 'Trillium blocks',
    argv: ['base_flux_schnell.yml', 'flash_block_sizes={"block_q" : 512, "block_kv_compute" : 512, "block_kv" : 512, "block_q_dkv" : 512, "block_kv_dkv" : 512, "block_kv_dkv_compute" : 512, "block_q_dq" : 512, "block_kv_dq" : 512 }'],
    outcome: { num_inference_steps: 4 },
  },
]; // biome-ignore format: a command line is one line

describe("MaxDiffusion's documentation", () => {
  for (const { name, argv, outcome } of COMMAND_LINES) {
    for (const files of ['ours', 'theirs'] as const) {
      test(`${name}, with ${files}`, { skip: files === 'theirs' && absent }, () => {
        const { file, overrides, prompts } = splitArguments(argv);
        assert.equal(file, argv[0]);
        assert.deepEqual(prompts, []);
        const path = files === 'ours' ? file : join(MAXDIFFUSION, file!);
        if (outcome instanceof RegExp) {
          // These need several devices: read in full, and refused until they are there.
          assert.throws(() => loadConfig({ file: path, overrides }), fails('unsupported', outcome));
        } else {
          const { config } = loadConfig({ file: path, overrides });
          for (const [key, value] of Object.entries(outcome)) assert.deepEqual(config[key as keyof Config], value, key);
          if ('prompt' in outcome) assert.equal(config.prompt_2, undefined, "the file's prompt_2 must not stay");
        }
      });
    }
  }

  for (const name of ['schnell', 'dev'] as const) {
    test(`its ${name} file is accepted unmodified, with few lines to read`, { skip: absent }, () => {
      const { config, notes } = loadConfig({ file: theirs(name) });
      assert.equal(config.pretrained_model_name_or_path, `black-forest-labs/FLUX.1-${name}`);
      assert.equal(config.time_shift, name === 'dev');
      assert.equal(config.guidance_scale, name === 'dev' ? 3.5 : 0);
      assert.equal(config.num_inference_steps, name === 'dev' ? 50 : 4);
      assert.equal(config.hardware, 'auto');
      assert.equal(config.attention, 'flash');
      assert.equal(config.prompt_2, 'A magical castle in the middle of a forest, artistic drawing');
      assert.match(
        notes[0]!,
        new RegExp(`base_flux_${name}\\.yml: \\d+ keys have no effect here; 'fluxion help config' lists them`),
      );
      assert.deepEqual(
        notes.slice(2).map((note) => / (\w+) has no effect: /.exec(note)?.[1]),
        ['hardware'],
      );
      assert.match(notes[1]!, /noise=jax draws MaxDiffusion's/);
      const chosen = loadConfig({ file: theirs(name), overrides: ['noise=torch'] });
      assert.ok(
        chosen.notes.every((note) => !note.includes('noise=jax')),
        'who chose a noise knows',
      );
    });
  }

  test('every key of its files is known, and the table of accepted keys holds no other', { skip: absent }, () => {
    const keys = new Set(
      (['schnell', 'dev'] as const).flatMap((name) =>
        parseYamlFile(readFileSync(theirs(name), 'utf8'), name).map(({ key }) => key),
      ),
    );
    for (const key of keys) assert.ok(Object.hasOwn(acceptedKeys, key) || Object.hasOwn(KEYS, key), key);
    for (const key of Object.keys(acceptedKeys)) assert.ok(keys.has(key), key);
  });
});

describe('hostile input', () => {
  test('bombs are refused at once', () => {
    const bombs: Record<string, string> = {
      'alias bomb': `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`).join()}]`).join('\n')}\nseed: *h\n`,
      'flow nesting': '['.repeat(2e5),
      'map nesting': '{a: '.repeat(6e4),
      'explicit keys': '? '.repeat(1e5),
      'explicit keys, by line': '?\n'.repeat(1e5),
      'list nesting': '- '.repeat(1e5),
      indentation: Array.from({ length: 700 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
      'too large': `prompt: ${'x'.repeat(3e5)}\n`,
      'long prompt': `prompt: ${'x'.repeat(1e5)}\n`,
      'many keys': 'kkk: v\n'.repeat(3e4),
      'a long list': `seed: [${'1,'.repeat(1e5)}]\n`,
      'many errors': 'a: ]\n'.repeat(5e4),
      'a cycle': 'seed: &s [*s]\n',
      'aliases of one anchor': `run_name: &a 1\n${'flux_name: *a\n'.repeat(4000)}`,
      'an anchor for each alias': `${Array.from({ length: 4000 }, (_, i) => `run_name: &a${i} 1\n`).join('')}seed: [*a0${',*a9'.repeat(4000)}]\n`,
      'returns without line feeds': '\r'.repeat(2.5e5),
      'many small values': `seed:\n${'- 1\n'.repeat(6e4)}`,
      'a number in base 60': `seed: 1${':1'.repeat(1.2e5)}\n`,
    };
    for (const [name, text] of Object.entries(bombs)) {
      const start = performance.now();
      assert.throws(() => loadConfig({ file: yaml(text) }), fails('bad_config', /case\.yml/), name);
      // They would take hours; the limit leaves room for a busy machine.
      assert.ok(performance.now() - start < 60_000, `${name} took ${Math.round(performance.now() - start)} ms`);
    }
  });

  test('500 mutations of files and command lines: a configuration or a FluxionError', () => {
    const random = mulberry32(1);
    const files = ['tiny', 'schnell', 'dev'].map((name) =>
      readFileSync(findConfigFile(`base_flux_${name}.yml`), 'utf8'),
    );
    const words = COMMAND_LINES.flatMap(({ argv }) => argv.slice(1));
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 500; i++) {
      const start = performance.now();
      try {
        if (i % 2 === 0) loadConfig({ file: yaml(mutate(files[i % files.length]!, random)) });
        else {
          const argv = Array.from({ length: 3 }, () => mutate(words[Math.floor(random() * words.length)]!, random));
          const { file, overrides } = splitArguments(argv);
          loadConfig({ file, overrides });
        }
        outcomes.read++;
      } catch (error) {
        assert.ok(error instanceof FluxionError, `case ${i}: ${error instanceof Error ? error.stack : error}`);
        outcomes.refused++;
      }
      assert.ok(performance.now() - start < 30_000, `case ${i} is slow`);
    }
    assert.ok(outcomes.read > 50 && outcomes.refused > 50, JSON.stringify(outcomes));
  });
});

/** A small seeded generator of numbers in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const SPICE = ['[', ']', '{', '}', ': ', '- ', '? ', '&a ', '*a', '!!x ', '"', "'", '\n', '\t', '\0', '#', '%', '|', '>', '=', '--', '~', '\u{1f600}', '\ud800', '<<: ', '1e999', '-', '\u2028', '---\n', '...\n']; // biome-ignore format: one list

/** Cuts, repeats, swaps or spices `text` in one to four places. */
function mutate(text: string, random: () => number): string {
  let result = text;
  for (let n = 1 + Math.floor(random() * 4); n > 0; n--) {
    const at = Math.floor(random() * (result.length + 1));
    const length = Math.floor(random() * 12);
    const piece = result.slice(at, at + length);
    const spice = SPICE[Math.floor(random() * SPICE.length)]!;
    const cut = random() < 0.5 ? '' : piece;
    const added = random() < 0.7 ? spice : piece.repeat(1 + Math.floor(random() * 3));
    result = result.slice(0, at) + cut + added + result.slice(at + length);
  }
  return result;
}
