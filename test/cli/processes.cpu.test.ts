/** Several processes with a client each: together they make the pictures that one process makes on as many devices, under the same numbers. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { comparePictures } from '../../src/cli/pictures/compare.ts';
import { BatchShare } from '../../src/engine/batch-share.ts';
import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { Flux, type Image, type LoadOptions, type Request, requireRecipe } from '../../src/index.ts';
import { Autoencoder } from '../../src/pipeline/decode.ts';
import { latentSize, packLatents } from '../../src/sampling/latents.ts';
import { openPipelineFolder } from '../../src/weights/folders/pipeline-folder.ts';
import { openMapped, Runtime } from '../../src/xla/runtime/runtime.ts';
import { assertClose } from '../support/close.ts';
import { type Finished, fluxion, temporaryFolder } from '../support/command-line.ts';
import { Commands } from '../support/commands.ts';
import { repositoryPath } from '../support/fixture.ts';
import { noise } from '../support/noise.ts';

const RANDOM = repositoryPath('test/fixtures/random-flux');

interface Report {
  readonly files: readonly { readonly path: string; readonly index: number; readonly seed: number }[];
  readonly node_id?: number;
  readonly num_nodes?: number;
  readonly device: string;
  readonly programs: { readonly compiled: number; readonly from_cache: number };
  readonly warnings: readonly string[];
}

function generate(cwd: string, ...words: string[]): Promise<Finished> {
  const common = [
    'weights_dtype=float32',
    'activations_dtype=float32',
    `pretrained_model_name_or_path=${RANDOM}`,
    'prompt=green hills',
    'resolution=64',
    'num_inference_steps=2',
  ];
  return fluxion(['generate', ...common, '--json', ...words], { cwd });
}

async function made(run: Promise<Finished>): Promise<Report> {
  const { status, stdout, stderr } = await run;
  assert.equal(status, 0, stderr + stdout);
  return JSON.parse(stdout) as Report;
}

const pictures = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.png'))
    .sort();

describe('command lines', () => {
  test('two processes of two devices each write the files of one process with four', async () => {
    using folder = temporaryFolder();
    const one = await made(generate(folder.path, 'seed=7', 'cpu_devices=4', 'output_dir=one'));
    assert.deepEqual(
      one.files.map(({ index }) => index),
      [0, 1, 2, 3],
    );
    assert.equal(one.num_nodes, undefined);
    const node = (id: number) =>
      made(generate(folder.path, 'seed=7', 'cpu_devices=2', 'num_nodes=2', `node_id=${id}`, 'output_dir=two'));
    const [first, second] = await Promise.all([node(0), node(1)]);
    assert.deepEqual(
      first.files.map(({ index, seed }) => [index, seed]),
      [
        [0, 7],
        [1, 8],
      ],
    );
    assert.deepEqual(
      second.files.map(({ index, seed }) => [index, seed]),
      [
        [2, 9],
        [3, 10],
      ],
    );
    assert.deepEqual([second.node_id, second.num_nodes, second.device], [1, 2, '2 × cpu']);
    assert.deepEqual(pictures(folder.file('two')), ['flux_0.png', 'flux_1.png', 'flux_2.png', 'flux_3.png']);
    for (const name of pictures(folder.file('one'))) {
      const [expected, found] = ['one', 'two'].map((run) => readFileSync(join(folder.path, run, name)));
      const { identical, psnr } = await comparePictures(expected!, found!);
      // XLA deals out a CPU's threads by the number of devices, which decides the last bit of some sums: one value of a picture in 255, at most.
      assert.ok(identical || psnr === null || psnr! > 75, `${name}: PSNR ${psnr} dB`);
    }
    const [first0, first1] = ['flux_0.png', 'flux_1.png'].map((name) => readFileSync(folder.file(`one/${name}`)));
    assert.ok((await comparePictures(first0!, first1!)).psnr! < 60, 'the pictures are hard to tell from each other');
    const recipe = requireRecipe(readFileSync(folder.file('two/flux_3.png')), 'flux_3.png');
    assert.deepEqual([recipe.seed, recipe.batch], [10, { size: 4, index: 3 }]);

    const again = await generate(folder.path, 'seed=7', 'cpu_devices=2', 'num_nodes=2', 'node_id=1', 'output_dir=two');
    assert.equal(again.status, 1);
    assert.match(again.stderr, /two\/flux_2\.png already exists, and several processes number their pictures from 0/);
  });

  test('a process without a picture says so, and makes nothing', async () => {
    using folder = temporaryFolder();
    const idle = await made(generate(folder.path, 'batch=2', 'num_nodes=3', 'node_id=2', 'output_dir=out'));
    assert.deepEqual([idle.files, idle.programs], [[], { compiled: 0, from_cache: 0 }]);
    assert.match(idle.warnings.join(), /process 2 has nothing to do/);
  });

  test('what cannot be is refused before the model is looked at', async () => {
    using folder = temporaryFolder();
    await using commands = new Commands();
    const refused = async (message: RegExp, ...words: string[]) => {
      const args = ['generate', 'pretrained_model_name_or_path=org/model', ...words];
      const { status, stderr } = await commands.run(args, { cwd: folder.path });
      assert.match(stderr, message);
      assert.equal(status, 2, stderr);
    };
    await Promise.all([
      refused(/num_nodes=2 needs a node_id\n.*start the command 2 times, with node_id=0 to node_id=1/, 'num_nodes=2'),
      refused(/node_id=2: expected a whole number from 0 to 1, as num_nodes is 2/, 'num_nodes=2', 'node_id=2'),
      refused(/node_id=1: expected a whole number from 0 to 0/, 'node_id=1'),
      refused(
        /dcn_data_parallelism=3 .*asks for 3 processes, and there are 2/,
        'num_nodes=2',
        'node_id=0',
        'dcn_data_parallelism=3',
      ),
      refused(
        /dcn_fsdp_parallelism=2, and 2 processes that share no client share the batch alone/,
        'num_nodes=2',
        'node_id=0',
        'dcn_fsdp_parallelism=2',
        'dcn_data_parallelism=1',
      ),
      refused(
        /data_sharding or logical_axis_rules keep data from splitting it/,
        'num_nodes=2',
        'node_id=0',
        'data_sharding=[[fsdp]]',
      ),
      refused(/node_store needs a run_name/, 'num_nodes=2', 'node_id=0', 'node_store=valkey://localhost:1'),
      refused(
        /node_store=localhost: expected valkey:\/\/HOST:PORT/,
        'num_nodes=2',
        'node_id=0',
        'node_store=localhost',
        'run_name=a',
      ),
      refused(
        /node_store is for several processes, but num_nodes is 1/,
        'node_store=valkey://localhost:1',
        'run_name=a',
      ),
    ]);
  });
});

describe('in the library', () => {
  async function make(options: LoadOptions, request: Request): Promise<{ image: Image; index: number }[]> {
    await using flux = await Flux.load(RANDOM, { device: 'cpu', dtype: 'f32', ...options });
    const images: { image: Image; index: number }[] = [];
    for await (const event of flux.stream(request)) if (event.type === 'image') images.push(event);
    assert.deepEqual(
      images.map(({ index }) => index),
      flux.indices(request),
    );
    return images;
  }

  for (const noise of ['torch', 'jax'] as const) {
    test(`five pictures of two prompts by three processes, ${noise} noise`, async () => {
      const request = {
        prompt: ['green hills', 'the sea'], width: 64, height: 64, steps: 2, maxSequenceLength: 32, seed: 3, batch: 5, noise,
      }; // biome-ignore format: a request
      const one = await make({ cpuDevices: 6, mesh: { ici: { data: -1 } } }, request);
      const found = [];
      for (const id of [0, 1, 2])
        found.push(...(await make({ cpuDevices: 2, mesh: { ici: { data: -1 } }, nodes: { id, count: 3 } }, request)));
      found.sort((a, b) => a.index - b.index);
      assert.deepEqual(
        found.map(({ index }) => index),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
      );
      for (const [i, { image, index }] of found.entries()) {
        // Processes mix no prompts, which each would have to do alike.
        const apart = noise === 'torch' ? { batch: undefined } : {};
        if (noise === 'torch') assert.deepEqual(image.recipe.batch, { size: 5, index: index % 5 });
        assert.deepEqual({ ...image.recipe, ...apart }, { ...one[i]!.image.recipe, ...apart });
        const worst = image.data.reduce((most, v, at) => Math.max(most, Math.abs(v - one[i]!.image.data[at]!)), 0);
        assert.ok(worst <= 1, `picture ${index} differs by ${worst}`);
      }
    });
  }

  test('a process of one client decodes the pictures it holds, in its own seats', async () => {
    const folder = openPipelineFolder(FLUX1, RANDOM, { openFile: openMapped });
    await using runtime = await Runtime.open({
      device: 'cpu',
      cpuDevices: 2,
      mesh: { ici: { data: 2 } },
    });
    using autoencoder = new Autoencoder(folder, { compute: 'f32', storage: 'f32' });
    const size = latentSize(64, 64);
    const shape = [4, folder.vae.latentChannels, size.height, size.width] as const;
    const latents = packLatents(noise('torch', { seed: 3, shape, dtype: 'f32' }), shape);
    const pictures = async (held: Float32Array, rounds?: number) =>
      Array.fromAsync(autoencoder.decode(runtime, held, size, { rounds: rounds ?? 0 }), (pixels) => pixels.slice());
    const every = await pictures(latents);
    assert.equal(every.length, 4);
    // As one of two processes would see it, each with one device of the mesh; the other's part is computed and not looked at.
    for (const id of [0, 1]) {
      runtime.share = (batch) => {
        const slots = Math.ceil(batch / 2) * 2;
        const own = Array.from({ length: slots / 2 }, (_, i) => (id * slots) / 2 + i);
        return { slots, first: 0, held: own, own };
      };
      const share = new BatchShare(runtime, 3);
      assert.deepEqual(
        [share.slots, share.held, share.own, share.rounds],
        [4, id === 0 ? [0, 1] : [2], id === 0 ? [0, 1] : [2], 2],
      );
      const each = latents.length / 4;
      using all = await runtime.upload(latents, 'f32', [4, each]);
      const held = await share.latentsOf(all);
      assert.deepEqual(held, latents.slice(2 * id * each, (2 * id + share.held.length) * each));
      const found = await pictures(held, share.rounds);
      assert.equal(found.length, share.held.length);
      for (const [i, picture] of share.held.entries())
        assertClose(`picture ${picture}`, found[i]!, every[picture]!, { maxRelative: 1e-5 });
    }
  });
});
