/**
 * Every configuration key: those of knobs of requests and of loading (src/api), and those of the program itself. Names and meanings are
 * MaxDiffusion's where it has one. A row without a `default` is left open for the model to decide, and `unset` says how.
 */

import { boolean, number, oneOf, path, text, whole } from '../api/kinds.ts';
import { byKey, type Group, type Knob, type Knobs } from '../api/knobs.ts';
import { LOAD_KNOBS, MODEL_KNOB } from '../api/load.ts';
import { REQUEST_KNOBS } from '../api/request.ts';
import { axisRules, blockSizes, loraFiles, loras, names, parallelism, sharding } from './kinds.ts';

/** What a row of the list says about its key. */
export interface Key extends Knob {
  readonly group: Group;
  /** `noted`: values other than the default change nothing, which is said once. */
  readonly use?: 'noted';
  /** Why other values are noted. */
  readonly because?: string;
  /** A value that is not honoured and stands in a file is noted by name: MaxDiffusion's own files carry it. */
  readonly inFile?: 'noted';
}

/** Knobs by their configuration keys. */
type Keyed<K extends Knobs> = {
  readonly [F in keyof K as K[F] extends { readonly key: infer N extends string } ? N : never]: K[F];
};

const keyed = <const K extends Knobs>(knobs: K): Keyed<K> => byKey(knobs, knobs) as Keyed<K>;

