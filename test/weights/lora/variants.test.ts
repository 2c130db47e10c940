/** One LoRA in every way people find it written: each file must come to the very same differences of weights, with nothing left over. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FLUX1 } from '../../../src/families/flux1/flux1.ts';
import { describeLora, loadAdapter } from '../../../src/weights/lora/adapter.ts';
import { differences, loraFile, SMALL_MODEL } from '../../support/lora.ts';
import { loraVariants } from '../../support/lora-variants.ts';

describe('one LoRA', () => {
  const [first, ...others] = loraVariants(16);
  const load = (variant: typeof first) =>
    loadAdapter({ path: loraFile(variant!.tensors, variant!.options) }, SMALL_MODEL, { strict: true });

  for (const variant of others) {
    test(variant.name, async () => {
      const [adapter, wanted] = [await load(variant), await load(first)];
      assert.deepEqual(adapter.report.modules, wanted.report.modules);
      assert.deepEqual(adapter.report.ranks, [1, 3, 4]);
      assert.deepEqual(adapter.report.unmatched, { count: 0, first: [] });
      assert.notEqual(adapter.report.dialect, 'unknown');
      assert.deepEqual(await differences(adapter), await differences(wanted));
      const told = describeLora(FLUX1, { path: loraFile(variant.tensors, variant.options) });
      assert.deepEqual({ ...told, path: '' }, { ...adapter.report, path: '' }, 'the same without a model');
    });
  }
});
