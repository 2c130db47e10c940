/**
 * The protocol between servers and workers of a queue: keys, messages and their bounds. Each side treats the other's messages as hostile:
 * it checks everything before use, and makes text safe to print.
 */

import { z } from 'zod';
import { JOB_EVENT } from '../../api/jobs.ts';
import { count } from '../../api/kinds.ts';
import type { Immutable } from '../../api/knobs.ts';
import { MODEL_TRAITS, SERVER_LORA, type ServerLora } from '../../api/served.ts';
import { FluxionError } from '../../support/errors.ts';
import { printable } from '../../support/quote.ts';
import { shortName } from '../model-names.ts';

/** Prefix of all keys, including BullMQ's. */
export const PREFIX = 'fluxion-queue';

/** Keys besides BullMQ's own. */
export const KEYS = {
  /** The stream of a job's events. */
  events: (job: string) => `${PREFIX}/events/${job}`,
  /** A PNG, until the server has read it. */
  picture: (job: string, attempt: string, index: number) => `${PREFIX}/picture/${job}/${attempt}/${index}`,
  /** Exists if a job is no longer wanted. */
  stop: (job: string) => `${PREFIX}/stop/${job}`,
  /** The model chosen for a job that names none. */
  model: (job: string) => `${PREFIX}/model/${job}`,
  /** How often a job was begun, without attempts that were given back. */
  tries: (job: string) => `${PREFIX}/tries/${job}`,
  /** A worker's announcement; it expires after the worker dies. */
  worker: (id: string) => `${PREFIX}/worker/${id}`,
  /** Ids of workers; some may be gone. */
  workers: `${PREFIX}/workers`,
  /** Written by a server or worker to test that it can write. */
  server: (id: string) => `${PREFIX}/server/${id}`,
  /** Wakes a server that waits for events. */
  wake: (id: string) => `${PREFIX}/wake/${id}`,
  /** The channel with ids of jobs to stop. */
  stops: `${PREFIX}/stops`,
} as const;

/** Seconds after which keys of a job expire if no server removes them. */
export const LIFE = 24 * 3600;
/** Numbers of unread events of a job beyond which previews, then whole steps, are dropped. */
export const BACKLOG = { previews: 128, steps: 1024 } as const;
/** Most bytes of an event, and of a worker's announcement. */
export const EVENT_BYTES = 16 * 2 ** 20;
export const ANNOUNCEMENT_BYTES = 2 ** 20;
/** Most bytes of the LoRAs in an announcement, and most LoRAs: a full folder and the bundled one. */
const LORA_BYTES = ANNOUNCEMENT_BYTES - 2 ** 17;
const MOST_LORAS = 1001;

/** The name, in BullMQ, of a model's queue. */
export function queueName(model: string): string {
  return encodeURIComponent(shortName(model));
}

const ID = /^[\w-]{1,64}$/;

/** Whether this is a valid id. Ids become parts of keys. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && ID.test(text);
}

/** A job as a server puts it into the queue. */
export const JOB_MESSAGE = z.object({
  /** The worker checks it as servers check requests over HTTP. */
  request: z.record(z.string(), z.unknown()),
  caller: z.string().max(200).optional(),
});
export type JobMessage = z.output<typeof JOB_MESSAGE>;

const [, LOADING, STAGE, MEMORY, LORA_USED, WARNING, STEP, , DONE, FAILED] = JOB_EVENT.options;

/** An event that a worker writes for a job. */
const EVENT = z.discriminatedUnion('type', [
  /** A worker begins the job; events of earlier attempts no longer count. */
  z.object({ type: z.literal('begun'), worker: z.string().max(200) }),
  LOADING,
  STAGE,
  MEMORY,
  LORA_USED,
  WARNING,
  STEP,
  /** A picture is finished; the PNG is under its own key. */
  z.object({ type: z.literal('image'), index: count }),
  DONE,
  FAILED,
]);
export type QueueEvent = z.output<typeof EVENT>;

/** Whether an event of this type is a job's last. */
export function isEnd(type: string): boolean {
  return type === 'done' || type === 'failed';
}

const name = z.string().min(1).max(200);
const LORA = SERVER_LORA.extend({ name, dialect: z.string().max(100), ranks: z.array(z.number()).max(1000) });

/** A worker's announcement: its model, its state and its LoRAs. */
const ANNOUNCEMENT = z.object({
  id: z.string().regex(ID),
  model: name,
  device: z.string().max(200),
  status: z.enum(['loading', 'ready']),
  /** Progress of loading. */
  message: z.string().max(2000).optional(),
  /** Most jobs that the worker takes at a time. */
  slots: z.int().min(1).max(1024),
  /** The model's traits, once it is open. */
  served: MODEL_TRAITS.optional(),
  loras: z.array(LORA).max(MOST_LORAS),
});
export type Announcement = Immutable<z.output<typeof ANNOUNCEMENT>>;

/** The LoRAs that fit into an announcement: one too many would make the whole announcement invalid. */
export function announcedLoras(loras: readonly ServerLora[]): Announcement['loras'] {
  let room = LORA_BYTES;
  return loras.slice(0, MOST_LORAS).flatMap((lora) => {
    // The same check as the reader's.
    const result = LORA.safeParse({ ...lora, name: printable(lora.name) });
    const bytes = Buffer.byteLength(JSON.stringify(lora)) + 1;
    if (!result.success || bytes > room) return [];
    room -= bytes;
    return [{ ...result.data, name: lora.name }];
  });
}

/** The error for a message that the other side would never write. */
export function broken(what: string, why: string): FluxionError {
  return new FluxionError('bad_request', `${what}: ${why}`, {
    hint: 'servers and workers of one queue need the same version of Fluxion',
  });
}

/** Parses JSON and makes its text safe to print, except for the base64 of previews (`rgb`). Throws `bad_request`. */
function parsed<T extends z.ZodType>(schema: T, text: Buffer, most: number, what: string): z.output<T> {
  if (text.length > most) throw broken(what, `expected at most ${most} bytes, found ${text.length}`);
  let value: unknown;
  try {
    value = JSON.parse(text.toString(), (key, item: unknown) =>
      typeof item === 'string' && key !== 'rgb' ? printable(item) : item,
    );
  } catch {
    throw broken(what, 'expected JSON');
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw broken(what, `${path.join('.') || 'it'} is not as expected: ${message}`);
}

export function parseEvent(text: Buffer): QueueEvent {
  return parsed(EVENT, text, EVENT_BYTES, "a worker's event");
}

export function parseAnnouncement(text: Buffer): Announcement {
  return parsed(ANNOUNCEMENT, text, ANNOUNCEMENT_BYTES, "a worker's announcement");
}
