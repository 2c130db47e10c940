/** The models as traced parts, and the files they are read from: for inspection, ahead-of-time compilation and tools. */

import './support/node-version.ts';

export type { LoraReport } from './api/events.ts';
export type { PullProgress } from './api/load.ts';
export { FLUX1, type Flux1Parts, type Flux1Source } from './families/flux1/flux1.ts';
export * from './families/flux1/presets.ts';
export { type ClipConfig, type ClipPrograms, clipPrograms } from './models/clip.ts';
export type { ElementTypes, ProgramTypes } from './models/element-types.ts';
export { type FluxConfig, type FluxPrograms, type FluxSizes, fluxPrograms } from './models/flux.ts';
export {
  type ModelConfigs,
  type RunShape,
  type StageFlops,
  stageFlops,
  weightCounts,
} from './models/programs.ts';
export { type T5Config, type T5Programs, t5Programs } from './models/t5.ts';
export { type VaeConfig, type VaePart, type VaePrograms, type VaeSizes, vaePrograms } from './models/vae.ts';
export { VAE_TILINGS, type VaeTiling, vaeBytes, vaeWithin } from './models/vae-budget.ts';
export { type FileBytes, notThere, type OpenFile, readingFile } from './weights/files/file-bytes.ts';
export { WeightStore } from './weights/files/store.ts';
export type { StoredTensor, TensorStore } from './weights/files/tensors.ts';
export { bindWeights } from './weights/folders/bind.ts';
export {
  type ConvertOptions,
  convert,
  ENCODINGS,
  type Encoding,
  NAMES,
  type Names,
  openForConversion,
} from './weights/folders/convert.ts';
export {
  describeContents,
  type FileContents,
  fileContents,
  type GroupSummary,
  summarise,
  type TensorGroup,
} from './weights/folders/detect.ts';
export {
  type Component,
  type ComponentName,
  type Family,
  type ModelParts,
  tokenizerFolders,
} from './weights/folders/family.ts';
export { meantFolder } from './weights/folders/model-folder.ts';
export { openModel } from './weights/folders/model-source.ts';
export { type OpenTensorsOptions, openTensors } from './weights/folders/open.ts';
export {
  type ModelSource,
  openPipelineFolder,
  type PipelineFolder,
} from './weights/folders/pipeline-folder.ts';
export {
  cachedFolder,
  type HubModel,
  type OnPullProgress,
  type PullOptions,
  parseHubName,
  pullModel,
} from './weights/hub/hub.ts';
export { type CachedRepo, cachedRepos } from './weights/hub/list.ts';
export { describeLora, modulesText } from './weights/lora/adapter.ts';
export { BUNDLED_LORA } from './weights/lora/locate.ts';
export { countFlops, type Flops } from './xla/graph/count.ts';
export type { InputSpec, Traced } from './xla/graph/trace.ts';
export type { LogicalAxis, RowRange, WeightSpec } from './xla/graph/weights.ts';
