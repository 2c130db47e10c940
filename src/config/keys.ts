/**
 * Every configuration key: the one list that types, defaults, flags, help and JSON Schema are made from (schema.ts).
 * Names and meanings are MaxDiffusion's where it has one. A row without a `default` is left open for the model to decide,
 * and `unset` says how.
 */

/** The groups of `--help`, in its order. */
export const GROUPS = ['Picture', 'Sampling', 'Model', 'Numbers', 'Output', 'Devices', 'Parallelism', 'LoRA'] as const;
export type Group = (typeof GROUPS)[number];

/** What a row of the list says about its key. */
export interface Key {
  /** A named kind of value (schema.ts), or the words that may stand there. */
  readonly kind: string | readonly string[];
  readonly default?: unknown;
  /** The word that an empty value stands for. */
  readonly empty?: string;
  /** What happens when a key without default is not set. */
  readonly unset?: string;
  readonly min?: number;
  readonly max?: number;
  readonly multipleOf?: number;
  readonly group: Group;
  /** One sentence. */
  readonly help: string;
  /** `honoured`: the program reads it. `noted`: values other than the default change nothing, which is said once. */
  readonly use: 'honoured' | 'noted';
  /** Why other values are noted. */
  readonly because?: string;
  /** A value that is not honoured and stands in a file is noted by name: MaxDiffusion's own files carry it. */
  readonly inFile?: 'noted';
}

