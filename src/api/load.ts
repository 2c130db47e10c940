/** Options for opening a model, and for compiling a run of it for devices that are not here. */

import { z } from 'zod';
import { boolean, float, kind, list, NUMBER, number, oneOf, path, paths, TEXT, text, whole } from './kinds.ts';
import { callback, type Immutable, type Knobs, settings, signal, strict } from './knobs.ts';

/** The devices a user may name: one device, the best GPU, or the best of all. */
const DEVICES = ['auto', 'cpu', 'gpu', 'tpu', 'cuda', 'rocm', 'metal'] as const;
/** Other names of devices. */
export const DEVICE_WORDS: Readonly<Record<string, string>> = {
  nvidia: 'cuda',
  amd: 'rocm',
  hip: 'rocm',
  apple: 'metal',
  mps: 'metal',
};

/** Progress of a model's download. */
export interface PullProgress {
  readonly phase: 'listing' | 'waiting' | 'downloading' | 'checking' | 'retrying';
  /** Bytes on disk, including an earlier download's, and the expected total; both are 0 until the files are known. */
  readonly bytes: number;
  readonly totalBytes: number;
  /** Average over the last seconds; 0 until the first bytes arrive. */
  readonly bytesPerSecond: number;
}

/** Names of mesh axes, and the sizes they have. */
export const AXES = list(TEXT, 'names');
export const AXIS_RULES = list(
  z.tuple([TEXT, z.union([TEXT, list(TEXT, 'names'), z.null()])], 'a pair of a logical axis and its mesh axes'),
  'pairs',
);
export const DATA_SHARDING = list(AXES, 'lists');

const size = NUMBER.optional();
const sizes = strict({ data: size, fsdp: size, context: size, tensor: size }, '{ data: 1, fsdp: -1 }').optional();

const mesh = strict(
  {
    axes: AXES.optional(),
    ici: sizes,
    dcn: sizes,
    rules: AXIS_RULES.optional(),
    dataSharding: DATA_SHARDING.optional(),
  },
  '{ ici: { data: 1, fsdp: -1 } }',
);
const nodes = strict(
  {
    id: NUMBER,
    count: NUMBER,
    store: strict({ url: TEXT, run: TEXT }, "{ url: 'valkey://HOST:6379', run: 'evening' }").optional(),
  },
  '{ id: 0, count: 2 }',
);
const blockSizes = strict({ blockQ: size, blockKv: size, blockKvCompute: size }, '{ blockQ: 512 }');

/** A kind of value that configurations spell otherwise. */
const own = <T extends z.ZodType>(type: T) => kind('object', type, '');

export const MODEL_KNOB = {
  kind: path, key: 'pretrained_model_name_or_path', also: ['model', 'm', 'model_path', 'model_id', 'model_name', 'checkpoint', 'ckpt'], group: 'Model',
  default: 'tiny', example: 'black-forest-labs/FLUX.1-schnell',
  help: "A model folder in the diffusers layout, a file with the weights of a model or of its transformer, ORG/NAME on the Hugging Face hub, or 'tiny', the model that comes with the program.",
} as const; // biome-ignore format: one knob reads as one row

