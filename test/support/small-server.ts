/** A server on loopback with a small model of random weights, whose programs compile fast, and the library's pictures of the same model. */

import { Flux, type Request } from '../../src/index.ts';
import { createApp } from '../../src/server/app.ts';
import { Jobs } from '../../src/server/jobs.ts';
import { listen } from '../../src/server/listen.ts';
import { ModelHost } from '../../src/server/model-host.ts';
import { ApiKeys } from '../../src/server/security.ts';
import { Store } from '../../src/server/store.ts';
import { temporaryFolder } from './command-line.ts';
import { repositoryPath } from './fixture.ts';

export const SMALL = { width: 64, height: 48, steps: 8, maxSequenceLength: 16, prompt: 'a red house' } as const;

export class SmallServer implements AsyncDisposable {
  readonly url: string;
  readonly jobs: Jobs;
  readonly host: ModelHost;
  readonly #stack: AsyncDisposableStack;

  private constructor(url: string, jobs: Jobs, host: ModelHost, stack: AsyncDisposableStack) {
    this.url = url;
    this.jobs = jobs;
    this.host = host;
    this.#stack = stack;
  }

  /** Serves; with keys, one a line as `NAME:KEY`, whoever has one. `defaults` are those of requests. */
  static async start({
    keys = '',
    defaults,
  }: {
    readonly keys?: string;
    readonly defaults?: Partial<Request>;
  } = {}): Promise<SmallServer> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(temporaryFolder());
    const store = stack.use(new Store(folder.path));
    const open = () => Flux.load(repositoryPath('test/fixtures/random-flux'), { device: 'cpu', dtype: 'f32' });
    const host = stack.use(new ModelHost({ open }));
    const jobs = new Jobs({ store, host, defaults });
    const app = createApp({ jobs, host, store, security: { keys: ApiKeys.parse(keys, 'keys') } });
    const { url, close } = await listen((request) => app.fetch(request), { host: '127.0.0.1', port: 0 });
    stack.defer(() => close(jobs.drain(0)));
    await host.start();
    return new SmallServer(url, jobs, host, stack.move());
  }

  /** The PNGs of the library's pictures, in base64. */
  async library(request: Partial<Request>): Promise<string[]> {
    const images = await this.host.flux!.generate({ ...SMALL, ...request });
    return Promise.all(images.map(async (image) => Buffer.from(await image.png()).toString('base64')));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
