/**
 * Layout changes written as patterns, `rearrange(x, 'b n (k h c) -> k b h n c', { k: 3, h })`, and contractions,
 * `einsum('b h n c, b h m c -> b h n m', q, k)`. Every name, size and count is checked when the graph is traced.
 * The notation is that of einops (https://einops.rocks); names live for one line.
 */

import type { DType } from '../../support/dtype.ts';
import { dot } from './ops.ts';
import { refuse } from './shape.ts';
import type { Tensor } from './tensor.ts';

/** One position of a pattern: the names merged in it; `1` is an empty group. */
type Group = readonly string[];

function parseSide(side: string, pattern: string): Group[] {
  const groups: Group[] = [];
  for (const [token] of side.matchAll(/\([^()]*\)|[^\s()]+|[()]/g)) {
    const names = token.startsWith('(') ? token.slice(1, -1).trim().split(/\s+/).filter(Boolean) : [token];
    const group = token === '1' ? [] : names;
    if (!group.every((name) => /^[a-z][a-z0-9]*$/i.test(name)) || token === '(' || token === ')')
      throw new SyntaxError(`bad pattern '${pattern}' at '${token}'`);
    groups.push(group);
  }
  const all = groups.flat();
  if (new Set(all).size !== all.length) throw new SyntaxError(`a name appears twice on one side of '${pattern}'`);
  return groups;
}

/** Splits, reorders and merges dimensions by a pattern; sizes that a split leaves open are given or inferred. */
export function rearrange<D extends DType>(
  x: Tensor<D>,
  pattern: string,
  sizes: Readonly<Record<string, number>> = {},
): Tensor<D> {
  const [left, right, extra] = pattern.split('->').map((side) => parseSide(side, pattern));
  if (!left || !right || extra) throw new SyntaxError(`bad pattern '${pattern}': expected 'from -> to'`);
  const fail = (why: string): never => refuse(`rearrange '${pattern}'`, [x], why);
  if (left.length !== x.shape.length) fail(`expected ${left.length} dimensions`);

  const size = new Map<string, number>(Object.entries(sizes));
  left.forEach((group, i) => {
    const open = group.filter((name) => !size.has(name));
    const known = group.reduce((n, name) => n * (size.get(name) ?? 1), 1);
    const dim = x.shape[i]!;
    if (open.length > 1) fail(`give the size of one of ${open.join(', ')}`);
    if (open.length === 1) size.set(open[0]!, dim / known);
    const product = group.reduce((n, name) => n * size.get(name)!, 1);
    if (product !== dim || !group.every((name) => Number.isInteger(size.get(name))))
      fail(`(${group.join(' ')}) with ${group.map((n) => `${n} = ${size.get(n)}`).join(', ')} is not dimension ${i}`);
  });

  const from = left.flat();
  const to = right.flat();
  if (from.length !== to.length || !to.every((name) => from.includes(name))) fail('both sides must use the same names');
  const unused = Object.keys(sizes).filter((name) => !from.includes(name));
  if (unused.length > 0) fail(`no dimension is called ${unused.join(', ')}`);

  return x
    .reshape(from.map((name) => size.get(name)!))
    .transpose(to.map((name) => from.indexOf(name)))
    .reshape(right.map((group) => group.reduce((n, name) => n * size.get(name)!, 1)));
}

/** A side of a contraction, where every position is one name. */
function parseNames(side: string, pattern: string): string[] {
  return parseSide(side, pattern).map((group) => {
    if (group.length !== 1) throw new SyntaxError(`bad pattern '${pattern}': a contraction takes plain names only`);
    return group[0]!;
  });
}

/** Contracts two tensors by named dimensions; names missing on the right-hand side are summed over. */
export function einsum<D extends DType, R extends DType = D>(
  pattern: string,
  a: Tensor<D>,
  b: Tensor<NoInfer<D>>,
  dtype?: R,
): Tensor<R> {
  const [inputs, output, extra] = pattern.split('->');
  const [left, right, third] = (inputs ?? '').split(',').map((side) => parseNames(side, pattern));
  if (!left || !right || third || output === undefined || extra !== undefined)
    throw new SyntaxError(`bad pattern '${pattern}': expected 'one, other -> result'`);
  const to = parseNames(output, pattern);
  if (left.length !== a.shape.length || right.length !== b.shape.length)
    refuse(`einsum '${pattern}'`, [a, b], 'the pattern and the operands have different ranks');
  const shared = left.filter((name) => right.includes(name));
  const batch = shared.filter((name) => to.includes(name));
  const contract = shared.filter((name) => !to.includes(name));
  const result = [...batch, ...left.filter((n) => !shared.includes(n)), ...right.filter((n) => !shared.includes(n))];
  if (result.length !== to.length || !to.every((name) => result.includes(name)))
    throw new SyntaxError(`einsum '${pattern}': the result has the dimensions ${result.join(' ')}`);
  const dims = {
    batch: [batch.map((n) => left.indexOf(n)), batch.map((n) => right.indexOf(n))],
    contract: [contract.map((n) => left.indexOf(n)), contract.map((n) => right.indexOf(n))],
  } as const;
  return dot(a, b, dims, dtype).transpose(to.map((name) => result.indexOf(name)));
}
