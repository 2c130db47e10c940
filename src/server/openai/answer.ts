/** What a job's pictures are answered as: one body when all are done, or server-sent events with partial pictures while they form. */

import type { ImageFormat } from '../../picture/picture-file.ts';
import type { Preview } from '../../picture/preview.ts';
import { previewFile } from '../../picture/preview-file.ts';
import { base64Text } from '../base64.ts';
import type { SentEvent } from '../event-stream.ts';
import type { Job, JobEvent } from '../job.ts';
import { collected, requireSuccess } from '../outcome.ts';
import { errorBody } from '../refusal.ts';
import type { StoredPicture } from '../stored-picture.ts';
import type { Asked } from './asked.ts';
import { type GivenNames, openaiError } from './errors.ts';

/** A request that is being answered. */
export interface Answering {
  readonly kind: 'image_generation' | 'image_edit';
  readonly options: Asked['options'];
  /** Tokens of the pictures that went in, for each that is made. */
  readonly imageTokens: number;
  readonly names: GivenNames;
  /** The address of a picture that the server keeps, as the client reaches it. */
  readonly addressOf: (picture: StoredPicture) => string;
}

/** Tokens that the transformer read and made: those of prompts with their padding, of pictures that it looked at, and of the pictures. */
interface Usage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly text_tokens: number; readonly image_tokens: number };
  readonly output_tokens: number;
  readonly total_tokens: number;
}

/** An image token covers 16 × 16 pixels. */
const tokensOf = ({ width, height }: { readonly width: number; readonly height: number }): number =>
  Math.ceil(width / 16) * Math.ceil(height / 16);

function usageOf(pictures: readonly StoredPicture[], { imageTokens }: Answering): Usage {
  const text_tokens = pictures.reduce((sum, { info }) => sum + info.recipe.maxSequenceLength, 0);
  const image_tokens = pictures.length * imageTokens;
  const output_tokens = pictures.reduce((sum, { info }) => sum + tokensOf(info), 0);
  const input_tokens = text_tokens + image_tokens;
  return {
    input_tokens,
    input_tokens_details: { text_tokens, image_tokens },
    output_tokens,
    total_tokens: input_tokens + output_tokens,
  };
}

/** What every answer says of its pictures. */
function described({ options }: Answering, size: string) {
  const { quality = 'auto', output_format = 'png' } = options;
  return { background: 'opaque', output_format, quality, size } as const;
}

const sizeOf = ({ width, height }: { readonly width: number; readonly height: number }): string => `${width}x${height}`;
const seconds = (): number => Math.floor(Date.now() / 1000);

/** The pictures of a job once all are done. Rejects with how it failed. */
export async function answered(job: Job, answering: Answering, signal: AbortSignal): Promise<Record<string, unknown>> {
  const { pictures, warnings } = await collected(job, signal, requireSuccess);
  signal.throwIfAborted();
  const isUrl = answering.options.response_format === 'url';
  const data = pictures.map(async (picture) => ({
    ...(isUrl ? { url: answering.addressOf(picture) } : { b64_json: await base64(picture, answering) }),
    seed: picture.info.seed,
  }));
  return {
    created: seconds(),
    data: await Promise.all(data),
    ...described(answering, sizeOf(pictures[0]!.info)),
    usage: usageOf(pictures, answering),
    ...(warnings.length > 0 && { warnings }),
  };
}

async function base64(picture: StoredPicture, { options }: Answering): Promise<string> {
  const { output_format: format = 'png', output_compression: quality } = options;
  if (format === 'png') return base64Text(await picture.png());
  return base64Text(
    await (await picture.image()).encode(format, quality === undefined ? undefined : Math.max(1, quality)),
  );
}

/**
 * The events of a job: `partial_image`s, as many of each picture as are asked for and in the order of their forming, and `completed` for
 * every picture; `error` where it fails. A client that does not read costs no more than the previews that it is owed.
 */
export async function* streamed(
  events: AsyncGenerator<JobEvent, void, undefined>,
  answering: Answering,
): AsyncGenerator<SentEvent, void, undefined> {
  const partial = new PartialImages(answering);
  // Read without waiting for the client or the encoder: of unread events the job would drop the previews. They are few.
  const told = new ReadableStream<() => Promise<SentEvent>>({
    async start(controller) {
      try {
        for await (const event of events) {
          requireSuccess(event);
          if (event.type === 'step') for (const one of partial.of(event)) controller.enqueue(one);
          if (event.type === 'image') controller.enqueue(() => completed(event.picture, answering));
        }
        controller.close();
      } catch (error) {
        controller.enqueue(() => Promise.reject(error));
      }
    },
  });
  try {
    for await (const encoded of told) yield await encoded();
  } catch (error) {
    yield sent('error', openaiError(errorBody(error), answering.names));
  } finally {
    await events.return();
  }
}

async function completed(picture: StoredPicture, answering: Answering): Promise<SentEvent> {
  return sent(`${answering.kind}.completed`, {
    b64_json: await base64(picture, answering),
    created_at: seconds(),
    ...described(answering, sizeOf(picture.info)),
    usage: usageOf([picture], answering),
    image_index: picture.info.index,
    seed: picture.info.seed,
  });
}

/** Chooses the steps whose previews are sent: as many of each picture as are asked for, evenly over its steps and before the last. */
class PartialImages {
  readonly #answering: Answering;
  /** How many were chosen of each picture. */
  readonly #chosen = new Map<number, number>();

  constructor(answering: Answering) {
    this.#answering = answering;
  }

  of({ step, steps, pictures, previews = [] }: Extract<JobEvent, { type: 'step' }>): (() => Promise<SentEvent>)[] {
    const { partial_images: wanted = 0 } = this.#answering.options;
    return previews.flatMap((preview, i) => {
      const picture = pictures[i]!;
      const count = this.#chosen.get(picture) ?? 0;
      const due = Math.max(1, Math.floor(((count + 1) * steps) / (wanted + 1)));
      if (count >= wanted || step < due || step >= steps) return [];
      this.#chosen.set(picture, count + 1);
      return [() => this.#sent(preview, picture, count)];
    });
  }

  async #sent(preview: Preview, picture: number, index: number): Promise<SentEvent> {
    const { kind, options } = this.#answering;
    const format: ImageFormat = options.output_format ?? 'png';
    const bytes = await previewFile(preview, format);
    return sent(`${kind}.partial_image`, {
      b64_json: base64Text(bytes),
      created_at: seconds(),
      partial_image_index: index,
      ...described(this.#answering, sizeOf({ width: preview.width * 8, height: preview.height * 8 })),
      image_index: picture,
    });
  }
}

function sent(type: string, data: Readonly<Record<string, unknown>>): SentEvent {
  return { event: type, data: { type, ...data } };
}
