/**
 * Names and texts that would steer a terminal, through every command that prints what is in a file, in an answer or on the command
 * line: none reaches standard output or standard error as it is, with and without --json, and none passes for a line of ours.
 */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { addTexts } from '../../src/picture/png.ts';
import { fluxion, temporaryFolder } from '../support/command-line.ts';
import { Commands } from '../support/commands.ts';
import { repositoryPath } from '../support/fixture.ts';
import { ggufBytes } from '../support/gguf-file.ts';
import { HubServer, repoOf } from '../support/hub-server.ts';
import { drawer, loraFile } from '../support/lora.ts';
import { headerBytes } from '../support/memory-file.ts';

/** A title, the clipboard, colours, C1, DEL, bidirectional and zero-width characters, and lines that look like ours. */
const STEERING = '\x1b]0;owned\x07\x1b]52;c;QQ==\x1b\\\x1b[31m\x9b2J\x7f\u202egnp\u2066\u200b\u2028\n';
const HOSTILE = `x${STEERING}hint: run me`;
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const LONG = 'k'.repeat(1 << 20);

const commands = new Commands();
after(() => commands[Symbol.asyncDispose]());

interface Case {
  readonly args: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command line twice, once for people and once with --json, and looks at all that it prints. */
async function isSafe(name: string, cwd: string, { args, input, env }: Case): Promise<void> {
  const look = async (...more: readonly string[]) => {
    const words = [args[0]!, ...more, ...args.slice(1)];
    const own = input !== undefined || env?.['FLUXION_LOG'] !== undefined;
    const { stdout, stderr } = await (own
      ? fluxion(words, { cwd, ...(input !== undefined && { input }), ...(env && { env }) })
      : commands.run(words, { cwd, ...(env && { env }) }));
    const printed = stdout + stderr;
    assert.ok(printed.length > 0, `${name}: nothing is printed`);
    assert.doesNotMatch(printed.replaceAll('\n', ''), UNSAFE, `${name}: ${JSON.stringify(printed.slice(0, 500))}`);
    assert.doesNotMatch(printed, /^hint: run me/m, name);
    assert.ok(stderr.length < 50_000, `${name}: ${stderr.length} characters on standard error`);
    if (more.length > 0) JSON.parse(stdout);
    else assert.ok(stdout.length < 100_000, `${name}: ${stdout.length} characters on standard output`);
  };
  await Promise.all([look(), look('--json')]);
}

const draw = drawer(1);
const one = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
const safetensors = (header: unknown) => Buffer.concat([headerBytes(header), Buffer.alloc(4)]);

test('files with weights', async () => {
  using folder = temporaryFolder();
  const write = (name: string, bytes: Uint8Array) => {
    writeFileSync(folder.file(name), bytes);
    return name;
  };
  const gguf = (name: string, key: string, value: string) =>
    ggufBytes([{ name, type: 0, shape: [1], data: new Uint8Array(4) }], { text: [[key, value]] });
  const files = [
    write('key.safetensors', safetensors({ [HOSTILE]: one })),
    write('long.safetensors', safetensors({ [LONG]: one })),
    write('metadata.safetensors', safetensors({ __metadata__: { [HOSTILE]: HOSTILE, long: LONG }, a: one })),
    write('dtype.safetensors', safetensors({ a: { ...one, dtype: HOSTILE } })),
    write('bidi.safetensors', safetensors({ 'a\u202eb\x9b2J\u200b': one })),
    write('name.gguf', gguf(HOSTILE, 'general.name', 'x')),
    write('text.gguf', gguf('a', 'general.name', HOSTILE)),
    write('key.gguf', gguf('a', HOSTILE, LONG)),
    write(
      'x.safetensors.index.json',
      Buffer.from(JSON.stringify({ weight_map: { [HOSTILE]: `${HOSTILE}.safetensors` } })),
    ),
  ];
  for (const file of files) {
    await isSafe(`inspect ${file}`, folder.path, { args: ['inspect', file] });
    if (file.endsWith('.json')) continue;
    await isSafe(`lora ${file}`, folder.path, { args: ['generate', 'a', '--lora', file] });
    await isSafe(`transformer ${file}`, folder.path, { args: ['generate', 'a', `transformer=${file}`] });
  }
  await isSafe('convert', folder.path, { args: ['convert', 'key.safetensors', 'out.gguf'] });
});

test('a LoRA whose keys, name and metadata are hostile', async () => {
  using folder = temporaryFolder();
  const path = loraFile({
    'transformer.transformer_blocks.0.attn.to_q.lora_A.weight': draw(2, 256),
    'transformer.transformer_blocks.0.attn.to_q.lora_B.weight': draw(256, 2),
    'odd\x9b2J\u202e.weight': draw(1),
  });
  await isSafe('inspect', folder.path, { args: ['inspect', path] });
  await isSafe('generate', folder.path, { args: ['generate', 'a', '--lora', path, '--dry-run'] });
});

test('model folders', async () => {
  using folder = temporaryFolder();
  for (const [file, change] of [
    ['transformer/config.json', { [HOSTILE]: 1, num_layers: HOSTILE }],
    ['vae/config.json', { _class_name: HOSTILE }],
    ['model_index.json', { _class_name: HOSTILE, transformer: [HOSTILE, HOSTILE] }],
    ['tokenizer/tokenizer_config.json', { bos_token: HOSTILE }],
  ] as const) {
    const model = folder.file(file.replaceAll('/', '-'));
    cpSync(repositoryPath('models/tiny'), model, { recursive: true });
    const path = join(model, file);
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }));
    await isSafe(`inspect ${file}`, folder.path, { args: ['inspect', model] });
    await isSafe(`generate ${file}`, folder.path, {
      args: ['generate', 'a', `pretrained_model_name_or_path=${model}`, '--dry-run'],
    });
  }
});

