/**
 * One of several processes with one client: says what it sees of the mesh and what comes out of it, as a line of JSON. Words:
 * the URL of the store, the name of the run, node_id, num_nodes, the sizes of the mesh, and the folder of compiled programs.
 */

import { shard } from '../../src/xla/graph/sharding.ts';
import { spec, trace } from '../../src/xla/graph/trace.ts';
import { Weights } from '../../src/xla/graph/weights.ts';
import { Runtime } from '../../src/xla/runtime/runtime.ts';
import { placedWeights } from './placed-weights.ts';

const [url, run, id, count, ici, cacheDir] = process.argv.slice(2) as [string, string, string, string, string, string];
const stopping = new AbortController();
process.on('SIGINT', () => stopping.abort(new Error('stopped')));
const ROWS = 4;
const COLUMNS = 3;

try {
  await using runtime = await Runtime.open({
    device: 'cuda',
    cacheDir,
    nodes: { id: Number(id), count: Number(count), store: { url, run } },
    mesh: { ici: JSON.parse(ici) },
    signal: stopping.signal,
    onProgress: (message) => console.error(message),
  });
  const { client, devices, local } = runtime;
  const axes = ['activation_batch', null];
  const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => i);
  // Copies are real on the stand-in, kernels are not: the program turns nothing round that would take one.
  const copy = trace('copy', new Weights('f32', 'f32'), { x: spec('f32', [ROWS, COLUMNS], axes) }, ({ x }) => ({
    y: shard(x, axes),
  }));
  const program = await runtime.compile(copy);
  using x = await runtime.upload(values, 'f32', [ROWS, COLUMNS], axes);
  using whole = await runtime.upload(values, 'f32', [ROWS, COLUMNS]);
  const { y } = await program.start({ x });
  // Whole on every device: what each has is gathered by all, of the second array by way of groups along another axis.
  const gather = trace(
    'gather',
    new Weights('f32', 'f32'),
    { x: spec('f32', [ROWS, COLUMNS], axes), w: spec('f32', [ROWS, COLUMNS], ['embed', null]) },
    ({ x, w }) => ({ x: shard(x, [null, null]), w: shard(w, [null, null]) }),
  );
  using w = await runtime.upload(values, 'f32', [ROWS, COLUMNS], ['embed', null]);
  const gathering = await runtime.compile(gather);
  const gathered = await gathering.start({ x, w });
  const host = async (array: typeof x) => [...new Float32Array((await array.toHost()).buffer)];
  const answer = {
    devices: client.devices.map(({ id, processIndex, kind }) => ({ id, processIndex, kind })),
    addressable: client.addressableDevices.map((device) => device.id),
    mesh: devices.map((device) => device.id),
    local,
    name: runtime.deviceName,
    nodes: runtime.nodes,
    partitions: program.executables[0]!.addressableDevices.map((device) => device.id),
    share: runtime.share(ROWS),
    placed: x.arrays.map((array) => ({ device: array.device.id, shape: array.shape })),
    x: await host(x),
    y: await host(y!),
    whole: await host(whole),
    gathered: [await host(gathered['x']!), await host(gathered['w']!)],
    compiled: { ...runtime.compiled },
    weights: await placedWeights(runtime),
    memory: [runtime.availableMemory, runtime.hostMemory],
    same: await runtime.requireSame('the same').then(() => 'the same'),
    other: await runtime.requireSame(`of process ${id}`).catch((error: Error) => error.message),
  };
  y![Symbol.dispose]();
  for (const array of Object.values(gathered)) array[Symbol.dispose]();
  process.stdout.write(`${JSON.stringify(answer)}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: (error as Error).message })}\n`);
}
// The plugin keeps threads.
process.exit(0);
