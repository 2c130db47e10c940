/** Arrays on a device, and their way there and back. */

import { byteLength, type DType } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { platformOf } from '../lowering/platform.ts';
import type { Api } from './call.ts';
import type { Device, MemoryKind } from './device.ts';
import { bufferType } from './element-type.ts';
import { ENUMS } from './header.gen.ts';
import { Handle } from './lifetime.ts';
import { ALIGNMENT, addressOf, retain } from './memory.ts';
import { Struct } from './struct.ts';

/** An array to upload, and where to. */
export interface ArraySpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** The client's first device when absent. */
  readonly device?: Device;
  /** The device's default memory when absent. */
  readonly memory?: MemoryKind;
  /**
   * `copy` (the default) leaves the caller free to change the bytes once the upload has resolved. `share` uses them in place where plugin and
   * alignment allow (the CPU plugin: a multiple of 64 bytes) and copies otherwise; they must not change while the array lives.
   */
  readonly transfer?: 'copy' | 'share';
}

/**
 * An array in a device's memory. Its contents may still be on their way: `ready` waits for them, and rejects with the error of the
 * execution or transfer that should have made them.
 */
export class DeviceArray implements Disposable {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly device: Device;
  /** Whether the device uses the host's bytes in place. */
  readonly zeroCopy: boolean;
  readonly #handle: Handle;
  #ready: Promise<void> | undefined;

