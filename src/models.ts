/** The models as traced parts, and the files they are read from: for inspection, ahead-of-time compilation and tools. */

import './support/node-version.ts';

export { bindWeights } from './checkpoint/bind.ts';
export {
  type ConvertOptions,
  convert,
  ENCODINGS,
  type Encoding,
  NAMES,
  type Names,
  openForConversion,
} from './checkpoint/convert.ts';
export {
  describeContents,
  type FileContents,
  fileContents,
  type GroupSummary,
  summarise,
  type TensorGroup,
} from './checkpoint/detect.ts';
export { type FileBytes, notThere, type OpenFile, readingFile } from './checkpoint/file-bytes.ts';
export {
  cachedFolder,
  type HubModel,
  type OnPullProgress,
  type PullOptions,
  type PullProgress,
  parseHubName,
  pullModel,
} from './checkpoint/hub.ts';
export { type CachedRepo, cachedRepos } from './checkpoint/hub-list.ts';
export type { ModelFamily } from './checkpoint/keymap.ts';
export { meantFolder } from './checkpoint/model-folder.ts';
export { type ModelParts, openModel } from './checkpoint/model-source.ts';
export { type OpenTensorsOptions, openTensors } from './checkpoint/open.ts';
export {
  type ModelSource,
  openPipelineFolder,
  type PipelineFolder,
  type WeightedComponent,
} from './checkpoint/pipeline-folder.ts';
export { WeightStore } from './checkpoint/store.ts';
export type { StoredTensor, TensorStore } from './checkpoint/tensors.ts';
export { describeLora, type LoraReport } from './lora/adapter.ts';
export { BUNDLED_LORA } from './lora/locate.ts';
export { type ClipConfig, type ClipPrograms, clipPrograms } from './models/clip.ts';
export {
  clipFlops,
  clipWeights,
  decodeFlops,
  decoderWeights,
  type Flops,
  fluxFlops,
  fluxWeights,
  type StageFlops,
  stageFlops,
  t5Flops,
  t5Weights,
  type Work,
  weightCounts,
} from './models/cost.ts';
export { type FluxConfig, type FluxPrograms, type FluxSizes, fluxPrograms } from './models/flux.ts';
export * from './models/presets.ts';
export { type T5Config, type T5Programs, t5Programs } from './models/t5.ts';
export { type VaeConfig, type VaePart, type VaePrograms, type VaeSizes, vaePrograms } from './models/vae.ts';
export { VAE_TILINGS, type VaeTiling, vaeBudget, vaeBytes } from './models/vae-budget.ts';
export type { InputSpec, Traced } from './nn/trace.ts';
export type { LogicalAxis, RowRange, WeightSpec } from './nn/weights.ts';
