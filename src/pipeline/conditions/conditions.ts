/**
 * The kinds of conditions, in the order in which diffusers' pipelines draw random numbers for them; and checks that a request's conditions
 * fit each other and the model.
 */

import type { LoraReport } from '../../api/events.ts';
import type { Knob } from '../../api/knobs.ts';
import { type CheckedRequest, REQUEST_KNOBS } from '../../api/request.ts';
import { type Tool, toolOf } from '../../families/flux1/tools.ts';
import { FluxionError } from '../../support/errors.ts';
import type { Extras } from '../extras.ts';
import { blend } from './blend.ts';
import { channels } from './channels.ts';
import type { Condition, ConditionRequest } from './condition.ts';
import { embeds } from './embeds.ts';
import { eachOf, residuals } from './residuals.ts';
import { start } from './start.ts';
import { tokens } from './tokens.ts';

const KINDS: readonly ((asked: ConditionRequest) => Condition | undefined)[] = [
  channels,
  residuals,
  start,
  blend,
  tokens,
  embeds,
];

/** The conditions of a request. */
export function conditionsOf(asked: ConditionRequest): readonly Condition[] {
  return KINDS.flatMap((kind) => kind(asked) ?? []);
}

/** Pairs of a field and another that it needs. */
const NEEDS = [
  ['strength', 'image'],
  ['maskImage', 'image'],
  ['outpaint', 'image'],
  ['maskBlur', 'maskImage'],
  ['softMask', 'maskImage'],
  ['paddingMaskCrop', 'maskImage'],
  ['referenceResize', 'referenceImage'],
  ['control', 'controlImage'],
  ['cannyLow', 'controlImage'],
  ['cannyHigh', 'controlImage'],
  ['promptEmbedsScale', 'reduxImage'],
  ['pooledPromptEmbedsScale', 'reduxImage'],
] as const;

/** Each tool's name in messages, and the keys that a request lacks for it. */
const TOOLS: Readonly<
  Record<Tool, { readonly is: string; readonly lacks: (request: CheckedRequest) => string | undefined }>
> = {
  control: {
    is: 'a Control model (Canny, Depth)',
    lacks: ({ controlImage }) => (controlImage === undefined ? 'control_image=PATH' : undefined),
  },
  fill: {
    is: 'a Fill model',
    lacks: ({ image, maskImage, outpaint }) =>
      image === undefined
        ? 'image=PATH and mask_image=PATH'
        : maskImage === undefined && outpaint === undefined
          ? 'mask_image=PATH or outpaint=LEFT,RIGHT,TOP,BOTTOM'
          : undefined,
  },
};

/**
 * Checks a request's pictures against each other and against the model, before any is read, and returns the kind of model, which the
 * LoRAs of each prompt may change; without `loras`, checks that depend on them are left out. Throws `bad_request`.
 */
export function checkConditions(
  request: CheckedRequest,
  { transformer, vae, extras }: Pick<ConditionRequest, 'transformer' | 'vae' | 'extras'>,
  loras?: readonly (readonly LoraReport[])[],
): Tool | 'plain' | undefined {
  for (const [field, needed] of NEEDS)
    if (isSet(request, field) && !request[needed] && !(needed === 'maskImage' && request.outpaint))
      throw bad(keyOf(field), `it needs ${keyOf(needed)}=PATH, which was not given`);
  const own = toolOf(transformer, vae);
  const lora = own === 'plain' ? controlLora(loras ?? []) : undefined;
  const tool = lora ? 'control' : own;
  const controls = [request.controlImage ?? []].flat().length;
  const { controlnets } = extras;
  if (tool === 'control' || tool === 'fill') {
    const { lacks, ...model } = TOOLS[tool];
    const is = lora ? `a control LoRA ('${lora.name}')` : model.is;
    const missing = lacks(request);
    if (missing !== undefined)
      throw bad(undefined, `${lora ? 'this request uses' : 'this is'} ${is}, and needs ${missing}`);
    if (request.referenceImage !== undefined)
      throw bad(
        'reference_image',
        `${is} does not take reference pictures`,
        'use a Kontext model, or any text-to-image model',
      );
    if (tool === 'control' && controlnets.length > 0)
      throw bad('controlnet', `${is} takes control_image without a ControlNet`, 'use only one of them');
  }
  if (tool === 'control' && controls > 1) throw bad('control_image', `expected one picture, found ${controls}`);
  checkRedux(request, extras);
  const idle = controlnets.length === 0 && EACH.find((field) => isSet(request, field));
  if (idle) throw bad(keyOf(idle), 'it needs a ControlNet, and none was given', 'controlnet=PATH');
  if (controlnets.length > 0) checkControlNets(request, extras);
  else if (tool !== 'control' && controls > 0 && (loras || own !== 'plain'))
    throw bad(
      'control_image',
      'this model does not take control pictures',
      'use a Canny or Depth model or LoRA, or a ControlNet: controlnet=PATH',
    );
  for (const field of ['maskImage', 'paddingMaskCrop'] as const)
    if (request.outpaint !== undefined && request[field] !== undefined)
      throw bad(keyOf(field), 'it cannot be combined with outpaint, which makes its own mask');
  return tool;
}

