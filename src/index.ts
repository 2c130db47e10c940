/**
 * Fluxion: Flux text-to-image for TypeScript, through XLA.
 *
 * @example
 * await using flux = await Flux.load('tiny');
 * for await (const event of flux.stream({ prompt: 'a red house in the mountains at sunset', seed: 7 })) {
 *   if (event.type === 'step') console.error(`${event.step}/${event.steps}`);
 *   if (event.type === 'image') await event.image.save(`house-${event.seed}.png`);
 * }
 */

import './support/node-version.ts';

export type { LoraReport, MemoryPlan, Report, Residency, StageMemory, Timings } from './api/events.ts';
export type { PictureSource, RawPicture, Seed, SeedNumber } from './api/kinds.ts';
export type { AheadRunOptions, LoadOptions, PullProgress } from './api/load.ts';
export { type NetworksBeside, type PictureUse, pictureFields } from './api/picture-use.ts';
export type { Recipe, RecipeInput, RecipeLora } from './api/recipe.ts';
export type { BatchSlot, LoraUse, Request } from './api/request.ts';
export { type ModelSizes, PART_NAMES } from './families/flux1/flux1.ts';
export {
  BUNDLED,
  BUNDLED_FOLDER,
  PUBLISHED_NAMES,
  publishedModel,
} from './families/flux1/published.ts';
export { STAGES, type StageName } from './models/programs.ts';
export { alphaMask } from './picture/alpha-mask.ts';
export { encode, formatOf, Image, type Pixels } from './picture/image.ts';
export { dataAddress, pictureHash } from './picture/read-picture.ts';
export { writeAtomically } from './picture/save.ts';
export { type AheadRun, compileRun, type RunEstimate } from './pipeline/ahead.ts';
export type { Event } from './pipeline/events.ts';
export { Flux, type FluxStats } from './pipeline/flux.ts';
export {
  describeLora,
  type LoraMode,
  type LoraSource,
  loraHash,
  modulesText,
} from './pipeline/loras.ts';
export { type PictureInfo, readRecipe, recipeConfig, recipeSlot, requireRecipe } from './pipeline/recipe.ts';
export type { RequestDefaults } from './pipeline/request.ts';
export { fileHash } from './pipeline/travelling.ts';
export { type ErrorCode, FluxionError } from './support/errors.ts';
