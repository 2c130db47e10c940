/** Sends an async iterable as server-sent events, at the pace of their reader. */

import { within } from '../support/until-aborted.ts';

/** One event: its name, if it has one, and its data as JSON. */
export interface SentEvent {
  readonly event?: string;
  readonly data: unknown;
}

/** Milliseconds of silence after which a comment keeps proxies from closing the connection. */
const SILENCE = 15_000;

/**
 * The answer that sends events as they come. If the client goes away, the iteration ends, and `left` aborts whatever it waits for.
 */
export function eventStream(
  events: (left: AbortSignal) => AsyncIterable<SentEvent>,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const left = new AbortController();
  const iterator = events(left.signal)[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<SentEvent>> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        pending ??= iterator.next();
        const result = await within(pending, SILENCE);
        if (!result) return controller.enqueue(encoder.encode(': waiting\n\n'));
        pending = undefined;
        if (result.done) return controller.close();
        controller.enqueue(encoder.encode(eventText(result.value)));
      },
      async cancel() {
        left.abort();
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    },
  });
}

/** An event as it is sent. JSON has no line breaks of its own. */
function eventText({ event, data }: SentEvent): string {
  const name = event === undefined ? '' : `event: ${event}\n`;
  return `${name}data: ${JSON.stringify(data)}\n\n`;
}
