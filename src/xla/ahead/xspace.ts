/**
 * A profiler's recording, read from a serialized `XSpace`. Field numbers are those of tsl/profiler/protobuf/xplane.proto. It comes from a
 * plugin and may be large: events beyond a limit are counted, not kept.
 */

import { fields, protoText } from '../../support/protobuf.ts';

/** One device, or the host. */
export interface Plane {
  readonly name: string;
  readonly lines: readonly Line[];
}

/** One row of events: a thread, a stream, or a kind of thing a device does. */
export interface Line {
  readonly name: string;
  readonly events: readonly TraceEvent[];
}

/** An event, with times in microseconds; `start` counts from 1970 if the plugin's clock does. */
export interface TraceEvent {
  readonly name: string;
  readonly start: number;
  readonly duration: number;
  readonly stats: ReadonlyMap<string, string | number>;
}

export interface Recorded {
  readonly planes: readonly Plane[];
  /** Events past the limit. */
  readonly dropped: number;
}

const WHAT = "a profiler's recording";
const MOST_EVENTS = 1_000_000;

/** Reads a recording; throws `bad_file` if it is cut off. */
export function readXSpace(bytes: Uint8Array, most: number = MOST_EVENTS): Recorded {
  const budget = { left: most, dropped: 0 };
  const planes: Plane[] = [];
  for (const { field, content } of fields(bytes, WHAT))
    if (field === 1 && content) planes.push(readPlane(content, budget));
  return { planes, dropped: budget.dropped };
}

interface Named {
  readonly name: string;
  readonly shown: string;
  readonly stats: readonly Uint8Array[];
}

interface Tables {
  readonly events: ReadonlyMap<number, Named>;
  readonly stats: ReadonlyMap<number, Named>;
}

function readPlane(bytes: Uint8Array, budget: { left: number; dropped: number }): Plane {
  let name = '';
  const tables = { events: new Map<number, Named>(), stats: new Map<number, Named>() };
  const lines: Uint8Array[] = [];
  for (const { field, content } of fields(bytes, WHAT)) {
    if (!content) continue;
    if (field === 2) name = protoText(content);
    if (field === 3) lines.push(content);
    if (field === 4) readEntry(content, tables.events);
    if (field === 5) readEntry(content, tables.stats);
  }
  // Names may stand after the events that use them.
  return { name, lines: lines.map((line) => readLine(line, tables, budget)) };
}

function readEntry(bytes: Uint8Array, into: Map<number, Named>): void {
  let key = 0;
  const named = { name: '', shown: '', stats: [] as Uint8Array[] };
  for (const { field, value, content } of fields(bytes, WHAT)) {
    if (field === 1) key = value;
    if (field !== 2 || !content) continue;
    for (const inner of fields(content, WHAT)) {
      if (!inner.content) continue;
      if (inner.field === 2) named.name = protoText(inner.content);
      if (inner.field === 4) named.shown = protoText(inner.content);
      if (inner.field === 5) named.stats.push(inner.content);
    }
  }
  into.set(key, named);
}

function readLine(bytes: Uint8Array, tables: Tables, budget: { left: number; dropped: number }): Line {
  let [name, shown] = ['', ''];
  let begin = 0;
  const messages: Uint8Array[] = [];
  for (const { field, value, content } of fields(bytes, WHAT)) {
    if (field === 3) begin = value / 1e3;
    if (!content) continue;
    if (field === 2) name = protoText(content);
    if (field === 11) shown = protoText(content);
    if (field !== 4) continue;
    if (budget.left > 0) {
      messages.push(content);
      budget.left--;
    } else budget.dropped++;
  }
  return { name: shown || name, events: messages.map((message) => readEvent(message, begin, tables)) };
}

/** Offsets and durations are picoseconds. */
function readEvent(bytes: Uint8Array, begin: number, tables: Tables): TraceEvent {
  let [id, offset, duration] = [0, 0, 0];
  const own: Uint8Array[] = [];
  for (const { field, value, content } of fields(bytes, WHAT)) {
    if (field === 1) id = value;
    if (field === 2) offset = value;
    if (field === 3) duration = value;
    if (field === 4 && content) own.push(content);
  }
  const named = tables.events.get(id);
  const stats = new Map([...(named?.stats ?? []), ...own].map((stat) => readStat(stat, tables)));
  return { name: named?.shown || named?.name || '', start: begin + offset / 1e6, duration: duration / 1e6, stats };
}

function readStat(bytes: Uint8Array, { stats }: Tables): [name: string, value: string | number] {
  let id = 0;
  let found: string | number = '';
  for (const { field, value, content } of fields(bytes, WHAT)) {
    if (field === 1) id = value;
    if (field === 2 && content?.length === 8)
      found = new DataView(content.buffer, content.byteOffset, 8).getFloat64(0, true);
    if (field === 3 || field === 4) found = value;
    if (field === 5 && content) found = protoText(content);
    // Long texts are stored once, among the names.
    if (field === 7) found = stats.get(value)?.name ?? '';
  }
  return [stats.get(id)?.name ?? '', found];
}
