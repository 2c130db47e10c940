/** The live workers of a queue, as a server knows them from their announcements. */

import type { ServerLora } from '../../api/served.ts';
import { log } from '../../support/log.ts';
import type { ServedModel } from '../backend.ts';
import { shortName } from '../model-names.ts';
import type { QueueConnection } from './connection.ts';
import { ANNOUNCEMENT_BYTES, type Announcement, isId, KEYS, parseAnnouncement } from './protocol.ts';

/** Most workers that are read in one look. */
const MOST = 1000;

/** The workers that live now. */
export class Workers {
  #all: readonly Announcement[] = [];
  /** The last announcements: only changed ones are parsed again. */
  #texts = new Map<string, { readonly text: Buffer; readonly announcement: Announcement | undefined }>();

  /** Reads all announcements. Rejects if the queue cannot be read. */
  async look({ client }: QueueConnection): Promise<void> {
    const ids = (await client.srandmember(KEYS.workers, MOST)).filter(isId);
    const asked = client.pipeline();
    for (const id of ids) asked.getrangeBuffer(KEYS.worker(id), 0, ANNOUNCEMENT_BYTES);
    const answers = ids.length === 0 ? [] : ((await asked.exec()) ?? []);
    const texts = new Map<string, { readonly text: Buffer; readonly announcement: Announcement | undefined }>();
    const gone: string[] = [];
    for (const [i, [error, text]] of answers.entries()) {
      const id = ids[i]!;
      if (error || !Buffer.isBuffer(text)) continue;
      if (text.length === 0) gone.push(id);
      else {
        const known = this.#texts.get(id);
        texts.set(id, known?.text.equals(text) ? known : { text, announcement: readable(id, text) });
      }
    }
    this.#texts = texts;
    this.#all = [...texts.values()]
      .map(({ announcement }) => announcement)
      .filter((announcement) => announcement !== undefined)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    if (gone.length > 0) await client.srem(KEYS.workers, ...gone);
  }

  /** Forgets all workers, because the queue cannot be read. */
  forget(): void {
    this.#all = [];
  }

  /** Workers of a model, or of all. */
  of(model?: string): readonly Announcement[] {
    if (model === undefined) return this.#all;
    const name = shortName(model);
    return this.#all.filter((worker) => shortName(worker.model) === name);
  }

  /** Models that some worker has open, without duplicates. */
  get models(): readonly ServedModel[] {
    const models = new Map<string, ServedModel>();
    for (const { model, device, served } of this.#all) {
      const name = shortName(model);
      if (served && !models.has(name)) models.set(name, { name: model, device, ...served });
    }
    return [...models.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** LoRAs that workers have. */
  get loras(): readonly ServerLora[] {
    const loras = new Map(this.#all.flatMap((worker) => worker.loras.map((lora) => [lora.name, lora] as const)));
    return [...loras.values()];
  }
}

function readable(id: string, text: Buffer): Announcement | undefined {
  try {
    const announcement = parseAnnouncement(text);
    return announcement.id === id ? announcement : undefined;
  } catch (error) {
    log('warn', `worker ${id}: ${(error as Error).message}`);
    return undefined;
  }
}
