/** Describes weight files and model folders from their headers and configs, without reading weights. */

import { statSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { ModelSizes } from '../../index.ts';
import {
  type Component,
  type ComponentName,
  describeContents,
  describeLora,
  FLUX1,
  fileContents,
  type GroupSummary,
  type LoraReport,
  modulesText,
  openPipelineFolder,
  openTensors,
  summarise,
  type TensorStore,
} from '../../models.ts';
import { unlessRefused } from '../../support/attempt.ts';
import { byteSize, elementCount } from '../../support/dtype.ts';
import { FluxionError } from '../../support/errors.ts';
import { bytes, count } from '../terminal/render.ts';

/** The result of an inspection: lines for people, and the same as data. */
export interface Findings {
  readonly lines: readonly string[];
  readonly data: Record<string, unknown>;
}

/** Keys shown without --keys. */
const FIRST_KEYS = 12;

/** Describes a weight file, an index of several, or a folder of them. */
export function inspectWeights(path: string, show: 'all' | 'first'): Findings {
  using store = openTensors(path);
  const sums = measure(store);
  const contents = fileContents(store, FLUX1);
  const groups = contents.groups.map((group) => summarise(store, group));
  const holds = groups.length > 0 ? groups.map(groupText).join('; ') : describeContents(contents);
  const lora = groups.length === 0 && store.path.endsWith('.safetensors') ? loraIn(store.path) : undefined;
  const keys = store.keys();
  const shown = show === 'all' ? keys : keys.slice(0, FIRST_KEYS);
  const described = shown.map((key) => {
    const { dtype, encoding = dtype, shape } = store.info(key);
    return { key, dtype: encoding, shape };
  });
  const widest = Math.max(0, ...shown.map((key) => Math.min(key.length, 72)));
  const lines = [
    `${path}: ${store.format}, ${sums.files.length === 1 ? '1 file' : `${sums.files.length} files`}, ${bytes(sums.bytes)}`,
    `  holds       ${holds}`,
    `  tensors     ${keys.length}`,
    `  parameters  ${count(sums.parameters)}`,
    `  dtypes      ${dtypesText(sums)}`,
    ...(lora ? ['', 'LoRA', ...loraLines(lora)] : []),
    ...(store.metadata.size > 0 ? ['', 'metadata'] : []),
    ...[...store.metadata].map(([name, text]) => `  ${name}: ${text.length > 400 ? `${text.slice(0, 400)}…` : text}`),
    '',
    shown.length === keys.length ? 'keys' : `first ${shown.length} of ${keys.length} keys (--keys shows all)`,
    ...described.map(({ key, dtype, shape }) => `  ${key.padEnd(widest)}  ${dtype} [${shape.join(', ')}]`),
  ];
  return {
    lines,
    data: {
      kind: 'weights',
      format: store.format,
      holds,
      groups,
      ...(lora && { lora }),
      ...(contents.strays.length > 0 && { strays: contents.strays }),
      ...sums,
      tensors: keys.length,
      metadata: Object.fromEntries(store.metadata),
      keys: described,
    },
  };
}

/** Describes a LoRA file for FLUX.1; undefined for any other file. */
function loraIn(path: string): LoraReport | undefined {
  const report = unlessRefused(() => describeLora(FLUX1, { path }), 'unsupported');
  return report && modulesText(FLUX1, report).length > 0 ? report : undefined;
}

function loraLines(report: LoraReport): string[] {
  const { dialect, algorithms, ranks, alphas, control, unmatched, warnings } = report;
  const more = unmatched.count > unmatched.first.length ? ', …' : '';
  return [
    `  dialect     ${dialect}`,
    `  algorithms  ${algorithms.join(', ')}`,
    `  modules     ${modulesText(FLUX1, report).join(', ')}`,
    `  ranks       ${ranks.join(', ') || 'none'}`,
    `  alphas      ${alphas.join(', ') || 'none: the rank is used'}`,
    ...(control ? ['  takes       a control picture beside the latents: control_image=PATH'] : []),
    `  unmatched   ${unmatched.count === 0 ? 'no keys' : `${unmatched.count} keys: ${unmatched.first.join(', ')}${more}`}`,
    ...warnings.map((warning) => `  warning     ${warning}`),
  ];
}

/** Describes a model folder: its components, their sizes, and the published models they match. */
export function inspectPipeline(path: string): Findings {
  const folder = openPipelineFolder(FLUX1, path);
  const { scheduler } = folder;
  const described = FLUX1.components.map((component) => {
    const name = component.name as ComponentName<ModelSizes>;
    const config = folder[name];
    return {
      name: component.folder,
      summary: component.describe(config),
      config,
      equals: equalTo(config, component),
      weights: weigh(() => folder.openWeights(name)),
    };
  });
  const known = described.flatMap(({ weights }) => (typeof weights === 'string' ? [] : [weights]));
  const size = known.reduce((sum, weights) => sum + weights.bytes, 0);
  const parameters = known.reduce((sum, weights) => sum + weights.parameters, 0);
  const shift = scheduler.useDynamicShifting
    ? `shift by size, ${scheduler.baseShift} to ${scheduler.maxShift}`
    : `shift ${scheduler.shift}`;
  const lines = [
    `${path}: ${folder.className}, ${count(parameters)} parameters, ${bytes(size)}`,
    ...described.flatMap(({ name, summary, equals, weights }) => [
      '',
      name,
      `  ${summary}`,
      ...(equals === undefined ? [] : [`  the same architecture as ${equals}`]),
      typeof weights === 'string'
        ? `  weights cannot be read: ${weights}`
        : `  ${count(weights.parameters)} parameters in ${weights.tensors} tensors, ${dtypesText(weights)}, ${bytes(weights.bytes)}`,
    ]),
    '',
    'scheduler',
    `  flow-matching Euler, ${shift}`,
  ];
  return {
    lines,
    data: {
      kind: 'model',
      class: folder.className,
      parameters,
      bytes: size,
      components: Object.fromEntries(
        described.map(({ name, config, equals, weights }) => [
          name,
          {
            config,
            ...(equals !== undefined && { equals }),
            ...(typeof weights === 'string' ? { error: weights } : weights),
          },
        ]),
      ),
      scheduler,
    },
  };
}

/** Sums over all tensors of a store. */
interface Sums {
  readonly files: readonly string[];
  /** On disk. */
  readonly bytes: number;
  readonly parameters: number;
  readonly dtypes: Readonly<
    Record<string, { readonly tensors: number; readonly parameters: number; readonly bytes?: number }>
  >;
}

function measure(store: TensorStore): Sums {
  const files = new Set<string>();
  const dtypes: Record<string, { tensors: number; parameters: number; bytes?: number }> = {};
  for (const key of store.keys()) {
    const { dtype, encoding = dtype, shape, file } = store.info(key);
    files.add(file);
    dtypes[encoding] ??= { tensors: 0, parameters: 0 };
    const sum = dtypes[encoding];
    sum.tensors++;
    sum.parameters += elementCount(shape);
    if (encoding === dtype) sum.bytes = (sum.bytes ?? 0) + elementCount(shape) * byteSize(dtype);
  }
  return {
    files: [...files],
    bytes: [...files].reduce((sum, file) => sum + statSync(file).size, 0),
    parameters: Object.values(dtypes).reduce((sum, { parameters }) => sum + parameters, 0),
    dtypes,
  };
}

/** The sums of a component's weights, or the reason they cannot be read. */
function weigh(open: () => TensorStore): (Sums & { readonly tensors: number }) | string {
  try {
    using store = open();
    return { ...measure(store), tensors: store.keys().length };
  } catch (error) {
    if (error instanceof FluxionError) return error.message;
    throw error;
  }
}

/** Describes one model in a file: its kind, and the layout of its names. */
function groupText({ title, layout, prefix, variant, encodings }: GroupSummary): string {
  return [
    title,
    `${layout} names${prefix === '' ? '' : ` under '${prefix}'`}`,
    Object.keys(encodings).join(' and '),
    ...(variant === undefined ? [] : [`guidance as in ${variant}`]),
  ].join(', ');
}

/** The published config that agrees with a config in everything a program depends on. */
function equalTo(config: object, { published, incidental = [] }: Component): string | undefined {
  const values = new Map(Object.entries(config));
  return Object.entries(published).find(([, known]) =>
    Object.entries(known as object).every(
      ([field, value]) => incidental.includes(field) || isDeepStrictEqual(values.get(field), value),
    ),
  )?.[0];
}

function dtypesText({ dtypes }: Sums): string {
  return Object.entries(dtypes)
    .map(([dtype, { parameters }]) => (Object.keys(dtypes).length === 1 ? dtype : `${dtype} ${count(parameters)}`))
    .join(', ');
}
