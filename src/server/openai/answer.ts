/** The answers of OpenAI's images API: one body when all pictures are done, or server-sent events with partial pictures on the way. */

import type { Preview } from '../../picture/preview.ts';
import { previewFile } from '../../picture/preview-file.ts';
import { base64Text } from '../base64.ts';
import type { SentEvent } from '../event-stream.ts';
import type { Job, JobEvent } from '../job.ts';
import { collected, requireSuccess } from '../outcome.ts';
import { errorBody } from '../refusal.ts';
import type { StoredPicture } from '../stored-picture.ts';
import type { OpenAiRequest } from './asked.ts';
import { type GivenNames, openaiError } from './errors.ts';

/** A request that is being answered. */
export interface Answering {
  readonly kind: 'image_generation' | 'image_edit';
  readonly options: OpenAiRequest['options'];
  /** Tokens of the input pictures, for each picture that is made. */
  readonly imageTokens: number;
  readonly names: GivenNames;
  /** The address at which the client can fetch a kept picture. */
  readonly addressOf: (picture: StoredPicture) => string;
}

/** Tokens of the transformer. Input: prompts with their padding, and reference pictures. Output: the pictures made. */
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

/** Fields that every answer has for its pictures. */
function described({ options }: Answering, size: string) {
  const { quality = 'auto', output_format = 'png' } = options;
  return { background: 'opaque', output_format, quality, size } as const;
}

const sizeOf = ({ width, height }: { readonly width: number; readonly height: number }): string => `${width}x${height}`;
const seconds = (): number => Math.floor(Date.now() / 1000);

/** The body with a job's pictures, once all are done. Rejects if the job fails. */
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
 * The events of a job: for every picture, the requested number of `partial_image`s in order, then `completed`; `error` if the job
 * fails. For a client that does not read, the server holds no more than these events.
 */
export async function* streamed(
  events: AsyncGenerator<JobEvent, void, undefined>,
  answering: Answering,
): AsyncGenerator<SentEvent, void, undefined> {
  const partialImages = choosePartialImages(answering);
  // Reads without waiting for the client or the encoder: a slow reader would lose previews. The few chosen ones fit in memory.
  const told = new ReadableStream<() => Promise<SentEvent>>({
    async start(controller) {
      try {
        for await (const event of events) {
          requireSuccess(event);
          if (event.type === 'step') for (const one of partialImages(event)) controller.enqueue(one);
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

/** Chooses the previews to send: for each picture the requested number, spread evenly over the steps before the last. */
function choosePartialImages(answering: Answering) {
  const { partial_images: wanted = 0 } = answering.options;
  /** Number of previews chosen so far, by picture. */
  const chosen = new Map<number, number>();
  return ({ step, steps, pictures, previews = [] }: Extract<JobEvent, { type: 'step' }>) =>
    previews.flatMap((preview, i) => {
      const picture = pictures[i]!;
      const count = chosen.get(picture) ?? 0;
      const due = Math.max(1, Math.floor(((count + 1) * steps) / (wanted + 1)));
      if (count >= wanted || step < due || step >= steps) return [];
      chosen.set(picture, count + 1);
      return [() => partialImage(answering, preview, picture, count)];
    });
}

async function partialImage(answering: Answering, preview: Preview, picture: number, index: number) {
  const { kind, options } = answering;
  return sent(`${kind}.partial_image`, {
    b64_json: base64Text(await previewFile(preview, options.output_format ?? 'png')),
    created_at: seconds(),
    partial_image_index: index,
    ...described(answering, sizeOf({ width: preview.width * 8, height: preview.height * 8 })),
    image_index: picture,
  });
}

function sent(type: string, data: Readonly<Record<string, unknown>>): SentEvent {
  return { event: type, data: { type, ...data } };
}
