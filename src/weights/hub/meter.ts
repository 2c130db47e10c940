/** The progress of a download, for people and programs. */

import type { PullProgress } from '../../api/load.ts';
import type { RemoteFile } from './files.ts';
import { missingBytes, type Transfer } from './transfer.ts';

/** Called with a line a person can read, and the same as data. */
export type OnPullProgress = (message: string, progress: PullProgress) => void;

/** Seconds over which the rate is measured, and milliseconds between reports. */
const WINDOW = 5;
const REPORT = 100;

/** Counts received bytes and reports progress. */
export class Meter {
  readonly #repo: string;
  readonly #onProgress: OnPullProgress | undefined;
  #bytes = 0;
  #totalBytes = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;
  /** Samples within the window: seconds and bytes so far. */
  #samples: { readonly at: number; readonly bytes: number }[] = [];

  constructor(repo: string, onProgress: OnPullProgress | undefined) {
    this.#repo = repo;
    this.#onProgress = onProgress;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  begin(files: readonly RemoteFile[], transfers: readonly Transfer[]): void {
    this.#totalBytes = files.reduce((sum, { size }) => sum + size, 0);
    this.#bytes = this.#totalBytes - missingBytes(transfers);
    if (transfers.length > 0) this.#downloading();
  }

  add(count: number): void {
    this.#bytes += count;
    if (performance.now() - this.#reportedAt >= REPORT) this.#downloading();
  }

  check({ path }: RemoteFile): void {
    // While other files are still downloading, their progress says more.
    if (this.#bytes >= this.#totalBytes) this.say('checking', `checking ${path}`);
  }

  say(phase: PullProgress['phase'], message: string): void {
    const bytesPerSecond = phase === 'downloading' ? this.#rate() : 0;
    this.#reportedAt = performance.now();
    this.#onProgress?.(message, { phase, bytes: this.#bytes, totalBytes: this.#totalBytes, bytesPerSecond });
  }

  #downloading(): void {
    this.say('downloading', `downloading ${this.#repo}`);
  }

  #rate(): number {
    const now = { at: performance.now() / 1000, bytes: this.#bytes };
    this.#samples = [...this.#samples.filter(({ at }) => now.at - at <= WINDOW), now];
    const first = this.#samples[0]!;
    return now.at > first.at ? Math.max(0, (now.bytes - first.bytes) / (now.at - first.at)) : 0;
  }
}
