/** Pictures are read from wherever people have them, and as PIL reads them; what cannot be read is refused in words. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { margins, PICTURE, type PictureSource, pictures } from '../../src/api/kinds.ts';
import { download } from '../../src/picture/download.ts';
import { type ReadOptions, readPicture } from '../../src/picture/read-picture.ts';
import { type ErrorCode, FluxionError } from '../../src/support/errors.ts';
import { repositoryPath } from '../support/fixture.ts';
import { ramp, recorded } from '../support/recorded-pictures.ts';

const folder = mkdtempSync(join(tmpdir(), 'fluxion-pictures-'));
after(() => rmSync(folder, { recursive: true }));

const files = new Map(
  recorded.files.map(([name, width, height, file, rgb]) => [
    name,
    { width, height, file: Buffer.from(file, 'base64'), rgb: inflateSync(Buffer.from(rgb, 'base64')) },
  ]),
);
const png = files.get('rgb.png')!;
const read = (source: PictureSource, options: Partial<ReadOptions> = {}) =>
  readPicture(source, { where: 'image', ...options });

function refused(source: PictureSource, code: ErrorCode, message: RegExp, options: Partial<ReadOptions> = {}) {
  return assert.rejects(read(source, options), (error) => {
    assert.ok(error instanceof FluxionError, (error as Error).stack);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

/** The largest difference of two pictures' bytes. */
const difference = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, byte, i) => Math.max(most, Math.abs(byte - b[i]!)), 0);

describe('formats', () => {
  for (const [name, { width, height, file, rgb }] of files) {
    test(name, async () => {
      const { pixels, hash, alpha } = await read(file);
      assert.deepEqual([pixels.width, pixels.height, pixels.data.length], [width, height, rgb.length]);
      // Decoders of AVIF differ in how they convert colours, and enlarge those stored at half size.
      const tolerance = name === 'lossy.avif' ? 12 : name.endsWith('.avif') ? 1 : 0;
      assert.ok(difference(pixels.data, rgb) <= tolerance, `${difference(pixels.data, rgb)}`);
      assert.equal(hash, createHash('sha256').update(file).digest('hex').slice(0, 12));
      assert.equal(alpha?.length, /alpha|rgba|transparent|key/.test(name) ? width * height : undefined);
    });
  }

  test('alpha is told beside the colours', async () => {
    const { alpha } = await read(files.get('rgba.png')!.file);
    assert.deepEqual(
      alpha,
      ramp(21, 15).data.filter((_, i) => i % 3 === 2),
    );
  });

  test('others are named', async () => {
    const box = (...brands: string[]) =>
      Buffer.from(`\0\0\0\x1cftyp${brands[0]}\0\0\0\0${brands.slice(1).join('')}`, 'latin1');
    const tiff = await sharp(png.file).tiff().toBuffer();
    for (const [bytes, found] of [
      [Buffer.alloc(0), 'an empty file'],
      [Buffer.from('hello'), 'something else'],
      [tiff, 'a TIFF picture'],
      [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), 'an SVG or XML document'],
      [Buffer.from('\ufeff<?xml version="1.0"?><svg/>'), 'an SVG or XML document'],
      [Buffer.from('<!DOCTYPE html><title>no</title>'), 'a web page'],
      [Buffer.from('%PDF-1.7'), 'a PDF or PostScript document'],
      [Buffer.from('BM123456'), 'a BMP picture'],
      [box('heic', 'mif1', 'heic'), 'a HEIC picture'],
      [box('avis', 'msf1'), 'a HEIC picture'],
      [box('avis', 'miaf'), 'an animated AVIF'],
      [box('isom', 'mp42'), 'a video'],
      [Buffer.from('version https://git-lfs.github.com/spec/v1\n'), 'a pointer of Git LFS'],
    ] as const) {
      await refused(
        bytes,
        'bad_file',
        new RegExp(`^image: expected a PNG, JPEG, WebP, AVIF or GIF picture, found ${found}$`),
      );
    }
  });

  test('a file that is cut off is told apart from a picture', async () => {
    for (const name of ['rgb.png', 'rgb.jpg', 'lossless.webp', 'full.avif']) {
      const { file } = files.get(name)!;
      await refused(
        file.subarray(0, file.length * 0.7),
        'bad_file',
        /^image: this (PNG|JPEG|WEBP|AVIF) cannot be decoded: /,
      );
    }
  });
});

