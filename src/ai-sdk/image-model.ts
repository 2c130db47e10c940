/** An image model of the Vercel AI SDK (`ImageModelV4` of `@ai-sdk/provider`) that makes its pictures in this process. */

import type { ImageModelV4, ImageModelV4CallOptions, ImageModelV4File, SharedV4Warning } from '@ai-sdk/provider';
import { byField } from '../api/field-names.ts';
import {
  alphaMask,
  type Flux,
  FluxionError,
  type Image,
  type PictureSource,
  pictureFields,
  type Request,
} from '../index.ts';
import { askedSize } from './image-size.ts';

/** How a model is presented to the AI SDK. */
export interface ImageModelOptions {
  /** Its name in responses and logs; the model's own by default. */
  readonly modelId?: string;
  /** Defaults for `providerOptions.fluxion` of every call. */
  readonly defaults?: Readonly<Partial<Request>>;
}

/** The SDK gives every call the same seed: a second call would make the same pictures again, so one call makes all of them. */
const MOST_IMAGES = 4096;

/** Request fields that the call has as options of its own. */
const OF_THE_CALL = ['prompt', 'batch', 'signal', 'preview'];

/**
 * Makes an image model for `generateImage` from an opened model. Without a seed it draws one; `providerMetadata.fluxion.images` contains
 * the seed and the recipe. `providerOptions.fluxion` takes further fields of a request, and `outputFormat`. An option that cannot be
 * honoured causes a warning, or a rejection with `bad_request` naming the field.
 */
export function imageModel(flux: Flux, options: ImageModelOptions = {}): ImageModelV4 {
  const modelId = options.modelId ?? flux.name;
  return {
    specificationVersion: 'v4',
    provider: 'fluxion',
    modelId,
    maxImagesPerCall: MOST_IMAGES,
    supportsFileInputs: true,
    supportsMaskInputs: flux.pictureUse !== 'control',
    async doGenerate(call) {
      const timestamp = new Date();
      const { outputFormat, ...further } = { ...options.defaults, ...call.providerOptions['fluxion'] } as {
        outputFormat?: 'png' | 'jpeg' | 'webp';
      };
      const { request, warnings } = await asked(flux, call, byField(further));
      const images: Image[] = [];
      for await (const event of flux.stream(request)) {
        if (event.type === 'warning') warnings.push({ type: 'other', message: event.message });
        if (event.type === 'image') images.push(event.image);
      }
      const told = images.map(({ seed, width, height, recipe }) => ({ seed, width, height, recipe }));
      return {
        images: await Promise.all(images.map((image) => image.encode(outputFormat ?? 'png'))),
        warnings,
        response: { timestamp, modelId, headers: undefined },
        // A recipe is JSON; its type says so only field by field.
        providerMetadata: { fluxion: { images: JSON.parse(JSON.stringify(told)) } },
      };
    },
  };
}

/** Translates a call into a request. */
async function asked(
  flux: Flux,
  call: ImageModelV4CallOptions,
  given: Readonly<Record<string, unknown>>,
): Promise<{ request: Request; warnings: SharedV4Warning[] }> {
  const { prompt, n, seed, files = [], mask, abortSignal } = call;
  const { sides, warnings } = askedSize(call.size, call.aspectRatio, flux.defaults);
  const ignored = OF_THE_CALL.filter((field) => given[field] !== undefined);
  const further = Object.fromEntries(Object.entries(given).filter(([field]) => !OF_THE_CALL.includes(field)));
  const pictures = files.map((file, i) => pictureOf(file, `files[${i}]`));
  const request = {
    seed: 'random',
    ...further,
    prompt: prompt ?? '',
    batch: n,
    ...sides,
    ...(seed !== undefined && { seed }),
    ...pictureFields(
      flux.pictureUse,
      pictures,
      mask && (await maskOf(pictureOf(mask, 'mask'), given['allowUrl'] === true, abortSignal)),
    ),
    ...(abortSignal && { signal: abortSignal }),
  } as Request;
  const unsupported = ignored.map((field) => ({
    type: 'unsupported' as const,
    feature: `providerOptions.fluxion.${field}`,
    details: 'use the option of the call itself',
  }));
  return { request, warnings: [...warnings, ...unsupported] };
}

/** Reads a mask by its transparency if it has any, as in OpenAI's API, otherwise by its brightness. */
async function maskOf(
  source: PictureSource,
  allowUrl: boolean,
  signal: AbortSignal | undefined,
): Promise<PictureSource> {
  return (await alphaMask(source, { where: 'mask', allowUrl, signal })) ?? source;
}

/** A picture of a call. An address is downloaded if `providerOptions.fluxion.allowUrl` allows it, and is never read as a path. */
function pictureOf(file: ImageModelV4File, where: string): PictureSource {
  if (file.type === 'file') return typeof file.data === 'string' ? Buffer.from(file.data, 'base64') : file.data;
  if (/^(https?:\/\/|data:)/i.test(file.url)) return file.url;
  throw new FluxionError('bad_request', `${where}: expected an http, https or data address, found another scheme`);
}
