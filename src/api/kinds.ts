/**
 * The kinds of value that a setting takes: each has a schema, and words for messages and help. A schema's message is the phrase
 * that follows `expected`.
 */

import { z } from 'zod';
import { parseFloatName } from '../support/dtype.ts';

/** A kind of value. */
export interface Kind<T extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly type: T;
  /** Follows `must be`. */
  readonly expected: string;
  /** Placeholder for a value in help. */
  readonly placeholder: string;
  /** The words to choose from. */
  readonly words?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** In configurations, values are multiples of this. */
  readonly step?: number;
}

/** A kind of value without words to choose from and without bounds. */
export function kind<T extends z.ZodType>(name: string, type: T, expected: string, placeholder = '') {
  return { name, type, expected, placeholder } satisfies Kind;
}

/** Longest text in characters and longest list in entries; T5 reads at most 512 tokens. */
const TEXT_LIMIT = 32_768;
const LIST_LIMIT = 1024;
/** Most pictures in one list: each may be large. */
const PICTURES_LIMIT = 16;

export const TEXT = z.string('text').max(TEXT_LIMIT, `at most ${TEXT_LIMIT} characters`);
/** A path on this machine. */
export const PATH = z
  .string('a path')
  .min(1, 'a path')
  .regex(/^[^\0]*$/, 'a path without null bytes');
export const NUMBER = z.number('a number');
const BOOLEAN = z.boolean('true or false');

export const list = <T extends z.ZodType>(item: T, of: string) =>
  z.array(item, `a list of ${of}`).max(LIST_LIMIT, `at most ${LIST_LIMIT} ${of}`);

/** One or several. */
const some = <T extends z.ZodType>(item: T, expected: string, of: string) =>
  z.union([item, list(item, of).min(1, 'at least one')], expected);

/** A kind of one or several. */
const someKind = <T extends z.ZodType>(name: string, item: T, expected: string, of: string, placeholder: string) =>
  kind(name, some(item, expected, of), expected, placeholder);

export const text = kind('text', TEXT, 'text', 'TEXT');
export const path = kind('path', TEXT, 'a path', 'PATH');
/** One path or several. */
export const paths = someKind('paths', TEXT, 'a path, or a list of them', 'paths', 'PATH');
export const boolean = kind('boolean', BOOLEAN, 'True or False', 'True|False');

/** The message for a number that is refused; anything else is told that a number is expected. */
const ofNumber = (expected: string) => ({
  error: ({ input }: { readonly input?: unknown }) => (typeof input === 'number' ? expected : 'a number'),
});

/** A whole number. In configurations, it is a multiple of `step`; in a request, the divisor depends on the model. */
export function whole(min: number, max: number, step = 1): Kind<z.ZodNumber> {
  const range = `a whole number from ${min} to ${max}`;
  const type = z.int(ofNumber(range)).min(min, range).max(max, range);
  const expected = step === 1 ? range : `${range}, divisible by ${step}`;
  return { name: 'whole', type, expected, placeholder: 'N', min, max, step };
}

export function number(min: number, max: number): Kind<z.ZodNumber> {
  const expected = `a number from ${min} to ${max}`;
  const type = z.number(ofNumber(expected)).min(min, expected).max(max, expected);
  return { name: 'number', type, expected, placeholder: 'X', min, max };
}

/** A number for all, or a list with one for each. */
export function numbers(min: number, max: number) {
  const expected = `a number from ${min} to ${max}, or a list of them`;
  return someKind('numbers', number(min, max).type, expected, 'numbers', 'X|X,X,…');
}

