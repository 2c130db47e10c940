/** Pictures: rounding, PNG with recipe and A1111 parameters, reading both back from any file, and files that appear whole. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { checked } from '../../src/api/check.ts';
import { parametersText, parseRecipe, type Recipe } from '../../src/api/recipe.ts';
import { REQUEST, type Request } from '../../src/api/request.ts';
import { loadConfig } from '../../src/config/load.ts';
import { exifTexts } from '../../src/picture/exif.ts';
import { Image, unitToBytes } from '../../src/picture/image.ts';
import { readPng } from '../../src/picture/png.ts';
import {
  type Identity,
  makeRecipe,
  readRecipe,
  recipeConfig,
  recipeSlot,
  requireRecipe,
} from '../../src/pipeline/recipe.ts';
import { decide } from '../../src/pipeline/request.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { fingerprint } from '../../src/weights/files/fingerprint.ts';
import { deflatedZeros } from '../support/bomb.ts';

const folder = mkdtempSync(join(tmpdir(), 'fluxion-image-'));
after(() => rmSync(folder, { recursive: true }));

const DEFAULTS = { width: 32, height: 16, steps: 8, guidance: 3.5, maxSequenceLength: 32, strength: 0.6 };
const MODEL: Identity = {
  name: 'tiny',
  fingerprint: '1948595c0d1a',
  types: { compute: 'bf16', storage: 'bf16' },
  scheduler: {
    numTrainTimesteps: 1000,
    shift: 1,
    useDynamicShifting: true,
    baseShift: 0.5,
    maxShift: 1.15,
    baseImageSeqLen: 256,
    maxImageSeqLen: 4096,
    shiftTerminal: undefined,
    timeShiftType: 'exponential',
  },
  device: 'cpu',
};

/** The recipe of one picture of a request's first prompt. */
function recipeOf(request: Partial<Request> = {}, index = 0, model = MODEL): Recipe {
  const asked = checked(REQUEST, { prompt: 'a red house', seed: 7, ...request }, 'request');
  const decided = decide(asked, DEFAULTS, model.scheduler, 8);
  return makeRecipe(model, decided, { ...decided.prompts[0]!, picture: index }, { size: decided.batch, index });
}

