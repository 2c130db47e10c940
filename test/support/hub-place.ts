/** A hub on this machine with the bundled model and an empty cache, and what is asked of a download. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { type ErrorCode, FluxionError } from '../../src/support/errors.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { type PullOptions, pullModel } from '../../src/weights/hub/hub.ts';
import { type HubSettings, hubSettings } from '../../src/weights/hub/settings.ts';
import { repositoryPath } from './fixture.ts';
import { commitOf, HubServer, repoOf, type ServedRepo } from './hub-server.ts';

export const root = mkdtempSync(join(tmpdir(), 'fluxion-hub-'));
process.once('exit', () => rmSync(root, { recursive: true, force: true }));

export const REPO = 'test/tiny';
export const MODEL = { repo: REPO, revision: 'main' } as const;
/** Fails fast: pauses of milliseconds. */
export const patience = { attempts: 5, firstPause: 1, longestPause: 8 } as const;
export const PIECE = 1 << 18;

export const TRANSFORMER = 'transformer/diffusion_pytorch_model.safetensors';
const { files } = repoOf(repositoryPath('models/tiny'));
/** The start of the transformer's file, since nothing here reads weights: three whole pieces and a part of one. */
export const transformer = files.get(TRANSFORMER)!.subarray(0, 3 * PIECE + 54_321);
/** The bundled model with short weights. */
export const bundled: ServedRepo = (() => {
  const short = new Map(
    [...files].map(([path, bytes]) => [path, path.endsWith('.safetensors') ? bytes.subarray(0, 200_000) : bytes]),
  ).set(TRANSFORMER, transformer);
  return { commit: commitOf(short), files: short };
})();

/** This model with other things that repositories hold. */
export const served: ServedRepo = (() => {
  const files = new Map(bundled.files);
  const extra = Buffer.alloc(3 << 20, 7);
  for (const name of ['flux1-tiny.safetensors', 'ae.safetensors', 'text_encoder/model.fp16.safetensors']) {
    files.set(name, extra);
  }
  for (const name of ['text_encoder/pytorch_model.bin', 'transformer/flax_model.msgpack', 'vae/model.onnx', 'a.jpg']) {
    files.set(name, Buffer.from(name));
  }
  files.set('text_encoder/onnx/model.onnx_data', Buffer.from('onnx'));
  return { commit: commitOf(files), files, refs: ['refs/pr/95', 'v1'] };
})();
/** Files of the bundled model that no pipeline needs. */
export const OTHER = ['README.md', 'scope.yml'];
export const needed = [...bundled.files.keys()].filter((path) => !OTHER.includes(path));

export interface Place extends AsyncDisposable {
  readonly server: HubServer;
  readonly settings: HubSettings;
  readonly env: Readonly<Record<string, string>>;
  readonly cache: string;
  /** `CACHE/models--test--tiny`. */
  readonly folder: string;
  pull(options?: PullOptions): Promise<string>;
}

/** A server and an empty cache. */
export async function place(repo: ServedRepo = served, overrides: Partial<HubSettings> = {}): Promise<Place> {
  const server = await HubServer.start({ [REPO]: repo });
  const cache = mkdtempSync(join(root, 'cache-'));
  const env = { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: cache, HF_HOME: join(cache, 'home') };
  const settings = { ...hubSettings(env), stallTime: 5000, ...overrides };
  return {
    server,
    settings,
    env,
    cache,
    folder: join(cache, 'models--test--tiny'),
    pull: (options) => pullModel(FLUX1, MODEL, { settings, patience, pieceSize: PIECE, ...options }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A snapshot has exactly the files a pipeline needs, with the bytes that were served. */
export function assertWhole(folder: string): void {
  const found = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(folder, name)).isFile());
  assert.deepEqual(found.sort(), needed.toSorted());
  for (const path of needed) assert.ok(readFileSync(join(folder, path)).equals(bundled.files.get(path)!), path);
  assert.equal(openPipelineFolder(FLUX1, folder).className, 'FluxPipeline');
}

/** Only what tells what a repository is was downloaded. */
export function assertNoWeights({ server }: Place): void {
  for (const { url } of server.downloads()) assert.match(url, /\/(model_index|config)\.json$/);
}

/** Nothing half-done lies in the cache. */
export function assertTidy(folder: string): void {
  const strays = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => /\.(incomplete|missing|tmp)$/.test(name));
  assert.deepEqual(strays, []);
}

export async function refused(work: Promise<unknown>, code: ErrorCode, ...patterns: RegExp[]): Promise<FluxionError> {
  const error = await work.then(
    () => assert.fail('it went through'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof FluxionError, error instanceof Error ? error.stack : String(error));
  assert.equal(error.code, code, error.message);
  for (const pattern of patterns) assert.match(`${error.message}\n${error.hint ?? ''}`, pattern);
  return error;
}
