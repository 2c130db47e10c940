/**
 * Command lines run one after the other in one process, which starts once: for tests of many of them that look at what is printed and
 * at exit statuses. Run as a program it is that process, and takes them from the one that started it.
 */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Finished, programEnvironment, type RunOptions } from './command-line.ts';

interface CommandRequest {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The process; what it reads when it is loaded, such as FLUXION_LOG, and signals and standard input are for `fluxion`. */
export class Commands implements AsyncDisposable {
  readonly #child: ChildProcess = fork(fileURLToPath(import.meta.url), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `fluxion` with the given words once those before have ended. */
  run(args: readonly string[], { cwd, env = {} }: Pick<RunOptions, 'cwd' | 'env'>): Promise<Finished> {
    const finished = this.#last.then(() => {
      const { promise, resolve, reject } = Promise.withResolvers<Finished>();
      const ended = (code: number | null) => reject(new Error(`fluxion ${args.join(' ')} ended its process: ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (answer) => {
        this.#child.off('exit', ended);
        resolve(answer as Finished);
      });
      this.#child.send({ args, cwd, env: programEnvironment(env) } satisfies CommandRequest);
      return promise;
    });
    this.#last = finished.catch(() => {});
    return finished;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#child.once('exit', () => resolve());
    this.#child.kill('SIGKILL');
    await promise;
  }
}

async function serve(): Promise<void> {
  const { run } = await import('../../src/cli/main.ts');
  const { guard } = await import('../../src/cli/terminal/terminal.ts');
  let printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
      printed[name] += Buffer.from(chunk as string).toString();
      for (const done of rest) if (typeof done === 'function') done();
      return true;
    }) as typeof process.stdout.write;
    guard(process[name]);
  }
  process.on('message', async ({ args, cwd, env }: CommandRequest) => {
    process.chdir(cwd);
    process.env = env;
    printed = { stdout: '', stderr: '' };
    const status = await run(args, new AbortController().signal);
    process.send!({ status, ...printed } satisfies Finished);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve();