export const KEYS = {
  // Picture
  prompt: {
    kind: 'prompts', default: 'a red house in the mountains at sunset', group: 'Picture', use: 'honoured',
    help: 'What the picture shows; @FILE reads a prompt from each line of a file, and a list in a configuration makes one batch for each.',
  },
  prompt_2: {
    kind: 'prompts', unset: 'the same as prompt', group: 'Picture', use: 'honoured',
    help: 'Text for the T5 encoder alone; one for all prompts, or a list as long as prompt.',
  },
  resolution: {
    kind: 'int', min: 16, max: 8192, multipleOf: 16, unset: 'the size the model was made for', group: 'Picture', use: 'honoured',
    help: 'Width and height in pixels, where these are not given; 1024x768 gives both.',
  },
  width: {
    kind: 'int', min: 16, max: 8192, multipleOf: 16, unset: 'resolution', group: 'Picture', use: 'honoured',
    help: 'Width in pixels.',
  },
  height: {
    kind: 'int', min: 16, max: 8192, multipleOf: 16, unset: 'resolution', group: 'Picture', use: 'honoured',
    help: 'Height in pixels.',
  },
  batch: {
    kind: 'int', min: 1, max: 4096, unset: 'per_device_batch_size × devices', group: 'Picture', use: 'honoured',
    help: 'Pictures for each prompt and seed.',
  },
  per_device_batch_size: {
    kind: 'int', min: 1, max: 4096, default: 1, group: 'Picture', use: 'honoured',
    help: 'Pictures for each prompt, seed and device.',
  },
  seed: {
    kind: 'seeds', default: 0, group: 'Picture', use: 'honoured',
    help: 'Seed of the noise, or a list of seeds: one batch for each; random (or -1) draws one, which the recipe records.',
  },
  noise: {
    kind: ['torch', 'jax', 'philox'], default: 'torch', group: 'Picture', use: 'honoured',
    help: "Whose noise a seed stands for: torch's CPU generator (diffusers), JAX's (MaxDiffusion), or Philox.",
  },

  // Sampling
  num_inference_steps: {
    kind: 'int', min: 1, max: 1000, unset: '28 for a guidance-distilled model, 4 for a step-distilled one, else 8', group: 'Sampling', use: 'honoured',
    help: 'Denoising steps.',
  },
  guidance_scale: {
    kind: 'number', min: 0, max: 100, unset: '3.5 for a guidance-distilled model, else 0', group: 'Sampling', use: 'honoured',
    help: 'Distilled guidance; a model without guidance embedding ignores it.',
  },
  max_sequence_length: {
    kind: 'int', min: 1, max: 512, unset: "what the model's T5 tokenizer was made for, at most 512, or 256 without guidance embedding", group: 'Sampling', use: 'honoured',
    help: 'Length in tokens that T5 prompts are padded or cut to.',
  },
  time_shift: {
    kind: 'boolean', unset: "the model's scheduler", group: 'Sampling', use: 'honoured',
    help: 'Shifts the schedule by the size of the picture.',
  },
  base_shift: {
    kind: 'number', min: -10, max: 10, unset: "the model's scheduler", group: 'Sampling', use: 'honoured',
    help: 'Shift µ at 256 image tokens.',
  },
  max_shift: {
    kind: 'number', min: -10, max: 10, unset: "the model's scheduler", group: 'Sampling', use: 'honoured',
    help: 'Shift µ at 4096 image tokens.',
  },
  sigmas: {
    kind: 'sigmas', unset: 'evenly spaced', group: 'Sampling', use: 'honoured',
    help: 'Noise levels before the shift, falling, one for each step; the final 0 is added.',
  },
  cache: {
    kind: ['off', 'fbcache'], default: 'off', group: 'Sampling', use: 'honoured',
    help: 'First-block cache: fbcache skips all blocks but the first in steps where that one does what it did before; faster, and not quite the same picture.',
  },
  threshold: {
    kind: 'number', min: 0, max: 10, unset: '0.08', group: 'Sampling', use: 'honoured',
    help: "With cache=fbcache, the relative change of the first block's residual below which a step's other blocks are skipped; 0 skips none.",
  },
  preview: {
    kind: ['off', 'step'], default: 'off', group: 'Sampling', use: 'honoured',
    help: 'Decodes the predicted clean picture after every step.',
  },

  // Model
  pretrained_model_name_or_path: {
    kind: 'path', default: 'tiny', group: 'Model', use: 'honoured',
    help: "A model folder in the diffusers layout, a file with the weights of a model or of its transformer, ORG/NAME on the Hugging Face hub, or 'tiny', the model that comes with the program.",
  },
  weights: {
    kind: ['file', 'random'], default: 'file', group: 'Model', use: 'honoured',
    help: "Where weights come from: the model's files, or a rule that makes random ones of the right shapes, for measuring. FLUX.1-dev, -schnell and -Krea-dev then need no download.",
  },
  transformer: {
    kind: 'path', unset: "the model's own", group: 'Model', use: 'honoured',
    help: "A file with transformer weights to use instead of the model's: safetensors or GGUF, in any common spelling.",
  },
  clip: {
    kind: 'path', unset: "the model's own", group: 'Model', use: 'honoured',
    help: "A file with the weights of the CLIP text encoder to use instead of the model's.",
  },
  t5: {
    kind: 'path', unset: "the model's own", group: 'Model', use: 'honoured',
    help: "A file with the weights of the T5 encoder to use instead of the model's.",
  },
  vae: {
    kind: 'path', unset: "the model's own", group: 'Model', use: 'honoured',
    help: "A file with the weights of the autoencoder to use instead of the model's.",
  },
  tokenizer: {
    kind: 'path', unset: "the model's own", group: 'Model', use: 'honoured',
    help: 'A folder that holds tokenizer and tokenizer_2, such as a model folder, for a model that is a single file.',
  },
  flux_name: {
    kind: 'text', unset: "the model folder's name", group: 'Model', use: 'honoured',
    help: "The name that reports and recipes call the model by.",
  },
  revision: {
    kind: 'text', default: '', group: 'Model', use: 'honoured',
    help: 'Branch, tag or commit of a model on the Hugging Face hub; empty stands for main. Folders have none.',
  },

  // Numbers
  weights_dtype: {
    kind: 'dtype', default: 'bfloat16', group: 'Numbers', use: 'honoured',
    help: 'Type that weights are kept in.',
  },
  activations_dtype: {
    kind: 'dtype', default: 'bfloat16', group: 'Numbers', use: 'honoured',
    help: 'Type that activations are computed in.',
  },
  quantization: {
    kind: ['none', 'int8', 'fp8', 'int4'], default: 'none', empty: 'none', group: 'Numbers', use: 'honoured',
    help: 'Bits that the matrices of blocks are kept in: of weights_dtype, 8 as integers or floats, or 4. Products are computed in them where that is faster.',
  },
  precision: {
    kind: ['DEFAULT', 'HIGH', 'HIGHEST'], default: 'DEFAULT', group: 'Numbers', use: 'honoured',
    help: 'Precision of float32 matrix products and convolutions on GPU and TPU.',
  },

  // Output
  output_dir: {
    kind: 'path', default: '.', group: 'Output', use: 'honoured',
    help: 'Folder for flux_0.png, flux_1.png, …; made if absent.',
  },
  overwrite: {
    kind: 'boolean', default: false, group: 'Output', use: 'honoured',
    help: 'Starts again at flux_0.png instead of at the next free number.',
  },
  show: {
    kind: ['auto', 'off', 'kitty', 'iterm2', 'sixel'], default: 'auto', group: 'Output', use: 'honoured',
    help: "Shows pictures in the terminal: where it is known to be able to, never, or by the protocol that is named. Piped, with NO_COLOR, or with CI set, auto shows none.",
  },
  run_name: {
    kind: 'text', default: '', group: 'Output', use: 'honoured',
    help: "A name for this run, kept in the report; processes with a node_store find each other by it.",
  },
  enable_profiler: {
    kind: 'boolean', default: false, group: 'Output', use: 'honoured',
    help: 'Writes flux_trace.json for ui.perfetto.dev in output_dir: which programs some denoising steps of the first batch run, and when.',
  },
  skip_first_n_steps_for_profiler: {
    kind: 'int', min: 0, max: 1000, default: 5, group: 'Output', use: 'honoured',
    help: 'Denoising steps before those in the trace; at least the last step is in it.',
  },
  profiler_steps: {
    kind: 'int', min: 1, max: 1000, default: 10, group: 'Output', use: 'honoured',
    help: 'Denoising steps in the trace, at most.',
  },

  // Devices
  hardware: {
    kind: ['auto', 'cpu', 'gpu', 'tpu', 'cuda', 'rocm', 'metal'], default: 'auto', group: 'Devices', use: 'honoured', inFile: 'noted',
    because: "'tpu' in a file is read as 'auto', since MaxDiffusion's files all say it; hardware=tpu on the command line insists",
    help: 'Kind of device; auto takes the fastest there is, gpu that of NVIDIA (cuda), AMD (rocm) or Apple (metal).',
  },
  cpu_devices: {
    kind: 'int', min: 1, max: 64, default: 1, group: 'Devices', use: 'honoured',
    help: 'Devices that the CPU is presented as; more than one asks for the CPU.',
  },
  offload_encoders: {
    kind: 'boolean', default: true, group: 'Devices', use: 'honoured',
    help: "Frees the text encoders' memory before the transformer is placed.",
  },
  residency: {
    kind: ['auto', 'resident', 'streamed'], default: 'auto', group: 'Devices', use: 'honoured',
    help: 'Whether weights stay on the device or each block comes before its use and goes after it; auto has them stay where they fit.',
  },
  memory_limit: {
    kind: 'number', min: 0.001, max: 1_000_000, unset: 'what is free', group: 'Devices', use: 'honoured',
    help: 'GiB that a run may hold on one device, the CPU included.',
  },
  vae_tiling: {
    kind: ['auto', 'on', 'off'], default: 'auto', group: 'Devices', use: 'honoured',
    help: 'Decodes pictures in bands of rows, which gives the same picture in less memory: where memory asks for it, wherever a program would take more than 64 MiB, or never.',
  },
  jax_cache_dir: {
    kind: 'path', default: '', group: 'Devices', use: 'honoured',
    help: "Folder of compiled programs; empty stands for the user's cache folder.",
  },
  attention: {
    kind: ['auto', 'dot_product', 'flash', 'cudnn_flash_te'], default: 'auto', group: 'Devices', use: 'honoured',
    help: "Attention kernel: the fastest, two plain products, the device's own flash attention, or cuDNN's.",
  },
  flash_block_sizes: {
    kind: 'blockSizes', default: {}, group: 'Devices', use: 'honoured',
    help: "Tokens of a block of the TPU's flash attention; of the names, block_q, block_kv and block_kv_compute count.",
  },
  mask_padding_tokens: {
    kind: 'boolean', default: true, group: 'Devices', use: 'honoured',
    help: "Keeps tokens that only fill up a block of the TPU's flash attention from being attended to.",
  },
  use_base2_exp: {
    kind: 'boolean', default: true, group: 'Devices', use: 'honoured',
    help: "Computes powers of 2 rather than of e in the TPU's flash attention; the picture is the same.",
  },
  split_head_dim: {
    kind: 'boolean', default: true, group: 'Devices', use: 'noted',
    because: 'attention heads are always an axis of their own here; the picture is the same',
    help: 'Keeps attention heads as an axis of their own.',
  },

  // Parallelism
  mesh_axes: {
    kind: 'names', default: ['data', 'fsdp', 'context', 'tensor'], group: 'Parallelism', use: 'honoured',
    help: 'Axes of the device mesh, from the one whose neighbours are farthest apart.',
  },
  logical_axis_rules: {
    kind: 'axisRules', default: [], group: 'Parallelism', use: 'honoured',
    help: 'Which mesh axes split which logical axis: a list of [logical axis, mesh axes]; empty for the rules of the program.',
  },
  data_sharding: {
    kind: 'sharding', default: [['data', 'fsdp', 'context', 'tensor']], group: 'Parallelism', use: 'honoured',
    help: 'Mesh axes that may split the batch, as a list of one list.',
  },
  ici_data_parallelism: { kind: 'parallelism', default: -1, group: 'Parallelism', use: 'honoured', help: 'Devices of one slice along data; -1 takes all that are left.' },
  ici_fsdp_parallelism: { kind: 'parallelism', default: 1, group: 'Parallelism', use: 'honoured', help: 'Devices of one slice along fsdp.' },
  ici_context_parallelism: { kind: 'parallelism', default: 1, group: 'Parallelism', use: 'honoured', help: 'Devices of one slice along context.' },
  ici_tensor_parallelism: { kind: 'parallelism', default: 1, group: 'Parallelism', use: 'honoured', help: 'Devices of one slice along tensor.' },
  dcn_data_parallelism: { kind: 'parallelism', default: -1, group: 'Parallelism', use: 'honoured', help: 'Slices along data, or processes that have a client each (num_nodes without node_store); -1 takes all that are left.' },
  dcn_fsdp_parallelism: { kind: 'parallelism', default: 1, group: 'Parallelism', use: 'honoured', help: 'Slices along fsdp.' },
  dcn_context_parallelism: { kind: 'parallelism', default: 1, group: 'Parallelism', use: 'honoured', help: 'Slices along context.' },
  dcn_tensor_parallelism: { kind: 'parallelism', default: 1, group: 'Parallelism', use: 'honoured', help: 'Slices along tensor.' },

  node_id: {
    kind: 'int', min: 0, max: 999_999, unset: 'the only process', group: 'Parallelism', use: 'honoured',
    help: 'Which of num_nodes processes this one is, from 0.',
  },
  num_nodes: {
    kind: 'int', min: 1, max: 1_000_000, default: 1, group: 'Parallelism', use: 'honoured',
    help: 'Processes that are started for one run, on one machine or several: each makes its part of every batch, on any kind of device.',
  },
  node_store: {
    kind: 'text', default: '', group: 'Parallelism', use: 'honoured',
    help: 'Valkey or Redis server, valkey://HOST:PORT, where the processes of one run_name find each other, so that the NVIDIA GPUs of all are one mesh.',
  },

  // LoRA
  lora_config: {
    kind: 'loras', default: { lora_model_name_or_path: [], weight_name: [], adapter_name: [], scale: [], from_pt: [] },
    group: 'LoRA', use: 'honoured',
    help: 'LoRA files, folders or repositories of the Hugging Face hub, names and scales: five lists of one length.',
  },
  lora: {
    kind: 'loraFiles', default: [], group: 'LoRA', use: 'honoured',
    help: 'LoRA files, folders or ORG/NAME[/FILE] of the Hugging Face hub, each with its scale (1 if absent); as a flag it may be repeated.',
  },
  lora_dir: {
    kind: 'path', default: '', group: 'LoRA', use: 'honoured',
    help: 'Folder of LoRA files that are given by name, or by path inside of it, as in a prompt with <lora:NAME:SCALE>.',
  },
  lora_strict: {
    kind: 'boolean', default: false, group: 'LoRA', use: 'honoured',
    help: "Makes it an error, not a warning, when some of a LoRA file's keys match nothing in the model.",
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
