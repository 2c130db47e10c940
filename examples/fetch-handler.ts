/**
 * Pictures over HTTP as server-sent events. `handler` takes a Request and returns a Response, so that it fits Hono, Next.js, Bun, Deno or
 * the adapter below: node examples/fetch-handler.ts, then open http://localhost:3000/?prompt=a+white+house+on+green+hills+at+sunrise
 */

import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { Flux, FluxionError } from 'fluxion';

/** Makes a handler that answers ?prompt=…&seed=…&steps=… with events `step`, `image` (a data URL) and `error`. */
function handlerFor(flux: Flux): (request: Request) => Response {
  return ({ url, signal: left }) => {
    const { searchParams } = new URL(url);
    const prompt = searchParams.get('prompt') ?? '';
    const seed = Number(searchParams.get('seed') ?? 0);
    const steps = Number(searchParams.get('steps') ?? 8);
    const stop = new AbortController();
    const signal = AbortSignal.any([left, stop.signal]);

    async function* events(): AsyncGenerator<string> {
      const send = (type: string, data: unknown) => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
      try {
        for await (const event of flux.stream({ prompt, seed, steps, signal })) {
          if (event.type === 'step') yield send('step', { step: event.step, steps: event.steps });
          if (event.type === 'image') {
            const png = Buffer.from(await event.image.png()).toString('base64');
            yield send('image', { url: `data:image/png;base64,${png}` });
          }
        }
      } catch (error) {
        if (signal.aborted) return; // the client has left
        // A FluxionError's message is safe to show; anything else is for the log.
        if (!(error instanceof FluxionError)) console.error(error);
        yield send('error', { message: error instanceof FluxionError ? error.message : 'internal error' });
      }
    }

    const iterator = events();
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { value, done } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => stop.abort(),
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } });
  };
}

/** Serves a handler by Node's own server; resolves to its address. */
async function serve(
  handler: (request: Request) => Response,
  port: number,
): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((incoming, outgoing) => {
    const left = new AbortController();
    outgoing.on('close', () => left.abort());
    const request = new Request(new URL(incoming.url ?? '/', 'http://localhost'), { signal: left.signal });
    const { status, headers, body } = handler(request);
    outgoing.writeHead(status, Object.fromEntries(headers));
    if (body)
      Readable.fromWeb(body)
        .on('error', () => outgoing.destroy())
        .pipe(outgoing);
    else outgoing.end();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const flux = await Flux.load('tiny');
const server = await serve(handlerFor(flux), Number(process.env['PORT'] ?? 3000));
console.log(server.url);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    await server[Symbol.asyncDispose]();
    await flux.close();
  });
}