/** A picture of a colour ramp. */
function picture(recipe = recipeOf()): Image {
  const { width, height } = recipe;
  return Image.fromUnit(
    Float32Array.from({ length: width * height * 3 }, (_, i) => (i % 256) / 255),
    recipe,
  );
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

/** A PNG of another program, with chunks of the test's own. */
async function foreign(...chunks: Uint8Array[]): Promise<Buffer> {
  const png = await sharp(new Uint8Array(12), { raw: { width: 2, height: 2, channels: 3 } })
    .png()
    .toBuffer();
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

function fails(code: string, message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof FluxionError, error instanceof Error ? error.stack : String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

test("a static shift is made again, the model's own as well as none", () => {
  const shifted = (shift: number) =>
    recipeOf({}, 0, { ...MODEL, scheduler: { ...MODEL.scheduler, useDynamicShifting: false, shift } });
  assert.equal(shifted(3).shift.fixed, 3);
  assert.equal(recipeConfig(shifted(3)).time_shift, undefined);
  assert.equal(recipeConfig(shifted(1)).time_shift, false);
});

test('a recipe tells of the first-block cache, and asks for it again', () => {
  const off = recipeOf({ threshold: 0.2 });
  assert.equal(off.cache, undefined);
  assert.deepEqual([recipeConfig(off).cache, recipeConfig(off).threshold], [undefined, undefined]);
  const on = recipeOf({ cache: 'fbcache' });
  assert.deepEqual(on.cache, { kind: 'fbcache', threshold: 0.08, cachedSteps: [] });
  const zero = recipeConfig(recipeOf({ cache: 'fbcache', threshold: 0 }));
  assert.deepEqual([zero.cache, zero.threshold], ['fbcache', 0]);
  assert.deepEqual(parseRecipe(JSON.stringify(on), 'x').cache, on.cache);
  assert.match(parametersText(on), /First block cache: 0.08/);
  const broken = JSON.stringify({
    ...JSON.parse(JSON.stringify(on)),
    cache: { kind: 'other', threshold: 1, cachedSteps: [] },
  });
  assert.throws(() => parseRecipe(broken, 'x'), fails('bad_file', /cache.kind/));
});

describe('pixels', () => {
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

  test('round as numpy does for diffusers: × 255 in f32, half to even', () => {
    // Recorded: (x * 255).round().astype('uint8') of float32 arrays.
    const ramp = Float32Array.from({ length: 200_001 }, (_, i) => i / 200_000);
    assert.equal(sha256(unitToBytes(ramp)), '5ae8731c9e3751fc00e3f4f88fbae9f3f4477cb43ca3aa4043ba00f47832b7fb');
    const halves = Float32Array.from({ length: 255 }, (_, i) => (i + 0.5) / 255);
    assert.equal(sha256(unitToBytes(halves)), 'e69060ec3a85652e2751506eddaaf7796a301baba71b6da9c61974e8efb1b26c');
  });

  test('are clamped, and NaN is an error that says what to do', () => {
    assert.deepEqual(
      [...unitToBytes(Float32Array.of(-1, 0, 0.5, 1, 2, Infinity, -Infinity))],
      [0, 0, 128, 255, 255, 255, 0],
    );
    assert.throws(() => unitToBytes(Float32Array.of(0, Number.NaN)), fails('unsupported', /a NaN at value 1 of 2/));
  });

  test('must fit the size', () => {
    assert.throws(
      () => Image.fromUnit(new Float32Array(5), recipeOf()),
      fails('bad_shape', /expected 32×16×3 bytes, found 5/),
    );
  });
});

describe('a PNG', () => {
  test('is a blob and a response of its content type', async () => {
    const image = picture();
    const blob = await image.blob();
    assert.equal(blob.type, 'image/png');
    assert.deepEqual(await blob.bytes(), new Uint8Array(await image.png()));
    const response = await image.response('webp', 80);
    assert.equal(response.headers.get('content-type'), 'image/webp');
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.equal(response.headers.get('content-length'), String(bytes.length));
    assert.deepEqual(bytes, new Uint8Array(await image.webp(80)));
  });

  test('has the pixels and the recipe, and is the same every time', async () => {
    const image = picture();
    const png = await image.png();
    assert.deepEqual(png, await picture().png());
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height, info.channels], [32, 16, 3]);
    assert.deepEqual(new Uint8Array(data), image.data);
    const { recipe, parameters, width, height, chunks } = readRecipe(png, 'x.png');
    assert.deepEqual(recipe, image.recipe);
    assert.equal(parameters, parametersText(image.recipe));
    assert.deepEqual([width, height], [32, 16]);
    assert.deepEqual(
      chunks.slice(0, 3).map(({ type }) => type),
      ['IHDR', 'tEXt', 'tEXt'],
    );
    assert.equal(chunks.at(-1)?.type, 'IEND');
  });

  test('keeps any prompt: all of Unicode as iTXt, Latin-1 as tEXt, control characters', async () => {
    for (const [prompt, type] of [
      ['café — 日本 🏔️', 'iTXt'],
      ['café', 'tEXt'],
      ['two\nlines, "quoted": yes', 'tEXt'],
      ['euro €, C1 \u0085', 'iTXt'],
      ['', 'tEXt'],
    ] as const) {
      const png = await picture(recipeOf({ prompt })).png();
      const { recipe, parameters, chunks } = readRecipe(png, 'x.png');
      assert.equal(recipe?.prompt, prompt);
      assert.ok(parameters?.startsWith(`${prompt}\nSteps: 8, `), parameters);
      assert.equal(chunks[1]?.type, type, prompt);
      await sharp(png).stats(); // libpng is content with it
    }
    const odd = readRecipe(await picture(recipeOf({ prompt: 'nul \0, lone \ud800' })).png(), 'x.png');
    assert.equal(odd.recipe?.prompt, 'nul \0, lone \ud800');
    assert.ok(odd.parameters?.startsWith('nul \ufffd, lone \ufffd\n'));
  });

  test("writes A1111's parameters as Forge does for Flux", () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const line =
      'Steps: 8, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 7, Size: 32x16, ' +
      `Model hash: 1948595c0d1a, Model: tiny, RNG: CPU, Version: fluxion ${version}`;
    assert.equal(parametersText(recipeOf()), `a red house\n${line}`);
    const ancestral = parametersText({ ...recipeOf(), sampler: 'euler_ancestral', schedule: 'beta' });
    assert.match(ancestral, /, Sampler: Euler a, Schedule type: Beta, /);
    assert.match(
      parametersText({ ...recipeOf(), sampler: 'dpmpp_2m' }),
      /, Sampler: DPM\+\+ 2M, Schedule type: Simple, /,
    );
    const long = parametersText(
      recipeOf({ prompt2: 'red, house: "big"', batch: 3, noise: 'jax' }, 2, { ...MODEL, name: 'a, b' }),
    );
    assert.match(
      long,
      /Seed: 7, .*Model: "a, b", RNG: JAX, T5 prompt: "red, house: \\"big\\"", Batch pos: 2, Batch size: 3, /,
    );
  });

  test('keeps seeds of 64 bits', async () => {
    const seed = 2n ** 64n - 5n;
    const { recipe } = readRecipe(await picture(recipeOf({ seed, batch: 3 }, 2)).png(), 'x.png');
    assert.equal(recipe?.seed, String(seed + 2n));
    assert.deepEqual(recipe?.batch, { size: 3, index: 2 });
    const jax = recipeOf({ seed, batch: 3, noise: 'jax' }, 2);
    assert.deepEqual([jax.seed, jax.batch], [String(seed), { seed: String(seed), size: 3, index: 2 }]);
    assert.equal(recipeSlot(jax), undefined, 'one draw of noise is for all of the batch');
    assert.equal(recipeOf({ seed, batch: 8 }, 6).seed, 1);
    assert.equal(recipeOf({ seed: -2, batch: 2 }, 1).seed, -1);
    // To a request, -1 is a random seed.
    assert.equal(recipeConfig(recipeOf({ seed: -2, batch: 2 }, 1)).seed, String(2n ** 64n - 1n));
  });

  test('read back, it is the request it was made by', () => {
    const recipe = recipeOf(
      { prompt2: 'T5', seed: 3, batch: 2, noise: 'philox', sigmas: [1, 0.5], width: 64, guidance: 2 },
      1,
    );
    const { config, sources } = loadConfig({
      base: { source: 'x.png', values: recipeConfig(recipe) },
      overrides: ['height=48'],
    });
    const { prompt, prompt_2, seed, batch, noise, sigmas, width, height, guidance_scale, num_inference_steps } = config;
    assert.deepEqual(
      { prompt, prompt_2, seed, batch, noise, sigmas, width, height, guidance_scale, num_inference_steps },
      { prompt: 'a red house', prompt_2: 'T5', seed: 4, batch: 1, noise: 'philox', sigmas: [1, 0.5], width: 64, height: 48, guidance_scale: 2, num_inference_steps: 2 },
    ); // biome-ignore format: expected beside found
    assert.deepEqual(recipeSlot(recipe), { size: 2, index: 1 });
    // Recipes of earlier versions have the first seed of the batch; the picture is the same.
    const earlier = { ...recipe, batch: { seed: 3, size: 2, index: 1 } };
    assert.deepEqual([recipeConfig(earlier).seed, recipeSlot(earlier)], [4, { size: 2, index: 1 }]);
    assert.deepEqual(
      [config.time_shift, config.base_shift, config.max_shift, config.weights_dtype],
      [true, 0.5, 1.15, 'bf16'],
    );
    assert.equal(config.pretrained_model_name_or_path, 'tiny');
    assert.equal(sources.seed, 'x.png');
  });
});

