/**
 * A model in a worker thread. Steps of Fluxion do not block the event loop; a thread of its own also keeps tokenizing, PNG encoding and
 * reading of weights off the main thread: node examples/worker-thread.ts
 */

import { writeFile } from 'node:fs/promises';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Flux } from 'fluxion';

/** What the main thread asks for. */
interface Job {
  readonly prompt: string;
  readonly seed: number;
}

/** What the worker tells: steps, then the picture as a PNG. */
type Message = { readonly step: number; readonly steps: number } | { readonly png: Uint8Array };

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  worker.postMessage({ prompt: 'a white sailboat on the ocean at noon', seed: 1 } satisfies Job);
  worker.on('message', async (message: Message) => {
    if ('step' in message) return console.error(`step ${message.step} of ${message.steps}`);
    await writeFile('boat.png', message.png);
    console.log('boat.png');
  });
} else {
  const port = parentPort!;
  port.once('message', async ({ prompt, seed }: Job) => {
    await using flux = await Flux.load('tiny');
    for await (const event of flux.stream({ prompt, seed })) {
      if (event.type === 'step') port.postMessage({ step: event.step, steps: event.steps } satisfies Message);
      if (event.type === 'image') port.postMessage({ png: await event.image.png() } satisfies Message);
    }
  });
}