describe('sources', () => {
  test('a path, its URL, a Blob, a File, bytes and pixels are one picture', async () => {
    const path = join(folder, 'house by night.png');
    writeFileSync(path, png.file);
    const data = new Uint8Array(png.rgb);
    const rgba = new Uint8ClampedArray(21 * 15 * 4).map((_, i) =>
      i % 4 === 3 ? 7 : data[Math.floor(i / 4) * 3 + (i % 4)]!,
    );
    for (const [source, name] of [
      [path, 'house by night.png'],
      [pathToFileURL(path), 'house by night.png'],
      [new Blob([png.file]), undefined],
      [new File([png.file], 'C:\\pictures\\a.png'), 'a.png'],
      [new File([png.file], '../..'), undefined],
      [png.file, undefined],
      [{ width: 21, height: 15, data }, undefined],
      [{ width: 21, height: 15, data: rgba }, undefined],
    ] as const) {
      const picture = await read(PICTURE.parse(source));
      assert.deepEqual(picture.pixels, { width: 21, height: 15, data });
      assert.equal(picture.name, name ?? `${picture.hash}.png`);
      assert.deepEqual((await read(picture.bytes)).pixels, picture.pixels);
      assert.equal((await read(picture.bytes)).hash, picture.hash);
    }
  });

  test('the home folder is expanded', async () => {
    const home = process.env['HOME'];
    process.env['HOME'] = folder;
    try {
      writeFileSync(join(folder, 'home.png'), png.file);
      assert.equal((await read('~/home.png')).name, 'home.png');
    } finally {
      if (home === undefined) delete process.env['HOME'];
      else process.env['HOME'] = home;
    }
  });

  test('pixels are copied', async () => {
    const data = new Uint8Array(png.rgb);
    const picture = await read({ width: 21, height: 15, data });
    data.fill(0);
    assert.deepEqual(picture.pixels.data, new Uint8Array(png.rgb));
  });

  test('standard input is -, and read once', async () => {
    const script = `
      import { readPicture } from ${JSON.stringify(pathToFileURL(repositoryPath('src/picture/read-picture.ts')).href)};
      const [a, b] = await Promise.all(['image', 'mask_image'].map((where) => readPicture('-', { where })));
      console.log(a.hash, b.hash, a.name, a.pixels.width);`;
    const child = execFile(process.execPath, ['--input-type=module', '-e', script]);
    child.stdin!.end(png.file);
    const { hash } = await read(png.file);
    const said = await Array.fromAsync(child.stdout! as AsyncIterable<string>);
    assert.equal(said.join(''), `${hash} ${hash} ${hash}.png 21\n`);
  });

  test('what is no picture is refused by name', async () => {
    await refused(join(folder, 'none.png'), 'not_found', /^mask_image: .*none\.png: no such file/, {
      where: 'mask_image',
    });
    await refused(folder, 'io', /^image: .*: expected a file, found a folder/);
    await refused('s3://bucket/a.png', 'bad_config', /^image: expected a path on this machine, found the address/);
    await refused({ width: 3, height: 3, data: new Uint8Array(9) }, 'bad_request', /found 9 bytes for 3×3$/);
    await refused({ width: 0, height: 3, data: new Uint8Array(0) }, 'bad_request', /found 0 bytes for 0×3$/);
  });

  test('the kind takes pictures and nothing else', () => {
    for (const wrong of ['', 'a\0b', 7, null, [], {}, { width: 1.5, height: 2, data: new Uint8Array(9) }, new Date()]) {
      const { error } = PICTURE.safeParse(wrong);
      assert.match(error!.issues[0]!.message, /^a path, a URL, a Blob/);
    }
    assert.ok(pictures.type.safeParse(['a.png', png.file]).success);
    assert.ok(pictures.type.safeParse('a.png').success);
    assert.ok(!pictures.type.safeParse([]).success);
  });

  test('margins are four', () => {
    assert.deepEqual(margins.type.parse([0, 16, 0, 8192]), [0, 16, 0, 8192]);
    for (const wrong of [[1, 2, 3], [0, 0, 0, 8193], [-1, 0, 0, 0], [0.5, 0, 0, 0], 7]) {
      assert.match(margins.type.safeParse(wrong).error!.issues[0]!.message, /^four whole numbers/, `${wrong}`);
    }
  });

  test('bytes and classes of another realm are taken', async () => {
    const foreign = runInNewContext('new Uint8Array(bytes)', { bytes: [...png.file] });
    assert.ok(!(foreign instanceof Uint8Array));
    assert.deepEqual((await read(PICTURE.parse(foreign))).pixels.data, new Uint8Array(png.rgb));
  });

  test('an abort ends it with its reason', async () => {
    const reason = new Error('enough');
    await assert.rejects(read(png.file, { signal: AbortSignal.abort(reason) }), reason);
  });
});