test('texts of pictures', async () => {
  using folder = temporaryFolder();
  const pixels = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const recipe = { fluxion: HOSTILE, prompt: HOSTILE, model: { name: HOSTILE }, [HOSTILE]: 1 };
  const pictures: Record<string, Record<string, string>> = {
    parameters: { parameters: `${HOSTILE}\n${LONG}` },
    recipe: { fluxion: JSON.stringify(recipe) },
    broken: { fluxion: HOSTILE },
  };
  for (const [name, texts] of Object.entries(pictures)) {
    writeFileSync(folder.file(`${name}.png`), addTexts(pixels, texts));
    await isSafe(`inspect ${name}`, folder.path, { args: ['inspect', `${name}.png`] });
    await isSafe(`redo ${name}`, folder.path, { args: ['redo', `${name}.png`] });
  }
});

test('configurations, prompts, paths and words of the command line', async () => {
  using folder = temporaryFolder();
  const word = `x${STEERING}hint: run me`;
  const yaml = (name: string, text: string) => {
    writeFileSync(folder.file(name), text);
    return name;
  };
  const quoted = JSON.stringify(HOSTILE);
  const odd = `o\u202e\x9b2J\x1b[31m`;
  mkdirSync(folder.file(odd));
  const cases: Record<string, Case> = {
    command: { args: [word] },
    flag: { args: ['generate', `--${word}`, 'a'] },
    key: { args: ['generate', 'a', `${odd}=1`] },
    value: { args: ['generate', 'a', `noise=${word}`] },
    model: { args: ['generate', 'a', `pretrained_model_name_or_path=${word}`] },
    'yaml key': { args: ['generate', 'a', yaml('key.yml', `${quoted}: 1\n`)] },
    'yaml value': { args: ['generate', 'a', yaml('value.yml', `noise: ${quoted}\nresolution: ${quoted}\n`)] },
    'yaml syntax': { args: ['generate', 'a', yaml('syntax.yml', `a: [${quoted}\n${STEERING}`)] },
    'yaml run name': {
      args: [
        'generate',
        'a',
        'resolution=64',
        'num_inference_steps=1',
        yaml('run.yml', `run_name: ${quoted}\nflux_name: ${quoted}\n`),
      ],
    },
    prompt: { args: ['generate', '-', 'resolution=64', 'num_inference_steps=1', `output_dir=${odd}`], input: word },
    'prompt with a tag': { args: ['generate', `a <lora:${odd}:1>`] },
    'inspect path': { args: ['inspect', word] },
    'pull name': { args: ['pull', `a/${word}`] },
    'redo path': { args: ['redo', word] },
    'convert path': { args: ['convert', word, 'out.gguf'] },
    'plugins action': { args: ['plugins', word] },
    'plugins path': { args: ['plugins', 'add', word] },
    'compile target': { args: ['compile', '--target', word] },
    'log level': { args: ['inspect', word], env: { FLUXION_LOG: 'debug' } },
  };
  for (const [name, run] of Object.entries(cases)) await isSafe(name, folder.path, run);
});

test('answers of a hub: names of files, bodies of errors, headers', async () => {
  using folder = temporaryFolder();
  const repo = repoOf(repositoryPath('models/tiny'));
  const extraEntries = [
    { type: 'file', path: HOSTILE, size: 1, oid: HOSTILE },
    { type: HOSTILE, path: LONG },
  ];
  await using hub = await HubServer.start({ 'me/tiny': { ...repo, extraEntries } });
  const env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: folder.file('hub'), FLUXION_LOG: 'debug' };
  await isSafe('list', folder.path, { args: ['pull', 'me/tiny'], env });
  const headers = { 'x-error-message': 'x\x9b2J\x85y', 'x-error-code': '\x9bRepo', location: 'http://x\x9b/' };
  for (const status of [400, 403, 404]) {
    hub.fault = () => ({ status, headers, body: JSON.stringify({ error: HOSTILE + LONG }) });
    await isSafe(`status ${status}`, folder.path, { args: ['pull', 'me/other'], env });
  }
  hub.fault = () => ({ status: 200, body: HOSTILE });
  await isSafe('no JSON', folder.path, { args: ['pull', 'me/other'], env });
});
