/** Damaged and malicious picture files: each gives a picture, or an error that names the input; memory stays within bounds. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32, deflateSync } from 'node:zlib';
import { PIXEL_LIMIT } from '../../src/picture/decode-file.ts';
import { cropRegion, readMask } from '../../src/picture/mask.ts';
import { type InputPicture, readPicture } from '../../src/picture/read-picture.ts';
import { FluxionError } from '../../src/support/errors.ts';
import { deflatedZeros } from '../support/bomb.ts';
import { mutations } from '../support/mutate.ts';
import { recorded, shapes } from '../support/recorded-pictures.ts';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const file = (name: string) => Buffer.from(recorded.files.find(([each]) => each === name)![3], 'base64');

/** Reads a file; undefined where it is refused, which must be by an error of ours that begins with the input. */
async function outcome(bytes: Uint8Array): Promise<InputPicture | undefined> {
  try {
    return await readPicture(bytes, { where: 'mask_image' });
  } catch (error) {
    assert.ok(error instanceof FluxionError, (error as Error).stack);
    assert.match(error.message, /^mask_image: /);
    assert.equal(error.code, 'bad_file');
    return undefined;
  }
}

/** A PNG whose chunks have the checksums of their content, so that damage reaches the decoder. */
function resealed(png: Uint8Array): Uint8Array {
  const bytes = Buffer.from(png);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    if (end + 4 > bytes.length) break;
    bytes.writeUInt32BE(crc32(bytes.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return bytes;
}

/** Peak memory of this process, in MB. */
const peak = () => process.resourceUsage().maxRSS / 1000;

test('500 mutated files give pictures and masks, or errors', async () => {
  const before = peak();
  const outcomes = { read: 0, refused: 0 };
  for (const [seed, [name]] of recorded.files.entries()) {
    for (const [i, damaged] of [...mutations(file(name), 14, seed)].entries()) {
      const picture = await outcome(name.endsWith('.png') && i % 2 === 0 ? resealed(damaged) : damaged);
      outcomes[picture ? 'read' : 'refused']++;
      if (!picture) continue;
      const { width, height, data } = picture.pixels;
      assert.equal(data.length, width * height * 3, name);
      const { values } = readMask(picture.pixels, { width: 48, height: 32, blur: i % 3 });
      assert.ok(values.every((value) => value >= 0 && value <= 1));
    }
  }
  assert.ok(
    outcomes.read + outcomes.refused >= 500 && outcomes.read >= 50 && outcomes.refused >= 50,
    JSON.stringify(outcomes),
  );
  assert.ok(peak() - before < 400, `${peak() - before} MB`);
});

describe('bombs', () => {
  const chunk = (type: string, data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
  };
  const png = (width: number, height: number, pixels: Buffer, ...more: Buffer[]) => {
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width);
    header.writeUInt32BE(height, 4);
    header[8] = 8;
    const parts = [chunk('IHDR', header), ...more, chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
    return resealed(Buffer.concat([SIGNATURE, ...parts]));
  };
  /** A file with 32-bit numbers written over what follows `mark` by `distance` bytes. */
  const patched = (bytes: Buffer, mark: string, distance: number, write: (at: number) => void) => {
    write(bytes.indexOf(mark, 0, 'latin1') + distance);
    return bytes;
  };

  test('a size beyond the limit is refused before anything is decoded, and the size is named', async () => {
    const jpeg = file('rgb.jpg');
    const avif = file('full.avif');
    const gif = file('still.gif');
    gif.writeUInt32LE(0xffff_ffff, 6);
    patched(gif, ',\0\0\0\0', 5, (at) => gif.writeUInt32LE(0xffff_ffff, at));
    for (const bytes of [
      png(100_000, 100_000, deflateSync(Buffer.alloc(1000))),
      png(PIXEL_LIMIT + 1, 1, deflateSync(Buffer.alloc(1000))),
      patched(jpeg, '\xff\xc0', 5, (at) => jpeg.writeUInt32BE(0xffdc_ffdc, at)),
      patched(avif, 'ispe', 8, (at) => avif.writeUIntBE(0xea60, at, 4) && avif.writeUIntBE(0xea60, at + 4, 4)),
      gif,
    ]) {
      const before = peak();
      const started = performance.now();
      await assert.rejects(readPicture(bytes, { where: 'image' }), {
        code: 'bad_file',
        message: /^image: expected at most 67108864 pixels, found \d{5,8}×\d{1,6} = \d{8,}$/,
      });
      assert.ok(performance.now() - started < 2000 && peak() - before < 50, `${peak() - before} MB`);
    }
  });

  test('streams that inflate to far more than the picture are not inflated', async () => {
    const zeros = deflatedZeros(300_000_000);
    const named = Buffer.concat([Buffer.from('x\0\0'), zeros]);
    const pixels = deflateSync(Buffer.alloc(72));
    const before = peak();
    for (const bytes of [
      png(8, 8, zeros),
      png(8, 8, pixels, chunk('iCCP', named)),
      png(8, 8, pixels, chunk('zTXt', named)),
    ]) {
      await outcome(bytes);
    }
    assert.ok(peak() - before < 100, `${peak() - before} MB`);
  });
});

test('a mask is refused by name before it is used', () => {
  assert.throws(() => cropRegion({ ...shapes(8, 8), data: new Uint8Array(192) }, 64, 64, 8), { code: 'bad_request' });
});
