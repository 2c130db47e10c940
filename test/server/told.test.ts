/** Errors and events for clients: without the server's folders. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FluxionError } from '../../src/index.ts';
import { toldError, toldEvent, withoutFolders } from '../../src/server/told.ts';

test('absolute paths lose their folders, and everything else stays', () => {
  for (const [text, told] of [
    ['cannot write /home/jo doe/out/x.png: the disk is full', 'cannot write …/x.png: the disk is full'],
    ["there is no LoRA 'x' in /data/my loras", "there is no LoRA 'x' in …/my loras"],
    ["there is no model at '/data/a b/c'", "there is no model at '…/c'"],
    ['C:\\Users\\jo\\a.png: denied', '…/a.png: denied'],
    ['\\\\host\\share\\a.png: denied', '…/a.png: denied'],
    ['moved /a/b to /c/d (see /e/f)', 'moved …/b to …/d (see …/f)'],
    ['path=/a/b/c', 'path=…/c'],
    ["open 'file:///etc/ssl/a.pem'", "open '…/a.pem'"],
  ] as const)
    assert.equal(withoutFolders(text), told);
  for (const text of [
    'GET /v1/jobs lists your jobs',
    'POST /v1/images/generations makes pictures',
    'expected image/png or image/jpeg, found and/or',
    'http://127.0.0.1:8000/v1/pictures/x',
    'black-forest-labs/FLUX.1-schnell is gated',
  ])
    assert.equal(withoutFolders(text), text);
  // In time that is not quadratic in the length of a stranger's text.
  for (const piece of ['/', ' /', '/a ', '\\\\', 'C:/']) assert.ok(withoutFolders(piece.repeat(50_000)).length > 0);
});

test('errors and events are told without folders, and faults of the server without their text', () => {
  const cause = Object.assign(new Error("ENOSPC: no space left on device, open '/data/out/x'"), {
    code: 'ENOSPC', syscall: 'open', path: '/data/out/x',
  }); // biome-ignore format: fields
  assert.match(toldError(cause).message, /^…\/x: the disk is full/);
  const told = toldError(new FluxionError('io', '/data/a: no', { hint: 'look into /data/b' }));
  assert.deepEqual(told, { code: 'io', message: '…/a: no', hint: 'look into …/b' });
  assert.deepEqual(toldEvent({ type: 'warning', message: '/data/a.safetensors: odd' }), {
    type: 'warning',
    message: '…/a.safetensors: odd',
  });
});