describe('a JPEG and a WebP', () => {
  test('carry the recipe and the parameters as a PNG does, whatever the prompt, and are the same every time', async () => {
    for (const prompt of ['a red house', 'café — 日本 🏔️, "quoted"\nand \0 \ud800', '', 'long '.repeat(4000)]) {
      const image = picture(recipeOf({ prompt }));
      for (const format of ['jpeg', 'webp'] as const) {
        const file = await image[format]();
        assert.deepEqual(file, await image[format]());
        const info = readRecipe(file, 'x');
        assert.deepEqual(info.recipe, image.recipe);
        assert.equal(info.format, format);
        assert.deepEqual([info.width, info.height], [32, 16]);
        const metadata = await sharp(file).metadata();
        assert.deepEqual([metadata.format, metadata.width, metadata.height], [format, 32, 16]);
        assert.ok(metadata.exif);
        const { info: decoded } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
        assert.deepEqual([decoded.width, decoded.height], [32, 16]);
        const bare = await sharp(image.data, { raw: { width: 32, height: 16, channels: 3 } })
          [format]({ quality: 95, ...(format === 'jpeg' && { chromaSubsampling: '4:4:4' }) })
          .toBuffer();
        assert.deepEqual(await sharp(file).raw().toBuffer(), await sharp(bare).raw().toBuffer());
      }
    }
  });

  test("A1111's comment is read in either byte order, in UTF-16 and ASCII", () => {
    const text = 'a cat\nSteps: 20';
    const comments: [Buffer, boolean][] = [
      [Buffer.concat([Buffer.from('UNICODE\0'), Buffer.from(text, 'utf16le').swap16()]), false],
      [Buffer.concat([Buffer.from('UNICODE\0'), Buffer.from(text, 'utf16le')]), true],
      [Buffer.concat([Buffer.from('UNICODE\0'), Buffer.from(text, 'utf16le').swap16()]), true],
      [Buffer.concat([Buffer.from('ASCII\0\0\0'), Buffer.from(text)]), true],
    ];
    for (const [comment, little] of comments) {
      const block = Buffer.alloc(44);
      const u16 = (value: number, at: number) =>
        little ? block.writeUInt16LE(value, at) : block.writeUInt16BE(value, at);
      const u32 = (value: number, at: number) =>
        little ? block.writeUInt32LE(value, at) : block.writeUInt32BE(value, at);
      block.write(little ? 'II' : 'MM');
      for (const [value, at] of [
        [42, 2],
        [1, 8],
        [0x8769, 10],
        [4, 12],
        [1, 26],
        [0x9286, 28],
        [7, 30],
      ] as const)
        u16(value, at);
      for (const [value, at] of [
        [8, 4],
        [1, 14],
        [26, 18],
        [comment.length, 32],
        [44, 36],
      ] as const)
        u32(value, at);
      assert.equal(exifTexts(Buffer.concat([block, comment])).get('parameters'), text);
    }
  });

  test('a recipe that is too long for a JPEG is refused; the others take it', async () => {
    const image = picture(recipeOf({ prompt: '日'.repeat(12_000) }));
    await assert.rejects(image.jpeg(), fails('bad_request', /a JPEG has room for \d+/));
    assert.deepEqual(readRecipe(await image.webp(), 'x').recipe, image.recipe);
    // Where only both texts together are too long, the recipe stays.
    const shorter = picture(recipeOf({ prompt: 'x'.repeat(25_000) }));
    const { recipe, parameters } = readRecipe(await shorter.jpeg(), 'x');
    assert.deepEqual([recipe, parameters], [shorter.recipe, undefined]);
  });

  test('that are broken are refused, and never read beyond their end', async () => {
    for (const format of ['jpeg', 'webp'] as const) {
      const file = Buffer.from(await picture()[format]());
      assert.throws(() => readRecipe(file.subarray(0, 30), 'x'), fails('bad_file', /cut off or broken/));
      for (let i = 0; i < 3000; i++) {
        const damaged = Buffer.from(file);
        damaged[(i * 7) % Math.min(file.length, 1500)] = (i * 31) % 256;
        try {
          readRecipe(damaged.subarray(0, i % 3 === 0 ? i % file.length : file.length), 'x');
        } catch (error) {
          assert.ok(error instanceof FluxionError, error instanceof Error ? error.stack : String(error));
        }
      }
    }
  });
});

