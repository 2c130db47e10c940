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

export type { MemoryPlan, Residency, StageMemory } from './engine/memory-plan.ts';
export { type ModelSizes, PART_NAMES } from './families/flux1/flux1.ts';
export {
  BUNDLED,
  BUNDLED_FOLDER,
  PUBLISHED_NAMES,
  publishedModel,
} from './families/flux1/published.ts';
export { STAGES, type StageName } from './models/programs.ts';
export { encode, formatOf, Image, type Pixels } from './picture/image.ts';
export { writeAtomically } from './picture/save.ts';
export {
  type AheadRun,
  type AheadRunOptions,
  compileRun,
  type RunEstimate,
} from './pipeline/ahead.ts';
export type { Event, Report, Timings } from './pipeline/events.ts';
export { Flux } from './pipeline/flux.ts';
export type { LoadOptions } from './pipeline/load-options.ts';
export {
  describeLora,
  type LoraMode,
  type LoraReport,
  type LoraSource,
  type LoraUse,
  loraHash,
} from './pipeline/loras.ts';
export type { PullProgress } from './pipeline/model-path.ts';
export {
  type PictureInfo,
  type Recipe,
  type RecipeLora,
  readRecipe,
  recipeConfig,
  requireRecipe,
} from './pipeline/recipe.ts';
export type { Request, RequestDefaults, Seed } from './pipeline/request.ts';
export { fileHash } from './pipeline/travelling.ts';
export { type ErrorCode, FluxionError } from './support/errors.ts';
