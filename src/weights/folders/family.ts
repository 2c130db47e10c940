/**
 * What a model family is made of. One value says which parts it has, where they lie in a folder, how their configs and tensors are
 * written, and which of their sizes must agree; opening, downloading, converting and recognising read it, and know no part by name.
 */

import { FluxionError } from '../../support/errors.ts';
import type { JsonObject } from '../files/json.ts';
import type { StoredTensor } from '../files/tensors.ts';

/** A config file's fields. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** The one way in which a config is read and written, as diffusers and transformers have it. */
export interface ConfigCodec<C = unknown> {
  /** Missing keys take those programs' defaults. Throws `bad_file` or `unsupported` naming the file (`path`) and the key. */
  read(json: JsonObject, path: string): C;
  /** `dtype` is what most of the weights are, as torch calls it. */
  write(config: C, dtype: string): ConfigJson;
}

/** A part of a model that has a config. */
export interface Part<C = unknown> {
  /** Its folder in a pipeline of diffusers. */
  readonly folder: string;
  readonly configFile: string;
  /** The class that is written into `model_index.json`. */
  readonly class: readonly [library: string, name: string];
  readonly config: ConfigCodec<C>;
}

/** Shapes of a component's tensors by their declared names, whatever the file calls them. */
export interface DeclaredShapes {
  /** The file, for messages. */
  readonly path: string;
  has(name: string): boolean;
  /** Size of one dimension; throws `bad_weights` where the tensor or the dimension is missing. */
  size(name: string, dimension: 0 | 1): number;
}

/** A stored tensor, or one of several equal runs of its rows, that holds part of a declared tensor. */
export interface SourcePart {
  readonly key: string;
  /** Which run, from 0, of how many. */
  readonly run?: readonly [index: number, of: number];
  /** Its rows in proportion to those of the other parts; 1 unless given. */
  readonly share?: number;
}

/** One spelling of a component's tensors. */
export interface Layout {
  readonly name: string;
  /** A key, without prefix, that this spelling has and no other. */
  readonly marker: string;
  /** Gives the stored tensors whose rows, one after the other, are the declared tensor's. `has` tells which keys there are, or which declared names where a file is yet to be written; none has a prefix. */
  parts(declared: string, has: (key: string) => boolean): readonly SourcePart[];
  /** The shape in which a tensor is written, where it differs from the one it is read in. */
  shape?(key: string, stored: readonly number[]): readonly number[];
  /** Other keys under which a stored key may be found instead; where both exist the extra is a duplicate. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Keys such files carry that the model does not use. */
  readonly unused: readonly RegExp[];
}

/** A file's keys, and what is known of each tensor. */
export interface Tensors {
  readonly keys: readonly string[];
  /** The keys, one a line. */
  readonly text: string;
  readonly store: { has(key: string): boolean; info(key: string): StoredTensor };
}

/** A declared module that adapters change, or some of the parts that it holds fused by rows. */
export interface AdaptedModule {
  /** Declared name, such as `double_blocks.#.img_attn.qkv`; `#` stands for the block's number. */
  readonly module: string;
  /** Which of the `of` fused parts; all of the module where absent. */
  readonly parts?: { readonly first: number; readonly end: number; readonly of: number };
  /** The file's row halves are exchanged: it writes scale, shift where the declared weight is shift, scale. */
  readonly swapped?: true;
  /** A normalisation: a vector, which some files replace. */
  readonly norm?: true;
}