describe('reading a PNG', () => {
  test('of another program: parameters in all three kinds of text chunk', async () => {
    const text = 'a cat\nSteps: 20';
    const compressed = deflateSync(text);
    for (const data of [
      chunk('tEXt', Buffer.from(`parameters\0${text}`)),
      chunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0'), compressed])),
      chunk('iTXt', Buffer.from(`parameters\0\0\0de\0Parameter\0${text}`)),
      chunk('iTXt', Buffer.concat([Buffer.from('parameters\0\x01\0\0\0'), compressed])),
    ]) {
      const png = await foreign(data);
      assert.deepEqual(readRecipe(png, 'x.png').parameters, text);
      assert.throws(
        () => requireRecipe(png, 'x.png'),
        fails('not_found', /x\.png: no Fluxion recipe inside; found A1111 parameters: a cat\\nSteps: 20$/),
      );
    }
    const plain = await foreign();
    assert.throws(
      () => requireRecipe(plain, 'x.png'),
      fails('not_found', /no Fluxion recipe inside, nor A1111 parameters/),
    );
  });

  test('that is none, or broken, says what is wrong and where', async () => {
    const png = Buffer.from(await picture().png());
    const refused = (bytes: Uint8Array, message: RegExp) =>
      assert.throws(() => readRecipe(bytes, 'x.png'), fails('bad_file', message));
    refused(new Uint8Array(), /x\.png: expected a PNG, JPEG or WebP picture, found an empty file/);
    refused(png.subarray(0, 5), /found something else/);
    refused(Buffer.from('hello'), /found something else/);
    refused(png.subarray(0, 60), /chunk tEXt at byte 33 says \d+ bytes, and \d+ are left/);
    refused(png.subarray(0, png.length - 12), /cut off at byte \d+, before its IEND/);
    refused(png.with(50, png[50]! ^ 1), /chunk tEXt at byte 33 fails its CRC/);
    refused(
      Buffer.concat([png.subarray(0, 8), chunk('IDAT', new Uint8Array(3))]),
      /expected IHDR of 13 bytes as the first chunk/,
    );
    refused(
      Buffer.concat([png.subarray(0, 8), chunk('IHDR', new Uint8Array(13)), chunk('IEND', new Uint8Array())]),
      /impossible size 0×0/,
    );
    const huge = Buffer.from(png);
    huge.writeUInt32BE(0xffffffff, 33);
    refused(huge, /says 4294967295 bytes/);
  });

  test('with a wrong field in its recipe names the field', async () => {
    const { parameters: _, ...rest } = { ...recipeOf(), seed: 7, parameters: 0 };
    for (const [json, message] of [
      ['{', /its recipe is not valid JSON/],
      [JSON.stringify({ ...rest, width: -1 }), /field 'width' of its recipe is wrong/],
      [JSON.stringify({ ...rest, seed: '99999999999999999999' }), /field 'seed' of its recipe is wrong/],
      [JSON.stringify({ ...rest, model: { name: 3 } }), /field 'model\.name' of its recipe is wrong/],
      [JSON.stringify({ ...rest, batch: { seed: 1, size: 2, index: 2 } }), /field 'batch' of its recipe is wrong/],
    ] as const) {
      const png = await foreign(chunk('iTXt', Buffer.from(`fluxion\0\0\0\0\0${json}`)));
      assert.throws(() => readRecipe(png, 'x.png'), fails('bad_file', message));
    }
    const later = await foreign(
      chunk('iTXt', Buffer.from(`fluxion\0\0\0\0\0${JSON.stringify({ ...rest, newer: 1 })}`)),
    );
    assert.equal(requireRecipe(later, 'x.png').prompt, 'a red house');
  });

  test('inflates at most a megabyte', async () => {
    const bomb = deflatedZeros(200 << 20);
    const png = await foreign(chunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0'), bomb])));
    const before = process.memoryUsage().rss;
    assert.equal(readRecipe(png, 'x.png').parameters, undefined);
    assert.ok(process.memoryUsage().rss - before < 64 << 20);
  });

  test('with thousands of texts keeps a few megabytes of them, ours first', async () => {
    const filler = deflateSync(Buffer.alloc(1 << 20, 'x'));
    const texts = Array.from({ length: 5000 }, (_, i) =>
      chunk('zTXt', Buffer.concat([Buffer.from(`k${i}\0\0`), filler])),
    );
    const recipe = chunk('iTXt', Buffer.from(`fluxion\0\0\0\0\0${JSON.stringify(recipeOf())}`));
    const png = await foreign(recipe, ...texts);
    const before = process.memoryUsage().rss;
    const start = performance.now();
    assert.equal(requireRecipe(png, 'x.png').prompt, 'a red house');
    const took = performance.now() - start;
    assert.ok(process.memoryUsage().rss - before < 64 << 20);
    // A fiftieth of the texts, inflated here: reading must be well below what all of them would take.
    const inflating = performance.now();
    for (let i = 0; i < 100; i++) inflateSync(filler);
    assert.ok(took < 25 * (performance.now() - inflating), `${took} ms`);
    assert.ok([...readPng(png, 'x.png').texts.values()].reduce((sum, { length }) => sum + length, 0) <= 4 << 20);
  });

  test('200 mutations: an answer or a FluxionError', async () => {
    const original = Buffer.from(await picture().png());
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < 200; i++) {
      let png: Buffer = Buffer.from(original);
      const mended = i % 2 === 0; // flips that get past the CRC, into texts and JSON
      for (let n = 1 + random(3); n > 0; n--) {
        const at = random(png.length);
        const kind = mended ? 0 : random(4);
        if (kind === 0) png[at] = random(256);
        else if (kind === 1) png = png.subarray(0, at);
        else if (kind === 2) png = Buffer.concat([png.subarray(0, at), png.subarray(at + random(40))]);
        else png = Buffer.concat([png.subarray(0, at), png.subarray(at, at + random(40)), png.subarray(at)]);
        if (png.length === 0) break;
      }
      if (mended) png = mendChecksums(png);
      try {
        requireRecipe(png, `case ${i}`);
        outcomes.read++;
      } catch (error) {
        assert.ok(error instanceof FluxionError, `case ${i}: ${error instanceof Error ? error.stack : error}`);
        outcomes.refused++;
      }
    }
    assert.ok(outcomes.read > 5 && outcomes.refused > 50, JSON.stringify(outcomes));
  });
});

