/**
 * A key-value server for tests: Valkey's or Redis' own where it is installed, and otherwise one that knows of their protocol
 * (RESP 2) what the store and its tests ask: GET, SET with PX and NX, DEL, PTTL and KEYS.
 */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';

export interface KeyValueServer extends AsyncDisposable {
  /** Of this server: a real one or ours. */
  readonly name: string;
  readonly url: string;
}

/** Valkey's or Redis' server where PATH has one. */
export const INSTALLED: string | undefined = ['valkey-server', 'redis-server']
  .flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

/** Starters of the servers that a test can use here, each on a free port: an installed one first, and always ours. */
export const SERVERS: readonly (() => Promise<KeyValueServer>)[] = [
  ...(INSTALLED === undefined ? [] : [() => installedServer(INSTALLED)]),
  ownServer,
];

async function installedServer(program: string): Promise<KeyValueServer> {
  const port = await freePort();
  const child = spawn(program, ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for await (const line of createInterface(child.stdout)) if (/ready to accept/i.test(line)) break;
  child.stdout.resume();
  return {
    name: program,
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

/** The server that comes with the tests. */
async function ownServer(): Promise<KeyValueServer> {
  const values = new Map<string, { readonly value: Buffer; readonly until: number }>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let words = takeCommand(pending); words; words = takeCommand(pending)) {
        pending = pending.subarray(words.length);
        socket.write(answer(words.list, values));
      }
    });
  });
  const port = await listening(server, 0);
  return {
    name: 'the server of the tests',
    url: `valkey://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  list: readonly Buffer[],
  values: Map<string, { readonly value: Buffer; readonly until: number }>,
): Buffer {
  const [name, key = '', ...rest] = list.map((word) => word.toString('latin1'));
  const bulk = (bytes: Buffer) => Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]);
  const found = values.get(key);
  const alive = found && found.until > Date.now() ? found.value : undefined;
  switch (name?.toUpperCase()) {
    case 'GET':
      return alive ? bulk(alive) : Buffer.from('$-1\r\n');
    case 'SET': {
      const words = rest.map((word) => word.toUpperCase());
      if (words.includes('NX') && alive) return Buffer.from('$-1\r\n');
      const life = words.includes('PX') ? Number(rest[words.indexOf('PX') + 1]) : Number.POSITIVE_INFINITY;
      values.set(key, { value: Buffer.from(list[2]!), until: Date.now() + life });
      return Buffer.from('+OK\r\n');
    }
    case 'DEL':
      return Buffer.from(`:${values.delete(key) ? 1 : 0}\r\n`);
    case 'PTTL':
      return Buffer.from(`:${alive ? Math.round(found!.until - Date.now()) : -2}\r\n`);
    case 'KEYS': {
      const keys = [...values.keys()].map((name) => bulk(Buffer.from(name, 'latin1')));
      return Buffer.concat([Buffer.from(`*${keys.length}\r\n`), ...keys]);
    }
    default:
      return Buffer.from(`-ERR unknown command '${name}'\r\n`);
  }
}

/** The first command of what has come so far: its words, and how many bytes it is long. */
function takeCommand(bytes: Buffer): { list: Buffer[]; length: number } | undefined {
  let at = 0;
  const line = (): string | undefined => {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return undefined;
    const text = bytes.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const count = line();
  if (count === undefined) return undefined;
  const list: Buffer[] = [];
  for (let i = 0; i < Number(count.slice(1)); i++) {
    const size = line();
    if (size === undefined || at + Number(size.slice(1)) + 2 > bytes.length) return undefined;
    list.push(bytes.subarray(at, at + Number(size.slice(1))));
    at += Number(size.slice(1)) + 2;
  }
  return { list, length: at };
}

/** A port that nothing listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server, 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}
