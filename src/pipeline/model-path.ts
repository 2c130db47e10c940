/** Where a model is read from: the one that comes with the program, a path, or a name on the Hugging Face hub. */

import { BUNDLED, BUNDLED_FOLDER } from '../families/flux1/published.ts';
import { userPath } from '../support/user-path.ts';
import { kindOf } from '../weights/files/file-bytes.ts';
import { type ModelParts, modelName } from '../weights/folders/model-source.ts';
import { hubFolder, type OnPullProgress, parseHubName } from '../weights/hub/hub.ts';

export type { PullProgress } from '../weights/hub/hub.ts';

export interface FindOptions extends ModelParts {
  /** Branch, tag or commit of a model on the hub. */
  readonly revision?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnPullProgress;
}

/** Options that are paths. */
const PATHS = ['transformer', 'clip', 't5', 'vae', 'tokenizer', 'loraDir', 'cacheDir'] as const;

/** Returns options whose paths have `~` and `$HOME` expanded. Throws `bad_config` for addresses such as `gs://bucket`. */
export function withUserPaths<T extends { readonly [K in (typeof PATHS)[number]]?: string | undefined }>(
  options: T,
): T {
  const expanded = PATHS.flatMap((name) => {
    const path = options[name];
    return typeof path === 'string' ? [[name, userPath(path)] as const] : [];
  });
  return { ...options, ...Object.fromEntries(expanded) };
}

/** The parts that can be given, and the components whose weights they stand in for. */
const PARTS = [
  ['transformer', 'transformer'],
  ['clip', 'text_encoder'],
  ['t5', 'text_encoder_2'],
  ['vae', 'vae'],
] as const;

/**
 * Finds a model's folder or file, and what to call it. A name on the hub, which a path of that name goes before, is looked up in the
 * cache, then downloaded, but for the weights of parts that are given.
 */
export async function findModel(model: string, options: FindOptions): Promise<{ path: string; name: string }> {
  const named = (path: string, name: string) => ({
    path,
    name: options.transformer === undefined ? name : modelName(path, options),
  });
  if (model === BUNDLED) return named(BUNDLED_FOLDER, BUNDLED);
  const onHub = kindOf(model) === 'missing' ? parseHubName(model, options.revision) : undefined;
  if (!onHub) return named(model, modelName(model, options));
  const without = PARTS.filter(([part]) => options[part] !== undefined).map(([, component]) => component);
  const { signal, onProgress } = options;
  return named(await hubFolder(onHub, { signal, onProgress, without }), onHub.repo);
}