export const LOAD_KNOBS = {
  weights: {
    kind: oneOf('file', 'random'), key: 'weights', group: 'Model', default: 'file',
    help: "Source of the weights: the model's files, or a rule that makes random weights of the right shapes, for measuring. FLUX.1-dev, -schnell and -Krea-dev then need no download.",
  },
  transformer: {
    kind: path, key: 'transformer', also: ['unet', 'dit', 'diffusion_model'], group: 'Model', unset: "the model's own", example: 'flux1-dev-Q8_0.gguf',
    help: "A file with transformer weights to use instead of the model's: safetensors or GGUF, in any common spelling.",
  },
  clip: {
    kind: path, key: 'clip', also: ['text_encoder', 'clip_l'], group: 'Model', unset: "the model's own", example: 'clip_l.safetensors',
    help: "A file with the weights of the CLIP text encoder to use instead of the model's.",
  },
  t5: {
    kind: path, key: 't5', also: ['text_encoder_2', 't5xxl'], group: 'Model', unset: "the model's own", example: 't5xxl_fp16.safetensors',
    help: "A file with the weights of the T5 encoder to use instead of the model's.",
  },
  vae: {
    kind: path, key: 'vae', also: ['ae', 'autoencoder'], group: 'Model', unset: "the model's own", example: 'ae.safetensors',
    help: "A file with the weights of the autoencoder to use instead of the model's.",
  },
  tokenizer: {
    kind: path, key: 'tokenizer', group: 'Model', unset: "the model's own",
    help: 'A folder with tokenizer and tokenizer_2, such as a model folder, for a model that is a single file.',
  },
  controlnet: {
    kind: paths, key: 'controlnet', also: ['controlnets', 'control_net', 'controlnet_model'], group: 'Model', unset: 'none', example: 'InstantX/FLUX.1-dev-Controlnet-Canny',
    help: 'A ControlNet beside the model: a folder, a file, or ORG/NAME on the hub; or a list of them, one for each control_image.',
  },
  redux: {
    kind: path, key: 'redux', also: ['redux_model', 'image_embedder'], group: 'Model', unset: 'none', example: 'black-forest-labs/FLUX.1-Redux-dev',
    help: 'FLUX.1 Redux, which makes redux_image part of the prompt: its pipeline folder or ORG/NAME on the hub, or a file with its projector.',
  },
  imageEncoder: {
    kind: path, key: 'image_encoder', also: ['clip_vision', 'siglip'], group: 'Model', unset: "that of redux's folder", example: 'sigclip_vision_patch14_384.safetensors',
    help: 'A file or folder with the SigLIP image encoder, if redux is a file.',
  },
  name: {
    kind: text, key: 'flux_name', group: 'Model', unset: "the model folder's name",
    help: "The model's name in reports and recipes.",
  },
  revision: {
    kind: text, key: 'revision', group: 'Model', default: '', example: 'main',
    help: 'Branch, tag or commit of a model on the Hugging Face hub; empty means main. A folder has no revision.',
  },
  dtype: { kind: float, help: 'Type of weights and activations, bfloat16 by default.' },
  weightsDtype: {
    kind: float, key: 'weights_dtype', also: ['weight_dtype', 'weights_type'], group: 'Numbers', default: 'bfloat16',
    help: 'Element type of weights.',
  },
  activationsDtype: {
    kind: float, key: 'activations_dtype', also: ['activation_dtype', 'compute_dtype'], group: 'Numbers', default: 'bfloat16',
    help: 'Element type of activations.',
  },
  quantization: {
    kind: oneOf('none', 'int8', 'fp8', 'int4'), key: 'quantization', also: ['quantize', 'quant'], group: 'Numbers', default: 'none',
    help: "Form of the blocks' matrices in memory: as weights_dtype, in 8 bits as integers or floats, or in 4 bits. Products use that form where it is faster.",
  },
  precision: {
    kind: oneOf('DEFAULT', 'HIGH', 'HIGHEST'), key: 'precision', group: 'Numbers', default: 'DEFAULT',
    help: 'Precision of float32 matrix products and convolutions on GPU and TPU.',
  },
  device: {
    kind: oneOf(...DEVICES), key: 'hardware', also: ['device', 'backend'], group: 'Devices', default: 'auto',
    help: 'Kind of device; auto takes the fastest device of this machine, gpu the one of NVIDIA (cuda), AMD (rocm) or Apple (metal).',
  },
  cpuDevices: {
    kind: whole(1, 64), key: 'cpu_devices', group: 'Devices', default: 1, example: '4',
    help: 'Number of devices that the CPU acts as; more than one selects the CPU.',
  },
  offloadEncoders: {
    kind: boolean, key: 'offload_encoders', group: 'Devices', default: true,
    help: "Frees the text encoders' memory before the transformer is placed.",
  },
  residency: {
    kind: oneOf('auto', 'resident', 'streamed'), key: 'residency', group: 'Devices', default: 'auto',
    help: 'Whether weights stay on the device or are streamed, each block before its use; auto streams only what does not fit.',
  },
  memoryLimit: {
    kind: own(NUMBER.positive('a number of bytes')),
    help: 'Bytes that a run may hold on one device, half of them for decoding; by default, the memory that is free when the model is opened.',
  },
  vaeTiling: {
    kind: oneOf('auto', 'on', 'off'), key: 'vae_tiling', also: ['vae_tile', 'tiling'], group: 'Devices', default: 'auto',
    help: 'Decodes and encodes pictures in bands of rows, which gives the same picture in less memory: when memory is short (auto), wherever a program would take more than 64 MiB (on), or never (off).',
  },
  cacheDir: {
    kind: path, key: 'jax_cache_dir', group: 'Devices', default: '',
    help: "Folder of compiled programs; empty means the user's cache folder.",
  },
  attention: {
    kind: oneOf('auto', 'dot_product', 'flash', 'cudnn_flash_te'), key: 'attention', group: 'Devices', default: 'auto',
    help: "Attention kernel: the fastest (auto), two plain products (dot_product), the device's flash attention (flash), or cuDNN's (cudnn_flash_te).",
  },
  attentionFallback: {
    kind: oneOf('error', 'auto'),
    help: 'What happens if the device lacks the requested attention kernel: an error (the default), or auto with a warning.',
  },
  flashBlockSizes: {
    kind: own(blockSizes),
    help: "Tokens of a block of the TPU's flash attention.",
  },
  maskPaddingTokens: {
    kind: boolean, key: 'mask_padding_tokens', group: 'Devices', default: true,
    help: "Masks the tokens that only fill up a block of the TPU's flash attention.",
  },
  useBase2Exp: {
    kind: boolean, key: 'use_base2_exp', group: 'Devices', default: true,
    help: "Computes powers of 2 instead of e in the TPU's flash attention; the picture is the same.",
  },
  mesh: {
    kind: own(mesh),
    help: 'The mesh of all devices of that kind, such as { ici: { data: 1, fsdp: -1 } }; by default, a single device.',
  },
  nodes: {
    kind: own(nodes),
    help: "This process's number among several, such as { id: 0, count: 2 }; each computes its slice of every batch. By default, one process does all the work.",
  },
  maxBatch: {
    kind: whole(1, 4096), key: 'max_batch', group: 'Devices', unset: 'as many as are faster together and fit in memory', example: '4',
    help: 'Most pictures of different prompts, seeds and requests in one batch; batch= asks for more of one prompt.',
  },
  batchWindow: {
    kind: number(0, 60_000), key: 'batch_window', group: 'Devices', default: 0, example: '20',
    help: 'Milliseconds that an idle device waits for further requests to share its first batch.',
  },
  timeShift: {
    kind: boolean, key: 'time_shift', group: 'Sampling', unset: "the model's scheduler",
    help: 'Shifts the schedule by the size of the picture.',
  },
  baseShift: {
    kind: number(-10, 10), key: 'base_shift', group: 'Sampling', unset: "the model's scheduler", example: '0.5',
    help: 'Shift µ at 256 image tokens.',
  },
  maxShift: {
    kind: number(-10, 10), key: 'max_shift', group: 'Sampling', unset: "the model's scheduler", example: '1.15',
    help: 'Shift µ at 4096 image tokens.',
  },
  loraMode: {
    kind: oneOf('beside', 'merged'),
    help: 'How LoRAs are applied: beside the weights (the default), for models that stay open, or merged into the weights, for a single run.',
  },
  loraStrict: {
    kind: boolean, key: 'lora_strict', group: 'LoRA', default: false,
    help: "Turns the warning about keys of a LoRA file that match nothing in the model into an error.",
  },
  loraDir: {
    kind: path, key: 'lora_dir', also: ['lora_folder', 'lora_model_dir'], group: 'LoRA', default: '', example: 'loras',
    help: 'Folder of the LoRA files that are named without a path, as in a prompt with <lora:NAME:SCALE>; names may have folders inside it.',
  },
  signal: signal('Aborts the opening and, if processes share a client, every later wait for the others.'),
  onProgress: callback<(message: string, download?: PullProgress) => void>(
    'Called with progress during slow one-time work, such as installing a plugin; a download of a model adds figures.',
  ),
} as const satisfies Knobs; // biome-ignore format: one knob reads as one row

