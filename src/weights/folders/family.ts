/**
 * What a model family consists of. One value lists its parts, their folders, the form of their configs and tensors, and the sizes that must
 * agree; opening, downloading, converting and recognising read it, and know no part by name.
 */

import { FluxionError } from '../../support/errors.ts';
import type { JsonObject } from '../files/json.ts';
import type { StoredTensor } from '../files/tensors.ts';

/** A config file's fields. */
export type ConfigJson = Readonly<Record<string, unknown>>;

/** Reads and writes a config as diffusers and transformers do. */
export interface ConfigCodec<C = unknown> {
  /** Missing keys take the defaults of those programs. Throws `bad_file` or `unsupported` naming the file (`path`) and the key. */
  read(json: JsonObject, path: string): C;
  /** `dtype` is torch's name for the type of most weights. */
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
  /** Size of one dimension; throws `bad_weights` if the tensor or the dimension is missing. */
  size(name: string, dimension: 0 | 1 | 2): number;
}

/** A stored tensor, or one of several equal runs of its rows, that holds part of a declared tensor. */
export interface SourcePart {
  readonly key: string;
  /** The run's index, from 0, and the number of runs. */
  readonly run?: readonly [index: number, of: number];
  /** Its rows in proportion to the other parts' rows; 1 by default. */
  readonly share?: number;
}

/** One spelling of a component's tensors. */
export interface Layout {
  readonly name: string;
  /** A key, without prefix, that only this spelling has. */
  readonly marker: string;
  /**
   * The stored tensors whose rows, in order, make up the declared tensor. `has` tells which keys exist, or which declared names if the file
   * is yet to be written; all without prefix.
   */
  parts(declared: string, has: (key: string) => boolean): readonly SourcePart[];
  /** The shape that a tensor is written in, if it differs from the one that is read. */
  shape?(key: string, stored: readonly number[]): readonly number[];
  /** Alternative keys by stored key; if both exist, the alternative is a duplicate. */
  readonly aliases?: ReadonlyMap<string, string>;
  /** Keys in such files that the model does not use. */
  readonly unused?: readonly RegExp[];
}

/** A file's keys, and facts about each tensor. */
export interface Tensors {
  readonly keys: readonly string[];
  /** The keys, one a line. */
  readonly text: string;
  readonly store: { has(key: string): boolean; info(key: string): StoredTensor };
}

/** A declared module that adapters change, or some of the parts fused in its rows. */
export interface AdaptedModule {
  /** Declared name, such as `double_blocks.#.img_attn.qkv`; `#` stands for the block's number. */
  readonly module: string;
  /** Which of the `of` fused parts; the whole module if absent. */
  readonly parts?: { readonly first: number; readonly end: number; readonly of: number };
  /** The file's row halves are exchanged: it writes scale, shift where the declared weight is shift, scale. */
  readonly swapped?: true;
  /** A normalisation: a vector, which some files replace. */
  readonly norm?: true;
}

/** A network of the model: its config, its tensors, and their names in files. */
export interface Component<C = unknown> extends Part<C> {
  /** Its name in options, such as `t5`. */
  readonly name: string;
  /** Its name with article in messages about files, such as `a T5 encoder`. */
  readonly title: string;
  /** Its name in messages about a model, such as `CLIP`. */
  readonly label: string;
  readonly config: ConfigCodec<C> & {
    /**
     * Derives a config from the shapes. Fields that they do not tell come from `known`, the config of a model beside the file, if
     * everything else agrees.
     */
    derive(shapes: DeclaredShapes, known?: C): C;
  };
  /** One line about a config, for people. */
  describe(config: C): string;
  /** Configs that are widely used, by the names of their models. */
  readonly published: Readonly<Record<string, C>>;
  /** Fields that no program depends on. */
  readonly incidental?: readonly string[];
  /** The published model that it is a variant of, if its config tells. */
  variant?(config: C): string;
  /** The folder of its tokenizer, and the files of which it must have at least one. */
  readonly tokenizer?: {
    readonly folder: string;
    readonly files: readonly string[];
    readonly class: readonly [library: string, name: string];
  };
  /** The name of its weight files, without ending. */
  readonly weights: 'diffusion_pytorch_model' | 'model';
  /** Every name that it may declare, with `#` for the number of a block. */
  readonly tensors: readonly string[];
  /** Its spellings, tried in order. */
  readonly layouts: readonly Layout[];
  /** Prefix words of its names in all-in-one files of ComfyUI, stable-diffusion.cpp and others. */
  readonly words: readonly string[];
  /** The modules that adapters change, by every name they have in adapters' files. */
  readonly adapted?: readonly (readonly [name: string, module: AdaptedModule])[];
  /** Matches a key of a fragment, such as one file of several, which may lack the marker of its layout. */
  readonly fragment: RegExp;
  /** Names the foreign network that a file holds instead; `undefined` if it holds none. */
  foreign(tensors: Tensors): string | undefined;
  readonly written: {
    /** The layout for each choice of names: diffusers' and transformers', or single files' (BFL, latent diffusion). */
    readonly layouts: Readonly<Record<'diffusers' | 'single', string>>;
    /** The prefix of its names in an all-in-one file, as in ComfyUI. */
    readonly prefix: string;
    /** Its architecture in GGUF files of llama.cpp and ComfyUI-GGUF, and the layout of its names there. */
    readonly gguf?: { readonly architecture: string; readonly layout: string };
    /** Matrices that are never quantised because they are small and sensitive, as in other programs; by default none. */
    readonly wide?: RegExp;
  };
}

/** Two sizes that must be equal for parts to work together: a field of one part's config, and the part and field that give the other. */
export type SizeAgreement = readonly [field: string, found: number, expected: number, from: string];

/** A model family; `M` has one model's configs, by component name and `scheduler`. */
export interface Family<M = unknown> {
  /** Its name for people, such as `FLUX.1`. */
  readonly title: string;
  /** The first is the network that denoises: models are named for its files. */
  readonly components: readonly [Component, ...Component[]];
  /** Networks that may go beside a model, such as ControlNets. */
  readonly extras: readonly Component[];
  readonly scheduler: Part & {
    /** The scheduler config that models of these configs are published with. */
    published(configs: M): unknown;
  };
  /** Pipelines of diffusers with these components; the first is written. */
  readonly pipelines: readonly [string, ...string[]];
  /** Parts that those pipelines may have but this family lacks. */
  readonly absent: readonly string[];
  agreements(configs: M): readonly SizeAgreement[];
}

/** Finds a component by its name; throws `bad_config` if the family has none of that name. */
export function componentNamed({ components, extras }: Family, name: string): Component {
  const all = [...components, ...extras];
  const found = all.find((component) => component.name === name);
  if (found) return found;
  const hint = `there are ${all.map((component) => component.name).join(', ')}`;
  throw new FluxionError('bad_config', `there is no component '${name}'`, { hint });
}

/** The folders of a family's tokenizers. */
export function tokenizerFolders({ components }: Family): string[] {
  return components.flatMap(({ tokenizer }) => tokenizer?.folder ?? []);
}

/** Names of a family's components. */
export type ComponentName<M> = Exclude<keyof M, 'scheduler'> & string;

/** Files or component folders that replace parts of a model, and a folder with tokenizers, such as a model folder. */
export type ModelParts<M> = { readonly [Name in ComponentName<M> | 'tokenizer']?: string | undefined };
