/** What a graph is lowered for. */

import type { CpuTarget } from './cpu.ts';
import type { PlatformName } from './platform.ts';
import type { SplashOptions } from './splash.ts';

/** The attention asked for, in MaxDiffusion's words: `flash` is the platform's own kernel, `cudnn_flash_te` cuDNN's. */
export type AttentionSetting = 'auto' | 'dot_product' | 'flash' | 'cudnn_flash_te';

/** How attention is computed. */
export interface AttentionOptions extends SplashOptions {
  /** `auto`, the default, takes what is fastest. */
  readonly attention?: AttentionSetting | undefined;
}

/** A platform, and how attention is computed on it. */
export interface Target extends AttentionOptions {
  readonly platform: PlatformName;
  /** The compute capability of an NVIDIA GPU, such as 9.0. */
  readonly computeCapability?: number | undefined;
  /** For a CPU that works alone: its plugin and processor. */
  readonly cpu?: CpuTarget | undefined;
  /** For a CPU: `false` if it multiplies f32 faster than bf16. */
  readonly bf16Products?: boolean | undefined;
}