/** Options that name networks beside the model. */
export const BESIDE_FIELDS = ['controlnet', 'redux', 'imageEncoder'] as const;

/** How a model is opened. */
export const LOAD = settings(LOAD_KNOBS, "{ device: 'cpu' }");

/** How a model is opened; files or component folders given for single parts are used in place of the model's own. */
export type LoadOptions = Immutable<z.input<typeof LOAD>>;

/** Options of a model that were checked. */
export type CheckedLoad = Immutable<z.output<typeof LOAD>>;

/** The stages of a run whose programs can be compiled alone. */
export const AHEAD_STAGE = oneOf('encode', 'pictures', 'prepare', 'step', 'decode');

/** Options for compiling a run for devices that are not here. */
export const AHEAD = strict(
  {
    ...LOAD.shape,
    /** For instance `v6e:2x2`, `h200` or `cpu:4`. */
    target: TEXT,
    /** Folder that executables are written to. */
    out: TEXT.optional(),
    /** TPU compilers optimise least, in a fifth of the time; temporaries then take up to two fifths more memory. */
    quick: z.boolean('true or false').optional(),
    /** Compiles everything again, instead of repeating the reports of programs that were compiled before. */
    fresh: z.boolean('true or false').optional(),
    /** The programs to compile; all by default. */
    stages: list(AHEAD_STAGE.type, 'stages').optional(),
  },
  "{ target: 'v6e:2x2' }",
);

/** Options of `compileRun`: how the model is opened, and the devices to compile for. */
export type AheadRunOptions = Immutable<z.input<typeof AHEAD>>;
