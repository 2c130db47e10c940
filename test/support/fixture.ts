/** The recorded reference data under test/fixtures/parity: what diffusers computed, written by tools/reference/record_pipeline.py. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DType } from '../../src/support/dtype.ts';
import { WeightStore } from '../../src/weights/files/store.ts';

/** One recorded call of diffusers' FluxPipeline, with the field names of its JSON file. */
export interface ParityCase {
  readonly name: string;
  /** Folder of the model, from the repository root. */
  readonly model: string;
  readonly prompts: readonly string[];
  /** Prompts for T5 where they differ from CLIP's. */
  readonly prompts_2: readonly string[] | null;
  readonly height: number;
  readonly width: number;
  readonly num_inference_steps: number;
  /** Sigmas given by the caller, before the scheduler's shift. */
  readonly sigmas: readonly number[] | null;
  readonly guidance_scale: number;
  readonly max_sequence_length: number;
  readonly num_images_per_prompt: number;
  /** Steps whose velocity and latents are in the file; the last step is always among them. */
  readonly recorded_steps: readonly number[];
  /** Seed of each image, prompts outermost. */
  readonly seeds: readonly number[];
}

/** Returns the absolute path of a file or folder named from the repository root. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Lists the recorded pipeline calls, in the order they were recorded. */
export function parityCases(): readonly ParityCase[] {
  const { cases } = JSON.parse(readFileSync(repositoryPath('test/fixtures/parity/cases.json'), 'utf8')) as {
    cases: ParityCase[];
  };
  return cases;
}

/** Recorded tensors by name; asking for one that is missing or of another type throws. */
export class Fixture implements Disposable {
  readonly #tensors: WeightStore;

  /** Opens `test/fixtures/FOLDER/NAME.safetensors`: a case's name; parity has `components-tiny` and `components-random`, too. */
  constructor(name: string, folder = 'parity') {
    this.#tensors = WeightStore.open(repositoryPath(`test/fixtures/${folder}/${name}.safetensors`));
  }

  names(): string[] {
    return this.#tensors.keys();
  }

  shape(name: string): readonly number[] {
    return this.#tensors.info(name).shape;
  }

  f32(name: string): Float32Array {
    return new Float32Array(this.#bytes(name, 'f32').buffer);
  }

  i32(name: string): Int32Array {
    return new Int32Array(this.#bytes(name, 'i32').buffer);
  }

  u8(name: string): Uint8Array {
    return this.#bytes(name, 'u8');
  }

  /** A copy, so that its buffer starts aligned and outlives the file. */
  #bytes(name: string, dtype: DType): Uint8Array<ArrayBuffer> {
    const found = this.#tensors.info(name).dtype;
    if (found !== dtype) throw new TypeError(`${this.#tensors.path}: ${name} is ${found}, asked for as ${dtype}`);
    return this.#tensors.bytes(name).slice();
  }

  [Symbol.dispose](): void {
    this.#tensors[Symbol.dispose]();
  }
}