/** Makes the CRC of each chunk right again, as far as chunks can be followed. */
function mendChecksums(png: Buffer): Buffer {
  for (let offset = 8; offset + 12 <= png.length; ) {
    const end = offset + 8 + png.readUInt32BE(offset);
    if (end + 4 > png.length) break;
    png.writeUInt32BE(crc32(png.subarray(offset + 4, end)), end);
    offset = end + 4;
  }
  return png;
}

/** A new empty folder. */
function emptyFolder(): string {
  return mkdtempSync(join(folder, 'case-'));
}

describe('saving', () => {
  test('picks the format by extension, makes folders, replaces, leaves nothing else', async () => {
    const place = join(emptyFolder(), 'a', 'b');
    const image = picture();
    for (const [name, format] of [['x.png', 'png'], ['x.jpg', 'jpeg'], ['X.JPEG', 'jpeg'], ['x.webp', 'webp']] as const) {
      const path = join(place, name);
      assert.equal(await image.save(path), path);
      const { format: found, width, height } = await sharp(path).metadata();
      assert.deepEqual([found, width, height], [format, 32, 16]);
    } // biome-ignore format: a table
    writeFileSync(join(place, 'x.png'), 'old');
    await image.save(join(place, 'x.png'));
    assert.equal(requireRecipe(readFileSync(join(place, 'x.png')), 'x.png').seed, 7);
    assert.deepEqual(readdirSync(place).sort(), ['X.JPEG', 'x.jpg', 'x.png', 'x.webp']);
    await assert.rejects(image.save(join(place, 'x.gif')), fails('bad_request', /expected the extension \.png/));
  });

  test('numbers from the first that is free, over no other file', async () => {
    const place = emptyFolder();
    for (const n of [0, 1, 3]) writeFileSync(join(place, `flux_${n}.png`), 'mine');
    const paths = [];
    for (let i = 0; i < 3; i++) paths.push(await picture().saveNumbered(place));
    assert.deepEqual(
      paths,
      [2, 4, 5].map((n) => join(place, `flux_${n}.png`)),
    );
    assert.equal(await picture().saveNumbered(place, 9), join(place, 'flux_9.png'));
    for (const n of [0, 1, 3]) assert.equal(readFileSync(join(place, `flux_${n}.png`), 'utf8'), 'mine');
    assert.equal(readdirSync(place).length, 7);
  });

  test('under a name that must be free', async () => {
    const place = join(emptyFolder(), 'new');
    const path = join(place, 'flux_3.png');
    assert.equal(await picture().saveNew(path), path);
    writeFileSync(path, 'mine');
    await assert.rejects(picture().saveNew(path), fails('io', /cannot write .*flux_3\.png: it already exists/));
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    assert.deepEqual(readdirSync(place), ['flux_3.png']);
  });

  test('says where it could not, and leaves nothing', async () => {
    const place = emptyFolder();
    writeFileSync(join(place, 'file'), '');
    await assert.rejects(picture().save(join(place, 'file', 'x.png')), fails('io', /cannot write .*file.x\.png/));
    await assert.rejects(picture().saveNumbered(join(place, 'file')), fails('io', /cannot write .*flux_0\.png/));
    assert.deepEqual(readdirSync(place), ['file']);
  });

  const SAVE = JSON.stringify(fileURLToPath(new URL('../../src/picture/save.ts', import.meta.url)));
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, ...args]);

  test('three processes at once take different numbers', async () => {
    const place = emptyFolder();
    const program = `const { writeNumbered } = await import(${SAVE});
      const [id, folder] = process.argv.slice(1);
      for (let i = 0; i < 15; i++) await writeNumbered(folder, (n) => 'flux_' + n + '.png', 0, Buffer.from(id + '-' + i));`;
    await Promise.all(['a', 'b', 'c'].map((id) => run(program, id, place)));
    const names = Array.from({ length: 45 }, (_, n) => `flux_${n}.png`);
    assert.deepEqual(readdirSync(place).sort(), names.toSorted());
    assert.equal(new Set(names.map((name) => readFileSync(join(place, name), 'utf8'))).size, 45);
  });

  test('a process that exits in the middle leaves whole files only', async () => {
    const place = emptyFolder();
    const program = `const { writeAtomically } = await import(${SAVE});
      const bytes = Buffer.alloc(20 << 20, 1);
      setTimeout(() => process.exit(0), 20);
      for (let i = 0; i < 1000; i++) await writeAtomically(process.argv[1] + '/' + i, bytes);`;
    await run(program, place);
    for (const name of readdirSync(place)) {
      assert.match(name, /^\d+$/);
      assert.equal(readFileSync(join(place, name)).length, 20 << 20, name);
    }
  });
});

