/** The autoencoder in bands of rows: how many there are, what is traced for a budget, and the budget for the memory there is. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FLUX_VAE } from '../../src/families/flux1/presets.ts';
import { type VaePart, vaePrograms } from '../../src/models/vae.ts';
import { vaeBytes, vaeWithin } from '../../src/models/vae-budget.ts';
import { bandCount } from '../../src/nn/bands.ts';

const MIB = 2 ** 20;
const sizes = { batch: 1, height: 128, width: 128, compute: 'f32', storage: 'bf16' } as const;

/** How many bands each loop of each program goes through. */
function loops(parts: readonly VaePart[]): number[] {
  return parts.flatMap(({ traced }) =>
    traced.graph.nodes.flatMap(({ op, shape }) => (op.kind === 'map' ? [shape[0]!] : [])),
  );
}

test('bands are of equal height, even, and as few as the budget allows', () => {
  const count = (height: number, budget: number) => bandCount(height, { halo: 2, bytesPerRow: 10, budget });
  assert.equal(count(64, 640), 1);
  assert.equal(count(64, 639), 2);
  assert.equal(count(64, 360), 2);
  assert.equal(count(64, 359), 4);
  assert.equal(count(64, 1), 16, 'no lower than its halos');
  // 134 = 2 · 67: bands of two rows would be lower than their halos.
  assert.equal(count(134, 100), 1);
  assert.equal(count(1072, 640), 67, '16 rows each');
  assert.equal(count(768, 500), 24, '32 rows, for 48 divide no better');
  assert.equal(count(4, 1), 1);
});

test('without a budget nothing is done in bands, with one what would exceed it', () => {
  const { decode } = vaePrograms(FLUX_VAE, sizes);
  assert.deepEqual(loops(decode), []);
  const tiled = vaePrograms(FLUX_VAE, { ...sizes, budget: 64 * MIB });
  const most = Math.max(...loops(tiled.decode));
  assert.ok(most >= 16, `${most} bands`);
  assert.deepEqual(loops(tiled.decode.slice(2, 3)), [], 'attention sees the whole picture');
  assert.ok(loops(tiled.encode).length > 0);
  // What goes in and out stays whole: 256 channels in, 128 out, at 1024².
  const whole = (256 + 128) * 4 * 1024 ** 2;
  assert.ok(vaeBytes(tiled.decode) >= whole && vaeBytes(tiled.decode) <= whole + 128 * MIB);
  assert.ok(vaeBytes(decode) >= 2 * whole - MIB, 'as much again in between');
});

test('every part of encoding but attention works in bands, whatever its width, and what is alive falls with the budget', () => {
  for (const compute of ['f32', 'bf16'] as const) {
    const encodeIn = (budget?: number) => vaePrograms(FLUX_VAE, { ...sizes, compute, budget }).encode;
    assert.deepEqual(loops(encodeIn()), []);
    const parts = encodeIn(16 * MIB);
    const whole = parts.filter((part) => loops([part]).length === 0).map(({ traced }) => traced.name);
    assert.deepEqual(whole, ['vae_attention_512_128x128']);
    // 128 channels in and as many out, at 1024², beside bands no lower than their halos; as much as a whole again without.
    const values = 2 * 128 * (compute === 'f32' ? 4 : 2) * 1024 ** 2;
    assert.ok(vaeBytes(parts) >= values && vaeBytes(parts) <= values + 64 * MIB, `${vaeBytes(parts)} bytes`);
    assert.ok(vaeBytes(encodeIn()) >= values + 1024 * MIB);
  }
});

test('equal blocks are one program, in both directions', () => {
  const { decode, encode } = vaePrograms(FLUX_VAE, sizes);
  const programs = (parts: readonly VaePart[]) => new Set(parts.map(({ traced }) => traced)).size;
  assert.equal(decode.length, 20);
  assert.equal(programs(decode), 12);
  // Residual blocks of four sizes and the attention are in both.
  assert.equal(programs([...decode, ...encode]), 12 + 12 - 5);
});

test('a budget is chosen for the memory there is', () => {
  const budget = (tiling: 'auto' | 'on' | 'off', available: number) =>
    vaeWithin(FLUX_VAE, sizes, { tiling, available }).budget;
  const whole = vaeBytes(vaePrograms(FLUX_VAE, sizes).decode);
  assert.equal(budget('off', 1), undefined);
  assert.equal(budget('auto', whole), undefined);
  const chosen = budget('auto', whole - 1);
  assert.ok(chosen !== undefined && chosen >= 16 * MIB);
  assert.ok(vaeBytes(vaePrograms(FLUX_VAE, { ...sizes, budget: chosen }).decode) <= whole - 1);
  assert.equal(budget('on', Number.POSITIVE_INFINITY), 64 * MIB);
  assert.equal(budget('auto', 1), 16 * MIB, 'the least there is where none is small enough');
});
