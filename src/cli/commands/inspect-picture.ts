/** Describes how a picture file was made. */

import { INPUT_FIELDS, REQUEST_KNOBS, STEERED } from '../../api/request.ts';
import { type Recipe, readRecipe } from '../../index.ts';
import { bytes } from '../terminal/render.ts';
import type { Findings } from './inspect-model.ts';

const FORMAT_NAMES = { png: 'PNG', jpeg: 'JPEG', webp: 'WebP' } as const;

/** Describes a picture file: format, size, recipe, and the parameters text that A1111, Forge and Fluxion write. */
export function inspectPicture(path: string, file: Uint8Array): Findings {
  const { format, width, height, recipe, parameters, chunks } = readRecipe(file, path);
  const sections = [
    [`${path}: ${FORMAT_NAMES[format]}, ${width}×${height}, ${bytes(file.length)}`],
    recipe ? ['recipe', ...rows(recipe), `  again: fluxion redo ${path}`] : ['no Fluxion recipe inside'],
    parameters === undefined ? [] : ['parameters', ...parameters.split('\n').map((line) => `  ${line}`)],
  ];
  return {
    lines: sections.filter((lines) => lines.length > 0).flatMap((lines, i) => (i === 0 ? lines : ['', ...lines])),
    data: {
      kind: 'picture',
      format,
      width,
      height,
      bytes: file.length,
      ...(recipe && { recipe }),
      ...(parameters !== undefined && { parameters }),
      chunks: [...new Set(chunks.map(({ type }) => type))],
    },
  };
}

function rows(recipe: Recipe): string[] {
  const { model, batch, shift, sigmas, cache } = recipe;
  const pairs: [string, unknown][] = [
    ['prompt', recipe.prompt],
    ['prompt_2', recipe.prompt2],
    ['negative_prompt', recipe.negativePrompt],
    ['negative_prompt_2', recipe.negativePrompt2],
    ['true_cfg_scale', recipe.trueCfgScale],
    ...INPUT_FIELDS.map((field): [string, unknown] => [
      REQUEST_KNOBS[field].key,
      recipe.inputs?.[field]
        ?.map(({ name, hash, data }) => `${name} (${hash}${data === undefined ? '' : ', inside'})`)
        .join(', '),
    ]),
    ...STEERED.map((field): [string, unknown] => [REQUEST_KNOBS[field].key, recipe[field]]),
    ['size', `${recipe.width}×${recipe.height}`],
    ['steps', recipe.steps],
    ['guidance', recipe.guidance],
    ['seed', recipe.seed],
    ['noise', recipe.noise],
    ['batch', batch && `slot ${batch.index} of ${batch.size}, counted from 0`],
    // Such a batch is made again as a whole.
    ['first seed', batch?.seed],
    ['sampler', recipe.sampler],
    ['schedule', recipe.schedule],
    ['sigmas', sigmas?.join(', ')],
    [
      'cache',
      cache && `${cache.kind}, threshold ${cache.threshold}: first block alone in ${cache.cachedSteps.length} steps`,
    ],
    ['time shift', shift.dynamic ? `by size, ${shift.base} to ${shift.max}` : (shift.fixed ?? 'none')],
    ['T5 tokens', recipe.maxSequenceLength],
    ['model', model.fingerprint === undefined ? model.name : `${model.name} (${model.fingerprint})`],
    [
      'types',
      `weights ${recipe.weights}, activations ${recipe.activations}, precision ${recipe.precision ?? 'DEFAULT'}`,
    ],
    ['made on', `${recipe.device}, fluxion ${recipe.version}`],
  ];
  const told = pairs.filter(([, value]) => value !== undefined);
  const width = Math.max(...told.map(([name]) => name.length)) + 2;
  return told.map(([name, value]) => `  ${name.padEnd(width)}${value}`);
}
