/** How a model is opened. */

import type { Flux1Parts } from '../families/flux1/flux1.ts';
import type { AttentionOptions, DeviceChoice, MeshOptions, NodeOptions, Precision } from '../xla/runtime/runtime.ts';
import type { AutoencoderOptions } from './decode.ts';
import type { LoraMode } from './loras.ts';
import type { PullProgress } from './model-path.ts';
import type { Quantization } from './model-types.ts';

/** How a model is opened; files or component folders given for single parts are used in place of the model's own. */
export interface LoadOptions extends Flux1Parts, AttentionOptions, AutoencoderOptions {
  /** Where it runs; the fastest device at hand by default. */
  readonly device?: DeviceChoice;
  /** How all devices of that kind work together, such as `{ ici: { data: 1, fsdp: -1 } }`; one device works alone by default. */
  readonly mesh?: MeshOptions;
  /** Devices that the CPU is presented as; 1 by default. */
  readonly cpuDevices?: number;
  /** Which of several processes this one is, such as `{ id: 0, count: 2 }`: each makes its part of every batch. One works alone by default. */
  readonly nodes?: NodeOptions;
  /** Element type of weights and activations: `bf16` (the default), `f32`, or as configs spell them. */
  readonly dtype?: string;
  /** Element type of weights alone. */
  readonly weightsDtype?: string;
  /** Element type of activations alone. */
  readonly activationsDtype?: string;
  /** In how many bits the matrices of blocks are kept: `none` (the default), `int8`, `fp8` or `int4`; LoRAs go over all of them. */
  readonly quantization?: Quantization;
  /** Precision of f32 products on GPU and TPU. */
  readonly precision?: Precision;
  /** What happens where the device cannot give the `attention` asked for: an error, the default, or `auto` and a warning. */
  readonly attentionFallback?: 'error' | 'auto';
  /** Frees the text encoders' device memory once prompts are encoded; on by default. */
  readonly offloadEncoders?: boolean;
  /**
   * What becomes of weights on the devices: `resident` keeps them, `streamed` has each block come before its use and go after it,
   * `auto`, the default, takes the first arrangement that fits.
   */
  readonly residency?: 'auto' | 'resident' | 'streamed';
  /** Folder of compiled programs, or `none`; the user's cache folder by default. */
  readonly cacheDir?: string;
  /** Overrides of the model's scheduler. */
  readonly timeShift?: boolean;
  readonly baseShift?: number;
  readonly maxShift?: number;
  /** How LoRAs are applied: `beside` the weights, the default, for models that stay open; `merged` for a single run. */
  readonly loraMode?: LoraMode;
  /** Makes a LoRA file's keys that match nothing in the model an error; a warning by default. */
  readonly loraStrict?: boolean;
  /** Folder of LoRAs that prompts name: `<lora:NAME:SCALE>`. */
  readonly loraDir?: string;
  /** What reports and recipes call the model; the name of its folder or file by default. */
  readonly name?: string;
  /** Branch, tag or commit of a model on the hub; `main` by default. Folders have none. */
  readonly revision?: string;
  /** Where weights come from: the model's files, the default, or a rule that makes `random` ones of the right shapes, for measuring. */
  readonly weights?: 'file' | 'random';
  /** Ends the opening and, where processes share a client, for good what waits for the others later. */
  readonly signal?: AbortSignal;
  /** Told what a first use has to wait for, such as the installation of a plugin; with figures where a model is downloaded. */
  readonly onProgress?: (message: string, download?: PullProgress) => void;
}
