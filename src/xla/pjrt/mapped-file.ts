/**
 * Files as memory: a read-only mapping whose ranges a device can use in place, without the file ever being read as a whole.
 *
 * Ownership: the mapping lives until the file is disposed and the last array that uses it in place is gone. Disposing the file detaches the
 * views handed out (their length becomes 0), so none can be read afterwards by mistake; arrays made from them stay good. A file that is cut
 * short while it is mapped ends the process with SIGBUS, as with any mapping: do not overwrite model files in place.
 */

import { closeSync } from 'node:fs';
import koffi from 'koffi';
import { log } from '../../support/log.ts';
import { checkRange, type FileBytes, ReadFile } from '../../support/regular-file.ts';
import { Handle } from './lifetime.ts';
import { addressOf, alignedBytes, type MemoryOwner, ownerOf, setOwner, viewNative } from './memory.ts';

/** The next use of bytes of a mapped file. */
export type Advice = 'soon' | 'done' | 'gone';

/** Opens a file as memory; where the system cannot map it (Windows, some network file systems), views are read into 64-byte aligned memory. */
export function openMapped(path: string): FileBytes {
  using opening = new DisposableStack();
  const file = opening.use(new ReadFile(path, alignedBytes));
  const { size, descriptor } = file;
  const base = mapDescriptor(descriptor, size);
  if (base === undefined && size > 0) log('debug', `${path} cannot be mapped; it is read instead`);
  const opened = base === undefined ? file : new MappedFile(path, size, base, descriptor);
  opening.move();
  return opened;
}

class MappedFile implements FileBytes, MemoryOwner {
  readonly path: string;
  readonly size: number;
  readonly #handle: Handle;
  readonly #base: bigint;
  readonly descriptor: number;
  /** The memory of views that may still be reachable, by range: viewing one range again and again leaves nothing behind. */
  readonly #views: Map<string, WeakRef<ArrayBuffer>>;

  constructor(path: string, size: number, base: bigint, descriptor: number) {
    const views = new Map<string, WeakRef<ArrayBuffer>>();
    this.path = path;
    this.size = size;
    this.#base = base;
    this.descriptor = descriptor;
    this.#views = views;
    this.#handle = new Handle(this, {
      kind: 'MappedFile',
      label: () => path,
      address: base,
      release: (address) => {
        detach(views);
        posix()!.munmap(address, size);
        closeSync(descriptor);
      },
    });
  }

  view(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const base = this.#handle.address;
    checkRange(this, offset, length);
    const range = `${offset} ${length}`;
    const known = this.#views.get(range)?.deref();
    if (known) return new Uint8Array(known);
    const buffer = viewNative(base + BigInt(offset), length);
    // The view keeps its file alive, and uploads find the file through it.
    setOwner(buffer, this);
    this.#views.set(range, new WeakRef(buffer));
    return new Uint8Array(buffer);
  }

  retain(): () => void {
    return this.#handle.retain();
  }

  get isOpen(): boolean {
    return !this.#handle.isEnded;
  }

  /** The offset in the file of an address within the mapping. */
  offsetOf(address: bigint): bigint {
    return address - this.#base;
  }

  [Symbol.dispose](): void {
    detach(this.#views);
    this.#handle.dispose();
  }
}

/** Whether bytes lie in a mapped file: views of it read nothing, and the system takes advice on them. */
export function isMapped(bytes: Uint8Array): boolean {
  return ownerOf(bytes) instanceof MappedFile;
}

/** Bytes that the system reads ahead by itself: asking for fewer costs a call on another thread and gains nothing. */
const READ_AHEAD = 128 << 10;

/** The queue of read-aheads: pieces are read in the order they are needed. */
let reading: Promise<void> = Promise.resolve();

/**
 * Advises the system on bytes of a mapped file: `soon` reads them ahead in the background; `done` drops them from this process's memory,
 * to be read again when needed; `gone` drops them from the page cache as well. Other bytes are ignored. Resolves when the system has
 * been told.
 */
export async function advise(bytes: Uint8Array, use: Advice): Promise<void> {
  const file = ownerOf(bytes);
  const calls = posix();
  if (!(file instanceof MappedFile) || !calls || bytes.length === 0) return;
  const page = BigInt(calls.pageSize);
  const start = addressOf(bytes);
  const end = start + BigInt(bytes.length);
  // Pages that are only partly covered are read ahead, but never dropped.
  const from = use === 'soon' ? start - (start % page) : start + ((page - (start % page)) % page);
  const to = use === 'soon' ? end : end - (end % page);
  if (to <= from) return;
  const length = Number(to - from);
  const ended = (call: Call | undefined, ...args: unknown[]) =>
    new Promise<void>((resolve) => (call ? call.async(...args, () => resolve()) : resolve()));
  // Advice may fail without harm, also if it arrives after the file was closed.
  if (use === 'soon') {
    if (length < READ_AHEAD) return;
    reading = reading.then(() => (file.isOpen ? ended(calls.madvise, from, length, MADV_WILLNEED) : undefined));
    return reading;
  }
  calls.madvise(from, length, MADV_DONTNEED);
  if (use === 'gone') await ended(calls.fadvise, file.descriptor, file.offsetOf(from), length, POSIX_FADV_DONTNEED);
}

function detach(views: Map<string, WeakRef<ArrayBuffer>>): void {
  for (const view of views.values()) view.deref()?.transfer(0);
  views.clear();
}

type Call = ReturnType<ReturnType<typeof koffi.load>['func']>;

interface MemoryCalls {
  mmap(at: null, length: number, protection: number, flags: number, descriptor: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  readonly madvise: Call;
  /** Linux alone has it. */
  readonly fadvise: Call | undefined;
  readonly pageSize: number;
}

const PROT_READ = 1;
const MAP_PRIVATE = 2;
const MADV_WILLNEED = 3;
const MADV_DONTNEED = 4;
const POSIX_FADV_DONTNEED = 4;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

let memoryCalls: MemoryCalls | undefined;

/** The C library's calls; undefined on other systems than Linux and macOS, which share the flag values above. */
function posix(): MemoryCalls | undefined {
  const isLinux = process.platform === 'linux';
  if (isLinux || process.platform === 'darwin') memoryCalls ??= findCalls(isLinux);
  return memoryCalls;
}

/** Finds the calls in the running process itself. */
function findCalls(isLinux: boolean): MemoryCalls {
  const libc = koffi.load(null);
  return {
    mmap: libc.func('void *mmap(void *at, size_t length, int protection, int flags, int descriptor, int64_t offset)'),
    munmap: libc.func('int munmap(void *address, size_t length)'),
    madvise: libc.func('int madvise(void *address, size_t length, int advice)'),
    fadvise: isLinux
      ? libc.func('int posix_fadvise(int descriptor, int64_t offset, int64_t length, int advice)')
      : undefined,
    pageSize: libc.func('int getpagesize()')(),
  };
}

function mapDescriptor(descriptor: number, size: number): bigint | undefined {
  if (size === 0) return undefined;
  const base = posix()?.mmap(null, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  return base === undefined || base === MAP_FAILED ? undefined : base;
}