  /** Takes ownership of a PJRT_Buffer; `host.release` is called once the device no longer needs the host memory it was made from. */
  constructor(
    address: bigint,
    { dtype, shape, device }: { readonly dtype: DType; readonly shape: readonly number[]; readonly device: Device },
    host?: { readonly zeroCopy: boolean; readonly release: () => void },
  ) {
    const { api, handle } = device.client;
    this.dtype = dtype;
    this.shape = shape;
    this.device = device;
    this.zeroCopy = host?.zeroCopy ?? false;
    this.#handle = new Handle(this, {
      kind: 'DeviceArray',
      label: () => `${dtype}[${shape}]`,
      address,
      release: (buffer) => {
        api.call('PJRT_Buffer_Destroy', { buffer });
        host?.release();
      },
      parent: handle,
    });
  }

  /** The native PJRT_Buffer; throws `disposed` when the array is gone. */
  get address(): bigint {
    return this.#handle.address;
  }

  /** Size of the contents in bytes, densely packed. */
  get byteLength(): number {
    return byteLength(this.dtype, this.shape);
  }

  /** Resolves when the contents are there. */
  async ready(): Promise<void> {
    const { api, events } = this.device.client;
    const buffer = this.address;
    this.#ready ??= events.done(
      api.call('PJRT_Buffer_ReadyEvent', { buffer }).get('event'),
      `computing ${this.#handle.describe()}`,
    );
    await this.#ready;
  }

  /** Blocks this thread until the contents are there: for timing what is shorter than a turn of the event loop. */
  wait(): void {
    const { api } = this.device.client;
    const event = api.call('PJRT_Buffer_ReadyEvent', { buffer: this.address }).get('event');
    try {
      api.call('PJRT_Event_Await', { event }, `computing ${this.#handle.describe()}`);
    } finally {
      api.call('PJRT_Event_Destroy', { event });
    }
  }

  /** Copies the contents to the host once they are there, in row-major order: one copy. */
  async toHost(): Promise<Uint8Array<ArrayBuffer>> {
    const { api, events } = this.device.client;
    const bytes = new Uint8Array(this.byteLength);
    await this.#handle.during(async (src) => {
      const fields = { src, host_layout: rowMajor(this.shape.length), dst: bytes };
      const copy = await api.transfer('PJRT_Buffer_ToHostBuffer', fields, bytes.length);
      await events.done(copy.get('event'), `copying ${this.#handle.describe()} to the host`);
    });
    return bytes;
  }

  /** Copies the array to another device, or into one of a device's other memories; the copy may still be on its way. */
  copyTo(device: Device, memory?: MemoryKind): DeviceArray {
    const { api } = device.client;
    const buffer = this.address;
    const address =
      memory === undefined
        ? api.call('PJRT_Buffer_CopyToDevice', { buffer, dst_device: device.address }).get('dst_buffer')
        : api.call('PJRT_Buffer_CopyToMemory', { buffer, dst_memory: memoryOf(device, memory) }).get('dst_buffer');
    return new DeviceArray(address, { dtype: this.dtype, shape: this.shape, device });
  }

  /** The kind of memory that holds the array, such as `device` or `pinned_host`. */
  get memory(): string {
    const { api } = this.device.client;
    const memory = api.call('PJRT_Buffer_Memory', { buffer: this.address }).get('memory');
    return api.call('PJRT_Memory_Kind', { memory }).text('kind');
  }

  /** Whether the array was disposed, donated to an execution, or disposed with its client. */
  get isDeleted(): boolean {
    return this.#handle.isEnded;
  }

  /** Frees the array; executions already started with it are not affected. Later uses throw with `reason`. */
  dispose(reason?: string): void {
    this.#handle.dispose(reason);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Places host bytes on a device; resolves when they are no longer needed, or at once if the device uses them in place. */
export async function uploadArray(
  device: Device,
  bytes: Uint8Array,
  spec: Omit<ArraySpec, 'device'>,
): Promise<DeviceArray> {
  const { dtype, memory, transfer = 'copy' } = spec;
  const shape = [...spec.shape];
  const { api, events, handle, platformName } = device.client;
  const expected = byteLength(dtype, shape);
  if (bytes.length !== expected) {
    throw new FluxionError('bad_shape', `${dtype}[${shape}] takes ${expected} bytes, found ${bytes.length}`);
  }
  const { ImmutableZeroCopy, ImmutableUntilTransferCompletes } = ENUMS.PJRT_HostBufferSemantics;
  const fields = {
    data: bytes,
    type: bufferType(dtype),
    dims: BigInt64Array.from(shape, BigInt),
    host_buffer_semantics: transfer === 'share' ? ImmutableZeroCopy : ImmutableUntilTransferCompletes,
    device: device.address,
    memory: memory === undefined ? null : memoryOf(device, memory),
  };
  // Bytes used in place are not copied, so the call is short.
  const inPlace =
    transfer === 'share' && platformOf(platformName).memory === 'host' && addressOf(bytes) % BigInt(ALIGNMENT) === 0n;
  const copied = inPlace ? 0 : bytes.length;
  using held = new DisposableStack();
  held.defer(retain(bytes));
  return await handle.during(async (client) => {
    const made = await api.transfer('PJRT_Client_BufferFromHostBuffer', { client, ...fields }, copied);
    const buffer = made.get('buffer');
    const unused = () => events.done(made.get('done_with_host_buffer'), `uploading ${dtype}[${shape}]`);
    if (transfer === 'share' && isInPlace(api, buffer, bytes)) {
      const kept = held.move();
      // The event comes when the last execution that reads the array has ended, some time after its disposal.
      const release = () =>
        void unused()
          .catch(() => {})
          .then(() => kept.dispose());
      return new DeviceArray(buffer, { dtype, shape, device }, { zeroCopy: true, release });
    }
    using uploading = new DisposableStack();
    const array = uploading.use(new DeviceArray(buffer, { dtype, shape, device }));
    await unused();
    uploading.move();
    return array;
  });
}

/** Whether the device reads the array straight from `bytes`: only on the CPU, as other devices have their own addresses. */
function isInPlace(api: Api, buffer: bigint, bytes: Uint8Array): boolean {
  if (!api.call('PJRT_Buffer_IsOnCpu', { buffer }).get('is_on_cpu')) return false;
  return api.call('PJRT_Buffer_UnsafePointer', { buffer }).get('buffer_pointer') === addressOf(bytes);
}

/** The native memory of a device by its kind; throws `unsupported` with the kinds there are. */
function memoryOf(device: Device, kind: MemoryKind): bigint {
  const memory = device.memories.get(kind);
  if (memory !== undefined) return memory;
  throw new FluxionError('unsupported', `${device.debugString} has no memory '${kind}'`, {
    hint: `it has ${[...device.memories.keys()].join(', ')}`,
  });
}

/**
 * A dense row-major host layout, since devices may keep arrays in another order. The CPU plugin ignores it and copies in device order, which is
 * row-major too unless a program asks for another with `mhlo.layout_mode`.
 */
function rowMajor(rank: number): Struct<'PJRT_Buffer_MemoryLayout'> | null {
  if (rank < 2) return null;
  return new Struct('PJRT_Buffer_MemoryLayout', { type: ENUMS.PJRT_Buffer_MemoryLayout_Type.Tiled }).embed(
    'tiled',
    'PJRT_Buffer_MemoryLayout_Tiled',
    { minor_to_major: BigInt64Array.from({ length: rank }, (_, i) => BigInt(rank - 1 - i)) },
  );
}
