/**
 * What servers and workers tell each other over a queue: keys, messages and their bounds. Both sides take the other's messages for hostile:
 * everything is checked before it is used, and text is made safe to print.
 */

import { z } from 'zod';
import { JOB_EVENT } from '../../api/jobs.ts';
import { count } from '../../api/kinds.ts';
import type { Immutable } from '../../api/knobs.ts';
import { MODEL_TRAITS, SERVER_LORA, type ServerLora } from '../../api/served.ts';
import { FluxionError } from '../../support/errors.ts';
import { printable } from '../../support/quote.ts';
import { shortName } from '../model-names.ts';

/** What all keys begin with, those of BullMQ too. */
export const PREFIX = 'fluxion-queue';

/** Keys besides BullMQ's own. */
export const KEYS = {
  /** A stream of what workers tell of a job. */
  events: (job: string) => `${PREFIX}/events/${job}`,
  /** A PNG, until the server has read it. */
  picture: (job: string, attempt: string, index: number) => `${PREFIX}/picture/${job}/${attempt}/${index}`,
  /** There where a job is not wanted any more. */
  stop: (job: string) => `${PREFIX}/stop/${job}`,
  /** Which queue a job that names no model was handed to. */
  model: (job: string) => `${PREFIX}/model/${job}`,
  /** How often a job was begun and not given back. */
  tries: (job: string) => `${PREFIX}/tries/${job}`,
  /** What a worker says of itself, as long as it lives. */
  worker: (id: string) => `${PREFIX}/worker/${id}`,
  /** Ids of workers, some of them gone. */
  workers: `${PREFIX}/workers`,
  /** Shows that a server can write. */
  server: (id: string) => `${PREFIX}/server/${id}`,
  /** Wakes a server that waits for events. */
  wake: (id: string) => `${PREFIX}/wake/${id}`,
  /** The channel of jobs that are to stop. */
  stops: `${PREFIX}/stops`,
} as const;

/** Seconds that what is left of a job stays, where no server comes for it. */
export const LIFE = 24 * 3600;
/** Unread events of a job beyond which previews, then steps, are left out. */
export const BACKLOG = { previews: 128, steps: 1024 } as const;
/** Bytes of an event, and of what a worker says of itself. */
export const EVENT_BYTES = 16 * 2 ** 20;
export const ANNOUNCEMENT_BYTES = 2 ** 20;
/** Bytes of an announcement that are for LoRAs, and most of these: those of a folder and the bundled one. */
const LORA_BYTES = ANNOUNCEMENT_BYTES - 2 ** 17;
const MOST_LORAS = 1001;

/** BullMQ's name of the queue of a model. */
export function queueName(model: string): string {
  return encodeURIComponent(shortName(model));
}

const ID = /^[\w-]{1,64}$/;

/** Whether text can be an id, which becomes part of keys. */
export function isId(text: unknown): text is string {
  return typeof text === 'string' && ID.test(text);
}

/** A job as a server hands it over. */
export const JOB_MESSAGE = z.object({
  /** Checked by the worker as a request over HTTP is. */
  request: z.record(z.string(), z.unknown()),
  caller: z.string().max(200).optional(),
});
export type JobMessage = z.output<typeof JOB_MESSAGE>;

const [, LOADING, STAGE, MEMORY, LORA_USED, WARNING, STEP, , DONE, FAILED] = JOB_EVENT.options;

/** What a worker tells of a job. */
const EVENT = z.discriminatedUnion('type', [
  /** A worker begins the job; events of earlier attempts count no more. */
  z.object({ type: z.literal('begun'), worker: z.string().max(200) }),
  LOADING,
  STAGE,
  MEMORY,
  LORA_USED,
  WARNING,
  STEP,
  /** A picture is there, under its key. */
  z.object({ type: z.literal('image'), index: count }),
  DONE,
  FAILED,
]);
export type QueueEvent = z.output<typeof EVENT>;

/** Whether nothing comes after an event of this type. */
export function isEnd(type: string): boolean {
  return type === 'done' || type === 'failed';
}

const name = z.string().min(1).max(200);
const LORA = SERVER_LORA.extend({ name, dialect: z.string().max(100), ranks: z.array(z.number()).max(1000) });

/** What a worker says of itself. */
const ANNOUNCEMENT = z.object({
  id: z.string().regex(ID),
  model: name,
  device: z.string().max(200),
  status: z.enum(['loading', 'ready']),
  /** What is done while it is loading. */
  message: z.string().max(2000).optional(),
  /** Jobs that it takes at a time. */
  slots: z.int().min(1).max(1024),
  /** What requests depend on, once the model is open. */
  served: MODEL_TRAITS.optional(),
  loras: z.array(LORA).max(MOST_LORAS),
});
export type Announcement = Immutable<z.output<typeof ANNOUNCEMENT>>;

/** Those LoRAs that an announcement has room for, where one that is too much would make all of it invalid. */
export function announcedLoras(loras: readonly ServerLora[]): Announcement['loras'] {
  let room = LORA_BYTES;
  return loras.slice(0, MOST_LORAS).flatMap((lora) => {
    // As it is checked when it is read.
    const result = LORA.safeParse({ ...lora, name: printable(lora.name) });
    const bytes = Buffer.byteLength(JSON.stringify(lora)) + 1;
    if (!result.success || bytes > room) return [];
    room -= bytes;
    return [{ ...result.data, name: lora.name }];
  });
}

/** The error of a message that the other side would not write. */
export function broken(what: string, why: string): FluxionError {
  return new FluxionError('bad_request', `${what}: ${why}`, {
    hint: 'servers and workers of one queue need the same version of Fluxion',
  });
}

/** JSON with all its text safe to print, but for base64, which is not text. Throws `bad_request`. */
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