/** The first control LoRA; either all prompts of a request have one, or none. */
function controlLora(loras: readonly (readonly LoraReport[])[]): LoraReport | undefined {
  const found = loras.map((list) => list.find(({ control }) => control));
  const first = found.find((lora) => lora !== undefined);
  if (first && found.includes(undefined))
    throw bad(
      undefined,
      `the LoRA '${first.name}' takes a control picture, and some prompts are without such a LoRA`,
      'make them one after the other, or give the LoRA as --lora for all',
    );
  return first;
}

/** Settings of ControlNets: each has a value for every control picture, or one for all. */
const EACH = ['controlMode', 'controlnetConditioningScale', 'controlGuidanceStart', 'controlGuidanceEnd'] as const;

function checkRedux(request: CheckedRequest, { redux }: Extras): void {
  const pictures = [request.reduxImage ?? []].flat().length;
  if (pictures === 0) return;
  if (!redux)
    throw bad(
      'redux_image',
      'it needs FLUX.1 Redux, which was not given',
      'redux=black-forest-labs/FLUX.1-Redux-dev, or the folder of it',
    );
  for (const field of ['promptEmbedsScale', 'pooledPromptEmbedsScale'] as const) {
    const given = request[field];
    if (Array.isArray(given) && given.length !== pictures)
      throw bad(keyOf(field), `expected one, or one for each redux_image (${pictures}), found ${given.length}`);
  }
}

function checkControlNets(request: CheckedRequest, { controlnets }: Extras): void {
  const pictures = [request.controlImage ?? []].flat().length;
  if (pictures === 0) throw bad(undefined, 'a ControlNet is loaded, and needs control_image=PATH');
  if (controlnets.length > 1 && pictures !== controlnets.length)
    throw bad('control_image', `expected one for each of ${controlnets.length} ControlNets, found ${pictures}`);
  for (const field of EACH) {
    const given = request[field];
    if (Array.isArray(given) && given.length !== pictures)
      throw bad(keyOf(field), `expected one, or one for each control_image (${pictures}), found ${given.length}`);
  }
  for (let i = 0; i < pictures; i++) {
    const { modes } = controlnets[controlnets.length === 1 ? 0 : i]!.config;
    if (modes === undefined) continue;
    const mode = eachOf(request.controlMode, i);
    const which = pictures > 1 ? ` ${i + 1}` : '';
    if (typeof mode !== 'number')
      throw bad(
        'control_mode',
        `ControlNet${which} has ${modes} kinds of control, and needs one, from 0 to ${modes - 1}`,
      );
    if (mode >= modes)
      throw bad('control_mode', `expected a number from 0 to ${modes - 1} for ControlNet${which}, found ${mode}`);
  }
}

/** Whether a field differs from its default. */
function isSet(request: CheckedRequest, field: keyof CheckedRequest): boolean {
  const { default: usual }: Knob = REQUEST_KNOBS[field];
  return request[field] !== undefined && request[field] !== usual;
}

const keyOf = (field: keyof CheckedRequest): string => (REQUEST_KNOBS[field] as Knob).key!;

function bad(field: string | undefined, message: string, hint?: string): FluxionError {
  return new FluxionError('bad_request', message, { field, hint });
}
