/** Requests in the engine, and the pictures that they are made of. */

import type { BatchSlot, CheckedRequest } from '../api/request.ts';
import { type EngineSlot, Ticket, type TicketOptions } from '../engine/engine.ts';
import type { SlotGroup } from '../engine/waiting.ts';
import { mergedKey } from '../weights/lora/overlay.ts';
import type { AdaptedPrompt } from './adapted-prompt.ts';
import { Clock } from './clock.ts';
import { type Event, warning } from './events.ts';
import type { LoraMode } from './loras.ts';
import { type DecidedRequest, mixes } from './request.ts';

/** One picture to be made. */
export interface Slot extends EngineSlot<RequestTicket> {
  readonly prompt: AdaptedPrompt;
  /** Counted over all pictures of the request, from 0. */
  readonly index: number;
  /** Counted over the pictures of its prompt, from 0. */
  readonly picture: number;
  /** The prescribed slot, if any, in a batch whose other slots stay empty. */
  readonly fixed: BatchSlot | undefined;
  done: boolean;
}

/** A checked request, and the decisions about it. */
export interface RequestAndDecisions {
  readonly request: CheckedRequest;
  readonly decided: DecidedRequest;
}

/** A request that is being answered. */
export class RequestTicket extends Ticket<Slot, Event> {
  readonly request: CheckedRequest;
  /** Decided again once the request's pictures are read. */
  decided: DecidedRequest;
  readonly clock = new Clock();
  /** Programs of the batches that the request takes part in. */
  readonly programs = { compiled: 0, fromCache: 0 };
  images = 0;
  readonly #warned = new Set<string>();
  #plan = '';

  constructor(
    { request, decided }: RequestAndDecisions,
    options: Pick<TicketOptions<Event>, 'start' | 'leave' | 'read'>,
  ) {
    const { caller, signal } = request;
    super({ ...options, caller, signal, picture: ({ type }) => type === 'image' });
    this.request = request;
    this.decided = decided;
  }

  /** Pictures of the request. */
  get total(): number {
    return this.decided.prompts.length * this.decided.batch;
  }

  override tell(event: Event): void {
    if (event.type === 'image') this.images++;
    if (event.type === 'memory') {
      const plan = JSON.stringify(event.plan);
      if (plan === this.#plan) return;
      this.#plan = plan;
    }
    super.tell(event);
  }

  /** Tells a warning, once. */
  warn(message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.tell(warning(message));
  }
}

/** Splits a request's pictures into groups that batches are made of; `alone` keeps prompts in separate batches. */
export function groupsOf(
  ticket: RequestTicket,
  prompts: readonly AdaptedPrompt[],
  { loraMode, alone }: { readonly loraMode: LoraMode; readonly alone: boolean },
): SlotGroup<Slot>[] {
  const { decided } = ticket;
  const { batch, slot: fixed, size, sampler, schedule, maxSequenceLength, trueCfgScale } = decided;
  const steered = [trueCfgScale !== undefined, ...decided.conditions.map(({ key }) => key)];
  const kind = [size, sampler, [...schedule.sigmas], [...schedule.timesteps], maxSequenceLength, steered];
  return prompts.flatMap((prompt, i) => {
    const slots = Array.from(
      { length: batch },
      (_, picture): Slot => ({ ticket, prompt, index: i * batch + picture, picture, fixed, done: false }),
    );
    if (!fixed && (alone || !mixes(decided))) return [{ key: undefined, slots, together: batch }];
    const key = fixed ? undefined : JSON.stringify([kind, mergedKey(prompt.loras, loraMode)]);
    return slots.map((slot) => ({ key, slots: [slot], together: batch }));
  });
}
