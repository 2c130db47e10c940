/**
 * Every configuration key: knobs of requests and of loading (src/api), and the program's own. Names and meanings are MaxDiffusion's where
 * it has one. A row without a `default` leaves the value to the model, as `unset` explains.
 */

import { boolean, number, oneOf, path, text, whole } from '../api/kinds.ts';
import { byKey, type Knob, type KnobGroup, type Knobs } from '../api/knobs.ts';
import { LOAD_KNOBS, MODEL_KNOB } from '../api/load.ts';
import { REQUEST_KNOBS } from '../api/request.ts';
import { axisRules, blockSizes, duration, loraFiles, loras, names, parallelism, sharding, someNames } from './kinds.ts';

/** A key's row in the list. */
export interface Key extends Knob {
  readonly group: KnobGroup;
  /** `noted`: values other than the default change nothing, and a note says so once. */
  readonly use?: 'noted';
  /** The reason, for the note. */
  readonly because?: string;
  /** Whether a note names this key if a file's value has no effect; MaxDiffusion's own files contain such values. */
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
  host: {
    kind: text, default: '127.0.0.1', example: '0.0.0.0', group: 'Server',
    help: 'Address that the server listens at; by default, only this machine can reach it.',
  },
  port: {
    kind: whole(0, 65_535), default: 8000, group: 'Server',
    help: 'Port that the server listens at; 0 takes a free one.',
  },
  api_key_file: {
    kind: path, default: '', example: 'keys.txt', group: 'Server',
    help: 'File with the API keys that the server accepts, KEY or NAME:KEY in each line; FLUXION_API_KEYS adds more.',
  },
  open_to_all: {
    kind: boolean, default: false, group: 'Server',
    help: 'Lets other machines send requests without a key.',
  },
  allow_origin: {
    kind: someNames, default: [], example: 'https://example.org', group: 'Server',
    help: 'Origins of web pages that may send requests, besides its own; * for all.',
  },
  allow_host: {
    kind: someNames, default: [], example: 'pictures.lan', group: 'Server',
    help: 'Names that a server without keys answers to, besides localhost and addresses.',
  },
  rate_limit: {
    kind: number(0, 1_000_000), default: 0, example: '60', group: 'Server',
    help: 'Requests for work that one key may make in a minute; 0 for no limit.',
  },
  max_queue: {
    kind: whole(1, 100_000), default: 256, group: 'Server',
    help: 'Jobs that may wait; more are refused.',
  },
  max_pictures: {
    kind: whole(1, 65_536), default: 64, group: 'Server',
    help: 'Most pictures of one job.',
  },
  max_pixels: {
    kind: whole(256, 67_108_864), default: 4_194_304, group: 'Server',
    help: 'Most pixels, width × height, of a picture that is made.',
  },
  max_steps: {
    kind: whole(1, 1000), default: 200, group: 'Server',
    help: 'Most denoising steps of a job.',
  },
  max_body: {
    kind: number(0.001, 4096), default: 64, group: 'Server',
    help: 'Most MiB that a request may have, with the pictures in it.',
  },
  job_timeout: {
    kind: duration, default: '1h', group: 'Server',
    help: 'Time that a job may take once it is begun.',
  },
  drain_timeout: {
    kind: duration, default: '25s', group: 'Server',
    help: 'Time for accepted jobs to finish when the server is stopped; the rest are interrupted.',
  },
  idle_release: {
    kind: duration, unset: 'never', example: '10m', group: 'Server',
    help: 'Time without jobs after which the model leaves the device; the next job opens it again.',
  },
  resume: {
    kind: boolean, default: false, group: 'Server',
    help: 'Runs interrupted jobs of a stopped or killed server again, instead of showing them as interrupted.',
  },
  queue: {
    kind: text, default: '', example: 'valkey://HOST:6379', group: 'Server',
    help: "Valkey or Redis server, valkey://HOST:PORT, that hands the jobs of 'fluxion serve' to 'fluxion worker'; empty for a model in the server itself.",
  },
  worker_jobs: {
    kind: whole(1, 256), default: 4, group: 'Server',
    help: 'Jobs that a worker claims at a time: they can share its batches, and no other worker can take them.',
  },
  worker_timeout: {
    kind: duration, default: '10s', example: '30s', group: 'Server',
    help: 'Time without a sign of life after which a worker counts as dead, and other workers begin its jobs again.',
  },
  log_prompts: {
    kind: boolean, default: false, group: 'Server',
    help: "Writes requests with their prompts into the server's log.",
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

/** Whether repeated uses of a key on the command line form a list: pictures and networks. */
export function addsUp(name: KeyName): boolean {
  return ['pictures', 'paths'].includes(keyRow(name).kind.name);
}
