/** Reads a trace file as Perfetto does, and checks that it is well-formed. */

import assert from 'node:assert/strict';

interface Line {
  readonly ph: string;
  readonly pid: number;
  readonly tid?: number;
  readonly name: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ShownEvent {
  readonly process: string;
  readonly track: string;
  readonly name: string;
  /** Microseconds. */
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, unknown>> | undefined;
}

/** Returns the events of a trace by the names of their rows; fails where one has no name, comes out of order or takes less than no time. */
export function checkTrace(text: string): { readonly events: readonly ShownEvent[]; readonly dropped: number } {
  const { traceEvents, displayTimeUnit, otherData } = JSON.parse(text) as {
    traceEvents: Line[];
    displayTimeUnit: string;
    otherData: { dropped_events: number };
  };
  assert.equal(displayTimeUnit, 'ms');
  const named = (name: string, id: (line: Line) => number | undefined) =>
    new Map(traceEvents.filter((line) => line.name === name).map((line) => [id(line), String(line.args!['name'])]));
  const processes = named('process_name', ({ pid }) => pid);
  const tracks = named('thread_name', ({ tid }) => tid);
  let last = 0;
  const events = traceEvents.flatMap(({ ph, pid, tid, name, ts = Number.NaN, dur = Number.NaN, args }) => {
    assert.ok(ph === 'M' || ph === 'X', ph);
    if (ph === 'M') return [];
    assert.ok(ts >= last && dur >= 0, `${name}: ${ts} after ${last}, ${dur}`);
    last = ts;
    const [process, track] = [processes.get(pid), tracks.get(tid)];
    assert.ok(process && track, `${name} in a row without a name`);
    return [{ process, track, name, ts, dur, args }];
  });
  return { events, dropped: otherData.dropped_events };
}