export const KEYS = {
  ...keyed(REQUEST_KNOBS),
  ...keyed({ model: MODEL_KNOB, ...LOAD_KNOBS }),
  resolution: {
    kind: whole(16, 8192, 16), unset: 'the size the model was made for', also: ['size', 'image_size', 'res'], example: '1024x768', group: 'Picture',
    help: 'Width and height in pixels, unless given separately; 1024x768 sets both.',
  },
  per_device_batch_size: {
    kind: whole(1, 4096), default: 1, group: 'Picture',
    help: 'Pictures for each prompt, seed and device.',
  },
  output_dir: {
    kind: path, default: '.', also: ['outdir', 'out_dir', 'output_folder', 'save_dir'], example: 'pictures', group: 'Output',
    help: 'Folder for flux_0.png, flux_1.png, …; created if it does not exist.',
  },
  overwrite: {
    kind: boolean, default: false, group: 'Output',
    help: 'Starts at flux_0.png and replaces files, instead of taking the next free number.',
  },
  show: {
    kind: oneOf('auto', 'off', 'kitty', 'iterm2', 'sixel'), default: 'auto', group: 'Output',
    help: "Shows pictures in the terminal: if the terminal is known to support it (auto), never (off), or by the named protocol. auto shows nothing when piped, or with NO_COLOR or CI set.",
  },
  run_name: {
    kind: text, default: '', example: 'evening', group: 'Output',
    help: "A name for this run, kept in the report; processes with a node_store meet under it.",
  },
  enable_profiler: {
    kind: boolean, default: false, group: 'Output',
    help: 'Writes flux_trace.json for ui.perfetto.dev to output_dir: the programs that some denoising steps of the first batch run, with their times.',
  },
  skip_first_n_steps_for_profiler: {
    kind: whole(0, 1000), default: 5, group: 'Output',
    help: 'Denoising steps to skip before the trace; the trace has at least the last step.',
  },
  profiler_steps: {
    kind: whole(1, 1000), default: 10, group: 'Output',
    help: 'Largest number of denoising steps in the trace.',
  },
  memory_limit: {
    kind: number(0.001, 1_000_000), unset: 'what is free', also: ['max_memory', 'vram_limit', 'max_vram'], example: '6', group: 'Devices',
    help: 'GiB that a run may hold on one device, the CPU included.',
  },
  flash_block_sizes: {
    kind: blockSizes, default: {}, group: 'Devices',
    help: "Tokens of a block of the TPU's flash attention; only block_q, block_kv and block_kv_compute have an effect.",
  },
  split_head_dim: {
    kind: boolean, default: true, group: 'Devices', use: 'noted',
    because: 'attention heads are always an axis of their own here; the picture is the same',
    help: 'Keeps attention heads as a separate axis.',
  },
  mesh_axes: {
    kind: names, default: ['data', 'fsdp', 'context', 'tensor'], group: 'Parallelism',
    help: 'Axes of the device mesh, from the one whose neighbours are farthest apart.',
  },
  logical_axis_rules: {
    kind: axisRules, default: [], group: 'Parallelism',
    help: "Which mesh axes split which logical axis: a list of [logical axis, mesh axes]; empty for Fluxion's own rules.",
  },
  data_sharding: {
    kind: sharding, default: [['data', 'fsdp', 'context', 'tensor']], group: 'Parallelism',
    help: 'Mesh axes that may split the batch, as a list of one list.',
  },
  ici_data_parallelism: { kind: parallelism, default: -1, group: 'Parallelism', help: 'Devices of one slice along data; -1 takes all remaining devices.' },
  ici_fsdp_parallelism: { kind: parallelism, default: 1, group: 'Parallelism', help: 'Devices of one slice along fsdp.' },
  ici_context_parallelism: { kind: parallelism, default: 1, group: 'Parallelism', help: 'Devices of one slice along context.' },
  ici_tensor_parallelism: { kind: parallelism, default: 1, group: 'Parallelism', help: 'Devices of one slice along tensor.' },
  dcn_data_parallelism: { kind: parallelism, default: -1, group: 'Parallelism', help: 'Slices along data, or independent processes (num_nodes without node_store); -1 takes all remaining ones.' },
  dcn_fsdp_parallelism: { kind: parallelism, default: 1, group: 'Parallelism', help: 'Slices along fsdp.' },
  dcn_context_parallelism: { kind: parallelism, default: 1, group: 'Parallelism', help: 'Slices along context.' },
  dcn_tensor_parallelism: { kind: parallelism, default: 1, group: 'Parallelism', help: 'Slices along tensor.' },
  node_id: {
    kind: whole(0, 999_999), unset: 'the only process', example: '0', group: 'Parallelism',
    help: 'Number of this process among num_nodes, from 0.',
  },
  num_nodes: {
    kind: whole(1, 1_000_000), default: 1, example: '2', group: 'Parallelism',
    help: 'Number of processes of one run, on one or several machines; each computes its slice of every batch, on any kind of device.',
  },
  node_store: {
    kind: text, default: '', example: 'valkey://HOST:6379', group: 'Parallelism',
    help: 'Valkey or Redis server, valkey://HOST:PORT, where the processes of one run_name meet and make one mesh of all their NVIDIA GPUs.',
  },
  lora_config: {
    kind: loras, default: { lora_model_name_or_path: [], weight_name: [], adapter_name: [], scale: [], from_pt: [] },
    group: 'LoRA',
    help: 'LoRA files, folders or repositories of the Hugging Face hub, names and scales: five lists of one length.',
  },
  lora: {
    kind: loraFiles, default: [], also: ['loras', 'lora_path', 'lora_paths', 'lora_file'], example: 'style.safetensors:0.8', group: 'LoRA',
    help: 'LoRA files, folders or ORG/NAME[/FILE] on the Hugging Face hub, each with a scale (1 if absent); the flag may be repeated.',
  },
  hardware: {
    ...LOAD_KNOBS.device, inFile: 'noted',
    because: "'tpu' in a file is read as 'auto', since MaxDiffusion's files all say it; hardware=tpu on the command line insists",
  },
} as const satisfies Record<string, Key>; // biome-ignore format: one key reads as one row

/** The name of a configuration key. */
export type KeyName = keyof typeof KEYS;

/** All key names, in the order of the list. */
export const KEY_NAMES = Object.keys(KEYS) as readonly KeyName[];

/** Tells whether a name is a configuration key. */
export function isKey(name: string): name is KeyName {
  return Object.hasOwn(KEYS, name);
}

/** The row of a key, without the literal types of the list. */
export function keyRow(name: KeyName): Key {
  return KEYS[name];
}
