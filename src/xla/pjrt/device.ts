/** Devices and their memories, as a client or a topology describes them. */

import { FluxionError } from '../../support/errors.ts';
import type { Api } from './call.ts';
import type { Connection } from './connection.ts';
import { type AttributeValue, decodeNamedValues } from './named-value.ts';

/** A memory space by its name; `device` is where programs keep their data. */
export type MemoryKind = 'device' | 'pinned_host' | 'unpinned_host';

/** What is known of a device that may or may not be present. */
export interface DeviceDescription {
  /** Unique among the devices of its kind, across all hosts. */
  readonly id: number;
  /** The vendor's name of the model, such as `NVIDIA H200` or `TPU v6e`. */
  readonly kind: string;
  /** The process this device belongs to; 0 when there is one process. */
  readonly processIndex: number;
  readonly debugString: string;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
}

/** Reads a PJRT_DeviceDescription. */
export function describeDevice(api: Api, description: bigint): DeviceDescription {
  const of = { device_description: description };
  const attributes = api.call('PJRT_DeviceDescription_Attributes', of);
  return {
    id: api.call('PJRT_DeviceDescription_Id', of).get('id'),
    kind: api.call('PJRT_DeviceDescription_Kind', of).text('device_kind'),
    processIndex: api.call('PJRT_DeviceDescription_ProcessIndex', of).get('process_index'),
    debugString: api.call('PJRT_DeviceDescription_DebugString', of).text('debug_string'),
    attributes: decodeNamedValues(attributes.get('attributes'), attributes.get('num_attributes')),
  };
}

/** Allocator statistics of a device in bytes; what the plugin does not report is absent. */
export interface DeviceMemoryStats {
  readonly bytesInUse: number;
  readonly peakBytesInUse?: number;
  readonly bytesLimit?: number;
}

/** A device that a client knows. It belongs to the client and needs no disposal. */
export class Device implements DeviceDescription {
  readonly client: Connection;
  readonly id: number;
  readonly kind: string;
  readonly processIndex: number;
  readonly debugString: string;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** The memory spaces this device can address: native handle by kind. */
  readonly memories: ReadonlyMap<string, bigint>;
  /** The native PJRT_Device. */
  readonly address: bigint;

  constructor(client: Connection, address: bigint) {
    const { api } = client;
    const description = api.call('PJRT_Device_GetDescription', { device: address }).get('device_description');
    const { id, kind, processIndex, debugString, attributes } = describeDevice(api, description);
    this.client = client;
    this.address = address;
    this.id = id;
    this.kind = kind;
    this.processIndex = processIndex;
    this.debugString = debugString;
    this.attributes = attributes;
    this.memories = readMemories(api, address);
  }

  /** Asks the device's allocator; undefined if the plugin keeps no statistics (the CPU plugin). Throws `disposed` once the client is. */
  memoryStats(): DeviceMemoryStats | undefined {
    const { api, handle } = this.client;
    handle.requireAlive();
    const stats = api.optional('PJRT_Device_MemoryStats', { device: this.address });
    return (
      stats && {
        bytesInUse: stats.get('bytes_in_use'),
        ...(stats.get('peak_bytes_in_use_is_set') && { peakBytesInUse: stats.get('peak_bytes_in_use') }),
        ...(stats.get('bytes_limit_is_set') && { bytesLimit: stats.get('bytes_limit') }),
      }
    );
  }
}

function readMemories(api: Api, device: bigint): Map<string, bigint> {
  const memories = api.call('PJRT_Device_AddressableMemories', { device }).words('memories');
  return new Map(memories.map((memory) => [api.call('PJRT_Memory_Kind', { memory }).text('kind'), memory]));
}

/** The device with this native address, of the `devices` of a client. */
export function deviceAt(devices: readonly Device[], address: bigint): Device {
  const device = devices.find((d) => d.address === address);
  if (!device) throw new FluxionError('pjrt', 'the plugin named a device that its client does not have');
  return device;
}
