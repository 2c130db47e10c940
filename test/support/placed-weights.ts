/** All weights of a transformer placed on a mesh: what each device of this process holds of them, as one hash and a number of bytes. */

import { createHash } from 'node:crypto';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { fluxPrograms } from '../../src/models/flux.ts';
import { originOf } from '../../src/weights/folders/model-source.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { blocks, WeightSet, whole } from '../../src/weights/set.ts';
import { openMapped, type Runtime } from '../../src/xla/runtime/runtime.ts';
import { repositoryPath } from './fixture.ts';

export interface Held {
  readonly bytes: number;
  readonly hash: string;
}

/** Places the weights of the model with random ones, and returns what each device of this process holds, in the order of the mesh. */
export async function placedWeights(runtime: Runtime): Promise<Held[]> {
  const folder = openPipelineFolder(FLUX1, repositoryPath('test/fixtures/random-flux'), { openFile: openMapped });
  const { layers, singleLayers } = folder.transformer;
  const sizes = {
    batch: 4,
    prompts: 1,
    imageTokens: 16,
    textTokens: 16,
    steps: 1,
    compute: 'f32',
    storage: 'f32',
  } as const;
  const uses = Object.entries(fluxPrograms(folder.transformer, sizes)).flatMap(([name, traced]) =>
    name.startsWith('double')
      ? blocks(traced, 'double_blocks', layers)
      : name.startsWith('single')
        ? blocks(traced, 'single_blocks', singleLayers)
        : [whole(traced)],
  );
  using weights = new WeightSet(originOf(folder, 'transformer'), uses);
  const held = runtime.local.map(() => ({ bytes: 0, hash: createHash('sha256') }));
  for (const use of uses) {
    for (const { arrays } of await weights.arrays(runtime, use)) {
      for (const [i, array] of arrays.entries()) {
        const bytes = await array.toHost();
        held[i]!.bytes += bytes.length;
        held[i]!.hash.update(bytes);
      }
    }
  }
  return held.map(({ bytes, hash }) => ({ bytes, hash: hash.digest('hex') }));
}
