/** A server on loopback with a small model of random weights, whose programs compile fast, and the library's pictures of the same model. */

import { Flux, type Request } from '../../src/index.ts';
import { type Listening, listen } from '../../src/server/listen.ts';
import { ApiKeys } from '../../src/server/security.ts';
import { RANDOM_MODEL, TestJobs } from './server.ts';

export const SMALL = { width: 64, height: 48, steps: 8, maxSequenceLength: 16, prompt: 'a red house' } as const;

export class SmallServer extends TestJobs {
  #listening: Listening | undefined;

  /** Serves; with keys, one a line as `NAME:KEY`, whoever has one. `defaults` are those of requests. */
  static async start({
    keys = '',
    defaults,
  }: {
    readonly keys?: string;
    readonly defaults?: Partial<Request>;
  } = {}): Promise<SmallServer> {
    const server = new SmallServer({
      open: (given) => Flux.load(RANDOM_MODEL, { device: 'cpu', dtype: 'f32', ...given }),
      defaults,
      app: { security: { keys: ApiKeys.parse(keys, 'keys') } },
    });
    server.#listening = await listen((request) => server.app.fetch(request), { host: '127.0.0.1', port: 0 });
    await server.host.start();
    return server;
  }

  get url(): string {
    return this.#listening!.url;
  }

  /** The PNGs of the library's pictures, in base64. */
  async library(request: Partial<Request>): Promise<string[]> {
    const images = await this.host.flux!.generate({ ...SMALL, ...request });
    return Promise.all(images.map(async (image) => Buffer.from(await image.png()).toString('base64')));
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening?.close(this.jobs.drain(0));
    await super[Symbol.asyncDispose]();
  }
}
