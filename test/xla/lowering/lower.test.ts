/** What a platform's lowering adds to a graph besides kernels. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spec, trace } from '../../../src/xla/graph/trace.ts';
import { Weights } from '../../../src/xla/graph/weights.ts';
import { lower, type Target } from '../../../src/xla/lowering/lower.ts';

/** How many values of a gated sum in this element type are computed apart from their users. */
function barriers(dtype: 'f16' | 'bf16' | 'f32', platform: Target['platform']): number {
  const inputs = { x: spec(dtype, [2, 4]), gate: spec(dtype, [2, 4]), out: spec(dtype, [2, 4]) };
  const traced = trace('gated', new Weights(dtype, dtype), inputs, ({ x, gate, out }) => ({ x: x.add(gate.mul(out)) }));
  return lower(traced.graph, { platform }).nodes.filter(({ op }) => op.kind === 'barrier').length;
}

test('a CPU rounds f16 products before it adds to them', () => {
  assert.equal(barriers('f16', 'cpu'), 1);
  assert.equal(barriers('bf16', 'cpu'), 0);
  assert.equal(barriers('f32', 'cpu'), 0);
  assert.equal(barriers('f16', 'cuda'), 0);
  assert.equal(barriers('f16', 'tpu'), 0);
});