/** A whole number for all, or a list with one or null for each. */
export function wholes(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}, or a list of them with null for none`;
  const { type } = whole(min, max);
  const some = z.union([type, list(type.nullable(), 'numbers').min(1, 'at least one')], expected);
  return kind('numbers', some, expected, 'N|N,N,…');
}

export function oneOf<const T extends string>(...words: readonly T[]) {
  const expected = `one of ${words.join(', ')}`;
  const type = z.enum(words, expected) as unknown as z.ZodType<T, T>;
  return { ...kind('word', type, expected, words.join('|')), words } satisfies Kind;
}

export const prompts = someKind('prompts', TEXT, 'text, or a list of texts', 'texts', 'TEXT');

/** A picture's pixels: [height, width, 3] RGB, or [height, width, 4] with alpha last, 8 bit, row-major. */
export interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/**
 * An input picture: a path, `-` for standard input, an address (downloaded only if that is allowed), the content of a file, or
 * pixels such as an `Image` or a canvas's `ImageData`.
 */
export type PictureSource = string | URL | Blob | Uint8Array | RawPicture;

const PICTURE_WORDS = 'a path, a URL, a Blob, a Uint8Array of a picture file, or { width, height, data }';

/** An instance of a built-in class, from this realm or another. */
const isA = (value: unknown, ...names: readonly string[]) =>
  names.includes(Object.prototype.toString.call(value).slice('[object '.length, -1));

function isPictureSource(value: unknown): boolean {
  if (typeof value === 'string') return PATH.safeParse(value).success;
  if (typeof value !== 'object' || value === null) return false;
  if (isA(value, 'URL', 'Blob', 'File', 'Uint8Array')) return true;
  const { width, height, data } = value as Partial<RawPicture>;
  const isSide = (side: unknown) => Number.isInteger(side) && (side as number) > 0;
  return isSide(width) && isSide(height) && isA(data, 'Uint8Array', 'Uint8ClampedArray');
}

export const PICTURE = z.custom<PictureSource>(isPictureSource, PICTURE_WORDS);

export const picture = kind('picture', PICTURE, "a picture's path", 'PATH');

const somePictures = z.union([PICTURE, z.array(PICTURE).min(1).max(PICTURES_LIMIT)], {
  error: ({ input }) =>
    Array.isArray(input) && input.length > PICTURES_LIMIT
      ? `at most ${PICTURES_LIMIT} pictures`
      : `${PICTURE_WORDS}, or a list of them`,
});
/** One picture or several. */
export const pictures = kind('pictures', somePictures, "a picture's path, or a list of them", 'PATH');

/** Largest margin of an outpainted picture, and largest side, in pixels. */
export const SIDE_LIMIT = 8192;
const MARGINS = `four whole numbers from 0 to ${SIDE_LIMIT}: left, right, top, bottom`;
const margin = z.int(MARGINS).min(0, MARGINS).max(SIDE_LIMIT, MARGINS);

/** Pixels to add at the sides of a picture. */
export const margins = kind(
  'margins',
  z.tuple([margin, margin, margin, margin], MARGINS),
  MARGINS,
  'LEFT,RIGHT,TOP,BOTTOM',
);

const FLOATS = ['bfloat16', 'float32', 'float16', 'bf16', 'f32', 'f16', 'fp32', 'fp16', 'float', 'half'] as const;
const FLOAT_WORDS = 'bfloat16, float32 or float16';

/** A floating-point type, which becomes `f32`, `bf16` or `f16`. */
export const float = kind(
  'float',
  z.enum(FLOATS, FLOAT_WORDS).transform(parseFloatName),
  FLOAT_WORDS,
  FLOATS.slice(0, 3).join('|'),
);

const SEED = 'random, a whole number from -2⁶³ to 2⁶⁴ - 1';
const MIN_SEED = -(2n ** 63n);
const MAX_SEED = 2n ** 64n - 1n;
const bits = z.bigint(SEED).min(MIN_SEED, SEED).max(MAX_SEED, SEED);
/** The range of torch.manual_seed, except for -1, which means a random seed in other tools. */
const seed = z.union(
  [
    z.literal(['random', 'Random', 'RANDOM', -1, '-1']).transform(() => 'random' as const),
    z.int(SEED),
    bits.transform((value) => (value === -1n ? 'random' : value)),
    z
      .string(SEED)
      .regex(/^[+-]?\d{1,20}$/, SEED)
      .transform(BigInt)
      .pipe(bits),
  ],
  SEED,
);

/** A seed of noise: a whole number from -2^63 to 2^64 - 1, also as decimal digits, or `random` (or -1) for one that is drawn and recorded. */
export type Seed = z.input<typeof seed>;

export const seeds = someKind('seeds', seed, `${SEED}, or a list of them`, 'seeds', 'N|N,N,…|random');

/** A seed as JSON holds it: a number up to 2⁵³ - 1, else a string of decimal digits. */
export type SeedNumber = number | string;

/** Writes a seed as JSON holds it. */
export function seedNumber(seed: bigint): SeedNumber {
  const value = Number(seed);
  return Number.isSafeInteger(value) ? value : String(seed);
}

/** A seed as JSON holds it; refuses a larger number, which JSON has already rounded. */
export const SEED_NUMBER = z
  .union([z.int(), z.string().regex(/^-?\d{1,20}$/)])
  .transform(BigInt)
  .refine((value) => value >= MIN_SEED && value <= MAX_SEED, 'is no seed')
  .transform(seedNumber);

const FALLING = 'a falling list of numbers above 0, at most 1';

const falling = list(NUMBER.gt(0, FALLING).lte(1, FALLING), 'numbers')
  .min(1, FALLING)
  .refine((values) => values.every((value, i) => i === 0 || value < values[i - 1]!), { error: FALLING });

export const sigmas = kind('sigmas', falling, FALLING, '[X, …]');

/** A number in a report. */
export const count = z.int().min(0);

/** Formats that pictures are written in. */
export const FORMAT = oneOf('png', 'jpeg', 'webp').type;

/** Quality of a JPEG or WebP. */
export const QUALITY = whole(1, 100).type;

/** A model's name or path, as callers give it. */
export const MODEL = z.string('a path, ORG/NAME on the hub, or tiny').min(1, 'a path, ORG/NAME on the hub, or tiny');