/** A network of the model: its config, its tensors, and what both are called in files. */
export interface Component<C = unknown> extends Part<C> {
  /** What options call it, such as `t5`. */
  readonly name: string;
  /** What messages call it, with its article, where a file holds one. */
  readonly title: string;
  /** What messages call that of a model, such as `CLIP`. */
  readonly label: string;
  readonly config: ConfigCodec<C> & {
    /** Reads a config off the shapes; what they do not tell is as in `known`, a model beside it, where all else is the same. */
    derive(shapes: DeclaredShapes, known?: C): C;
  };
  /** One line about a config, for people. */
  describe(config: C): string;
  /** Configs that are widely used, by the names of their models. */
  readonly published: Readonly<Record<string, C>>;
  /** Fields that no program depends on. */
  readonly incidental?: readonly string[];
  /** The published model that it is a variant of, where its config tells. */
  variant?(config: C): string;
  /** The folder of its tokenizer, and the files of which that has at least one. */
  readonly tokenizer?: {
    readonly folder: string;
    readonly files: readonly string[];
    readonly class: readonly [library: string, name: string];
  };
  /** What its files of weights are called, without their endings. */
  readonly weights: 'diffusion_pytorch_model' | 'model';
  /** Every name that it may declare, with `#` for the number of a block. */
  readonly tensors: readonly string[];
  /** Its spellings, tried in order. */
  readonly layouts: readonly Layout[];
  /** Words that only its names stand behind, in all-in-one files of ComfyUI, stable-diffusion.cpp and others. */
  readonly words: readonly string[];
  /** The modules that adapters change, by every name that they have in adapters' files; none without. */
  readonly adapted?: readonly (readonly [name: string, module: AdaptedModule])[];
  /** A key of a piece of it, such as one file of several, that may lack the marker of its layout. */
  readonly fragment: RegExp;
  /** Names another model's network that has its place, where a file holds one. */
  foreign(tensors: Tensors): string | undefined;
  readonly written: {
    /** Layouts by whose names are asked for: those of diffusers and transformers, or those of single files (BFL, latent diffusion). */
    readonly layouts: Readonly<Record<'diffusers' | 'single', string>>;
    /** What stands before its names in an all-in-one file, as ComfyUI has it. */
    readonly prefix: string;
    /** What llama.cpp and ComfyUI-GGUF call it, and its names there. */
    readonly gguf?: { readonly architecture: string; readonly layout: string };
    /** Matrices that stay wide where others are quantised: small and sensitive, as other programs leave them too. Without, all do. */
    readonly wide?: RegExp;
  };
}

/** Two sizes that must be the same for parts to go together. */
export interface Agreement {
  /** A field of the first component's config. */
  readonly field: string;
  readonly expected: number;
  /** The part and the field that give the other size. */
  readonly from: string;
  readonly found: number;
}

/** A model family; `M` has the configs of one model by the names of its components, and `scheduler`. */
export interface Family<M = unknown> {
  /** The first is the network that denoises: models are named for its files. */
  readonly components: readonly [Component, ...Component[]];
  readonly scheduler: Part & {
    /** The one that models of these configs are published with. */
    published(configs: M): unknown;
  };
  /** Pipelines of diffusers with these components; the first is written. */
  readonly pipelines: readonly [string, ...string[]];
  /** Parts that those pipelines may have, and this family has not. */
  readonly absent: readonly string[];
  agreements(configs: M): readonly Agreement[];
}

/** Finds a component by its name; throws `bad_config` where a family has no such. */
export function componentNamed({ components }: Family, name: string): Component {
  const found = components.find((component) => component.name === name);
  if (found) return found;
  const hint = `there are ${components.map((component) => component.name).join(', ')}`;
  throw new FluxionError('bad_config', `there is no component '${name}'`, { hint });
}

/** The folders of a family's tokenizers. */
export function tokenizerFolders({ components }: Family): string[] {
  return components.flatMap(({ tokenizer }) => tokenizer?.folder ?? []);
}

/** Names of a family's components. */
export type ComponentName<M> = Exclude<keyof M, 'scheduler'> & string;

/** Files or component folders to take parts from in place of the model's own, and a folder for the tokenizers, such as a model folder. */
export type ModelParts<M> = { readonly [Name in ComponentName<M> | 'tokenizer']?: string | undefined };
