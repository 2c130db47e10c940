/** Serves a fetch handler on a socket of Node. */

import { once } from 'node:events';
import { createServer, type Server as HttpServer, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener, RequestError } from '@hono/node-server';
import { FluxionError } from '../support/errors.ts';
import { explained } from '../support/system-error.ts';
import { errorBody, errorResponse, Refusal } from './refusal.ts';

/** Time limits of a connection, in milliseconds. */
export interface ListenTimes {
  /** For headers to arrive, and for a whole request with its body. */
  readonly headers: number;
  readonly request: number;
  /** For a client that reads nothing of an answer that is ready. An answer that is not ready yet has no limit. */
  readonly unread: number;
  /** Without a request. Longer than proxies keep a connection: one might send a request just as the server closes it. */
  readonly idle: number;
}
const TIMES: ListenTimes = { headers: 20_000, request: 120_000, unread: 120_000, idle: 75_000 };
const MOST_CONNECTIONS = 2000;

/** Node's codes for requests that it cannot read, with our answers. */
const UNREADABLE: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions of the body are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
};

/** A server that listens. */
export interface Listening {
  /** For instance `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Takes no new connections; resolves when the open ones have ended. When `force` resolves, it ends them. */
  close(force?: Promise<unknown>): Promise<void>;
}

/** Listens at an address. Throws `io` if the address is taken or not available. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  { host, port, times }: { readonly host: string; readonly port: number; readonly times?: Partial<ListenTimes> },
): Promise<Listening> {
  const { headers, request, unread, idle } = { ...TIMES, ...times };
  const listener = getRequestListener((given) => fetch(given), { overrideGlobalObjects: false, errorHandler });
  // The listener refuses requests without a host, and says why; Node would not.
  const options = {
    headersTimeout: headers,
    requestTimeout: request,
    keepAliveTimeout: idle,
    requireHostHeader: false,
  };
  const server = createServer({ ...options, connectionsCheckingInterval: Math.min(headers, request) / 4 }, listener);
  server.maxConnections = MOST_CONNECTIONS;
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on('request', ({ socket }, answer) => {
    answers.set(socket, answer);
    // With pipelined requests, the socket may already have its next answer.
    answer.once('close', () => answers.get(socket) === answer && answers.delete(socket));
  });
  server.setTimeout(unread, (socket) => {
    if (!answers.has(socket) || socket.writableLength > 0) socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || answers.get(socket)?.headersSent) return socket.destroy();
    const [status, message] = UNREADABLE[error.code ?? ''] ?? [400, 'expected an HTTP request, found something else'];
    const body = JSON.stringify(errorBody(new Refusal(status, message)));
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw refused(error, `${host}:${port}`);
  }
  const { address, family, port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: (force) => close(server, force),
  };
}

/** Answers invalid requests, such as one without a host, and errors that the application did not handle. */
function errorHandler(error: unknown): Response {
  return errorResponse(error instanceof RequestError ? new Refusal(400, `the request: ${error.message}`) : error);
}

async function close(server: HttpServer, force: Promise<unknown> | undefined): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  void force?.then(() => server.closeAllConnections());
  await closed;
}

function refused(error: unknown, where: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new FluxionError('io', `${where}: another program listens there`, {
      hint: 'choose another port, as in --port 8001, or 0 for a free one',
    });
  }
  return explained(error, where);
}