describe('addresses', () => {
  async function served(answer: RequestListener, use: (address: string) => Promise<void>): Promise<void> {
    const server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test('are refused unless asked for, without their secrets', async () => {
    const hint = { code: 'bad_request', hint: 'allow_url=true lets it be downloaded' };
    const message = 'image: expected a path on this machine, found the address https://host/a.png?…';
    await assert.rejects(read('https://me:secret@host/a.png?key=1'), { ...hint, message });
    await assert.rejects(read(new URL('https://host/a.png?key=1')), { ...hint, message });
  });

  test('are downloaded where asked for, with redirects', () =>
    served(
      (request, response) => {
        if (request.url === '/house.png') response.writeHead(302, { location: '/b/1f0e?x=1' }).end();
        else response.end(png.file);
      },
      async (address) => {
        const { name, pixels } = await read(`${address}/house.png`, { allowUrl: true });
        assert.equal(name, 'house.png');
        assert.deepEqual(pixels.data, new Uint8Array(png.rgb));
      },
    ));

  test('that lead astray are refused', () =>
    served(
      (request, response) => {
        const to = { '/round': '/round', '/file': 'file:///etc/passwd', '/broken': 'http://[' }[request.url!];
        if (to) response.writeHead(302, { location: to }).end();
        else response.writeHead(request.url === '/none' ? 404 : 503).end('no');
      },
      async (address) => {
        const wrong = (path: string, code: ErrorCode, message: RegExp) =>
          refused(address + path, code, message, { allowUrl: true });
        await wrong('/round', 'io', /redirects more than 5 times/);
        await wrong('/broken', 'io', /redirects to an invalid address/);
        await wrong('/file', 'bad_request', /expected an https or http address, found file:/);
        await wrong('/none', 'not_found', /^image: http:.*: there is nothing at this address \(status 404\)/);
        await wrong('/busy', 'io', /status 503/);
      },
    ));

  test('that say too much or too little are given up', () =>
    served(
      (request, response) => {
        if (request.url === '/declared') response.writeHead(200, { 'content-length': 1e9 }).write('x');
        else if (request.url === '/endless') {
          const more = () => response.write(Buffer.alloc(65_536)) || response.once('drain', more);
          const timer = setInterval(more, 1);
          response.on('close', () => clearInterval(timer));
        }
      },
      async (address) => {
        const get = (path: string, time: number) => download(new URL(address + path), 'image', { limit: 1e6, time });
        await assert.rejects(get('/declared', 5000), {
          code: 'bad_file',
          message: /at most 1000000 bytes, found 1000000000/,
        });
        await assert.rejects(get('/endless', 20_000), {
          code: 'bad_file',
          message: /at most 1000000 bytes, found more/,
        });
        await assert.rejects(get('/silent', 100), { code: 'io', message: 'image: it did not arrive within 0.1 s' });
        const abort = new AbortController();
        const silent = read(`${address}/silent`, { allowUrl: true, signal: abort.signal });
        abort.abort(new Error('enough'));
        await assert.rejects(silent, /enough/);
      },
    ));
});
