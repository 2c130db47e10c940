/** Where to read a model from: the bundled one, a path, or a name on the Hugging Face hub. */

import type { LoadOptions } from '../api/load.ts';
import { FLUX1, type Flux1Parts, PART_NAMES } from '../families/flux1/flux1.ts';
import { BUNDLED, BUNDLED_FOLDER } from '../families/flux1/published.ts';
import { userPath } from '../support/user-path.ts';
import { kindOf } from '../weights/files/file-bytes.ts';
import { modelName } from '../weights/folders/model-source.ts';
import { hubFolder, parseHubName } from '../weights/hub/hub.ts';

/** Options that are paths. */
const PATHS = [...PART_NAMES, 'loraDir', 'cacheDir'] as const;

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

/**
 * Finds a model's folder or file, and what to call it. A path wins over a hub name that is spelled the same. A model on
 * the hub is looked up in the cache, then downloaded, without the weights of parts that options give.
 */
export async function findModel(
  model: string,
  options: Flux1Parts & Pick<LoadOptions, 'revision' | 'signal' | 'onProgress'>,
): Promise<{ path: string; name: string }> {
  const named = (path: string, name: string) => ({
    path,
    name: options.transformer === undefined ? name : modelName(FLUX1, path, options),
  });
  if (model === BUNDLED) return named(BUNDLED_FOLDER, BUNDLED);
  const onHub = kindOf(model) === 'missing' ? parseHubName(model, options.revision) : undefined;
  if (!onHub) return named(model, modelName(FLUX1, model, options));
  const without = PART_NAMES.filter((part) => options[part] !== undefined);
  const { signal, onProgress } = options;
  return named(await hubFolder(FLUX1, onHub, { signal, onProgress, without }), onHub.repo);
}