describe('the fingerprint of a model', () => {
  test('is that of its content, wherever it lies, and changes with it', () => {
    const [a, b] = [emptyFolder(), emptyFolder()];
    const weights = Buffer.alloc(3 << 20, 7);
    for (const place of [a, b]) {
      writeFileSync(join(place, 'model_index.json'), '{}');
      writeFileSync(join(place, 'x.safetensors'), weights);
      writeFileSync(join(place, 'README.md'), place);
    }
    assert.match(fingerprint(new Map([['', a]])), /^[0-9a-f]{12}$/);
    assert.equal(fingerprint(new Map([['', a]])), fingerprint(new Map([['', b]])));
    writeFileSync(join(b, 'x.safetensors'), weights.fill(8, 1 << 20));
    assert.notEqual(fingerprint(new Map([['', a]])), fingerprint(new Map([['', b]])));
    writeFileSync(join(a, 'model_index.json'), '{ }');
    assert.notEqual(fingerprint(new Map([['', a]])), fingerprint(new Map([['', b]])));
  });
});

test('a chunk list is what is in the file', async () => {
  const png = await foreign(chunk('teSt', Buffer.from('hello')));
  const { chunks } = readPng(png, 'x.png');
  assert.deepEqual(chunks[1], { type: 'teSt', offset: 33, length: 5 });
  assert.equal(
    chunks.reduce((sum, { length }) => sum + length + 12, 8),
    png.length,
  );
});
