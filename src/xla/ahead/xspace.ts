/**
 * A profiler's recording, read from a serialized `XSpace`. Field numbers are those of tsl/profiler/protobuf/xplane.proto. It comes from a
 * plugin and may be large: events beyond a limit are counted, not kept.
 */

import { fields, Message, protoText } from '../../support/protobuf.ts';

/** One device, or the host. */
export interface Plane {
  readonly name: string;
  readonly lines: readonly TraceLine[];
}

/** One row of events: a thread, a stream, or a kind of thing a device does. */
export interface TraceLine {
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

const WHAT = "a profiler's recording";
const MOST_EVENTS = 1_000_000;

/** Reads a recording, and how many events past the limit it drops; throws `bad_file` if it is cut off. */
export function readXSpace(bytes: Uint8Array, most: number = MOST_EVENTS): { planes: Plane[]; dropped: number } {
  const budget = { left: most, dropped: 0 };
  const planes = new Message(bytes, WHAT).messages(1).map((plane) => readPlane(plane, budget));
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

function readPlane(plane: Message, budget: { left: number; dropped: number }): Plane {
  const tables = { events: readNames(plane.messages(4)), stats: readNames(plane.messages(5)) };
  return { name: plane.text(2), lines: plane.contents(3).map((line) => readLine(line, tables, budget)) };
}

function readNames(entries: readonly Message[]): Map<number, Named> {
  return new Map(
    entries.map((entry) => {
      const named = entry.message(2);
      const [name = '', shown = ''] = [named?.text(2), named?.text(4)];
      return [entry.int(1), { name, shown, stats: named?.contents(5) ?? [] }];
    }),
  );
}

function readLine(bytes: Uint8Array, tables: Tables, budget: { left: number; dropped: number }): TraceLine {
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
