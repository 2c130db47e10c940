/**
 * A recording in Chrome's trace format, which Perfetto (ui.perfetto.dev) and chrome://tracing open: one process for this program's stages and
 * programs, one for each device or host that a plugin's profiler reports, and a row for each of their tracks.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */

import type { Profile } from './recording.ts';

/** One row of the trace, its events with times in microseconds since the process began. */
interface Track {
  readonly process: string;
  readonly name: string;
  readonly events: readonly {
    readonly name: string;
    readonly start: number;
    readonly duration: number;
    readonly stats?: ReadonlyMap<string, string | number>;
  }[];
}

const OURS = 'fluxion';
/** Microseconds in an hour: clocks that differ by more are not the same clock. */
const SAME_CLOCK = 3600e6;
const MOST_EVENTS = 1_000_000;

/** The lines of a trace file: metadata, then events by their start times. At most a million; the file says how many are missing. */
export function* traceLines(profile: Profile): Generator<string> {
  const tracks = [...ownTracks(profile), ...pluginTracks(profile)];
  const processes = [...new Set(tracks.map(({ process }) => process))];
  const begin = earliest(tracks);
  const all = tracks.flatMap((track, t) =>
    track.events.map((event) => ({ event, tid: t + 1, pid: processes.indexOf(track.process) + 1 })),
  );
  all.sort((a, b) => a.event.start - b.event.start || b.event.duration - a.event.duration);
  const dropped = profile.dropped + Math.max(0, all.length - MOST_EVENTS);
  yield `{"displayTimeUnit":"ms","otherData":{"dropped_events":${dropped}},"traceEvents":[`;
  const names = [
    ...processes.map((name, p) => ({ ph: 'M', pid: p + 1, name: 'process_name', args: { name } })),
    ...tracks.flatMap(({ process, name }, t) => {
      const place = { ph: 'M', pid: processes.indexOf(process) + 1, tid: t + 1 };
      return [
        { ...place, name: 'thread_name', args: { name } },
        { ...place, name: 'thread_sort_index', args: { sort_index: t } },
      ];
    }),
  ];
  for (const [i, one] of names.entries()) yield `${i === 0 ? '' : ','}${JSON.stringify(one)}`;
  for (const { event, pid, tid } of all.slice(0, MOST_EVENTS)) {
    const { name, start, duration, stats } = event;
    const args = stats && stats.size > 0 ? { args: Object.fromEntries(stats) } : {};
    yield `,${JSON.stringify({ ph: 'X', pid, tid, name, ts: rounded(start - begin), dur: rounded(duration), ...args })}`;
  }
  yield ']}';
}

/** Nanoseconds are precise enough. */
function rounded(microseconds: number): number {
  return Math.round(microseconds * 1000) / 1000;
}

function ownTracks({ spans }: Profile): Track[] {
  return [...Map.groupBy(spans, ({ track }) => track)].map(([name, list]) => ({
    process: OURS,
    name,
    events: list.map(({ name, start, end }) => ({
      name,
      start: start * 1000,
      duration: Math.max(0, end - start) * 1000,
    })),
  }));
}

/** The plugin's recording, shifted to begin with our first program if its clock is not the time of day. */
function pluginTracks({ planes, spans }: Profile): Track[] {
  const tracks = planes
    .flatMap(({ name: process, lines }) => lines.map(({ name, events }) => ({ process, name, events })))
    .filter(({ events }) => events.length > 0);
  const first = earliest(tracks);
  const own = spans.find(({ track }) => track === 'programs')?.start ?? 0;
  const sameClock = first - performance.timeOrigin * 1000;
  const shift = (Math.abs(sameClock - own * 1000) > SAME_CLOCK ? own * 1000 : sameClock) - first;
  return tracks.map((track) => ({
    ...track,
    events: track.events.map((event) => ({ ...event, start: event.start + shift })),
  }));
}

function earliest(tracks: readonly Track[]): number {
  return tracks.flatMap(({ events }) => events).reduce((least, { start }) => Math.min(least, start), Infinity);
}
