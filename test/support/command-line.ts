/** Runs the program as a user would: its own process, arguments, standard streams and exit status. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Recipe } from '../../src/index.ts';
import { requireRecipe } from '../../src/pipeline/recipe.ts';
import { repositoryPath } from './fixture.ts';

export const PROGRAM: string = repositoryPath('bin/fluxion.js');

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Fails with what was printed unless the program has ended well. */
export function succeeded(finished: Finished): Finished {
  assert.equal(finished.status, 0, `exit ${finished.status}\n${finished.stdout.slice(-2000)}\n${finished.stderr}`);
  return finished;
}

/** Reads the recipe out of a picture. */
export function recipeOf(path: string): Recipe {
  return requireRecipe(readFileSync(path), path);
}

export interface RunOptions {
  readonly cwd: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Sends this signal once standard error has text that matches `when`. */
  readonly interrupt?: { readonly when: RegExp; readonly signal: NodeJS.Signals };
  /** Closes our end of standard output at once. */
  readonly stdout?: 'closed';
}

/** Runs `fluxion` with the given words and resolves when it has ended. */
export function fluxion(args: readonly string[], options: RunOptions): Promise<Finished> {
  return run(process.execPath, [PROGRAM, ...args], options);
}

/** The environment of a program under test: without colours, personal settings and the tests' own cache of compiled code. */
export function programEnvironment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
  return { ...inherited, NO_COLOR: '1', FLUXION_CONFIG: '', ...env };
}

/** Runs any program. */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const { cwd, input = '', env, interrupt, stdout: wish } = options;
  const child = spawn(program, args, { cwd, env: programEnvironment(env) });
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  let stdout = '';
  let stderr = '';
  let interrupted = false;
  if (wish === 'closed') child.stdout.destroy();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    if (interrupt && !interrupted && interrupt.when.test(stderr)) {
      interrupted = true;
      child.kill(interrupt.signal);
    }
  });
  child.stdin.on('error', () => {}); // it need not read its input
  child.stdin.end(input);
  child.on('error', reject);
  child.on('close', (status) => resolve({ status, stdout, stderr }));
  return promise;
}

/** A new empty folder, removed when disposed. */
export function temporaryFolder(): Disposable & { readonly path: string; file(name: string): string } {
  const path = mkdtempSync(join(tmpdir(), 'fluxion-test-'));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
