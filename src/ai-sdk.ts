/**
 * Fluxion as an image model of the Vercel AI SDK, in your own process.
 *
 * @example
 * await using flux = await Flux.load('tiny');
 * const { image } = await generateImage({ model: imageModel(flux), prompt: 'a red house in the mountains at sunset', seed: 7 });
 * await writeFile('house.png', image.uint8Array);
 */

import './support/node-version.ts';

export { type ImageModelOptions, imageModel } from './ai-sdk/image-model.ts';
