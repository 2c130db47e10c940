/** The sampler in files, which has no weights. */

import type { SchedulerConfig } from '../../sampling/schedule.ts';
import { Fields } from '../../weights/folders/config-fields.ts';
import type { Part } from '../../weights/folders/family.ts';

/** The flow-matching sampler of diffusers. */
export const SCHEDULER: Part<SchedulerConfig> = {
  folder: 'scheduler',
  configFile: 'scheduler_config.json',
  class: ['diffusers', 'FlowMatchEulerDiscreteScheduler'],
  config: {
    read(json, path) {
      const f = new Fields(json, path);
      f.expect('_class_name', 'FlowMatchEulerDiscreteScheduler');
      f.refuse('invert_sigmas', 'inverted sigmas');
      f.refuse('use_karras_sigmas', 'Karras sigmas');
      f.refuse('use_exponential_sigmas', 'exponential sigmas');
      f.refuse('use_beta_sigmas', 'beta sigmas');
      f.refuse('stochastic_sampling', 'stochastic sampling');
      const baseImageSeqLen = f.integer('base_image_seq_len', 256, 1, 2 ** 24);
      const maxImageSeqLen = f.integer('max_image_seq_len', 4096, 1, 2 ** 24);
      if (maxImageSeqLen <= baseImageSeqLen) throw f.bad('max_image_seq_len', `expected more than ${baseImageSeqLen}`);
      const terminal = f.isNull('shift_terminal') ? 0 : f.number('shift_terminal', 0, 0, 1);
      const useDynamicShifting = f.boolean('use_dynamic_shifting', false);
      return {
        numTrainTimesteps: f.integer('num_train_timesteps', 1000, 1, 1_000_000),
        shift: useDynamicShifting && f.isNull('shift') ? 1 : f.number('shift', 1, 1e-3, 1e3),
        useDynamicShifting,
        baseShift: f.number('base_shift', 0.5, -100, 100),
        maxShift: f.number('max_shift', 1.15, -100, 100),
        baseImageSeqLen,
        maxImageSeqLen,
        timeShiftType: f.oneOf('time_shift_type', ['exponential', 'linear'], 'exponential'),
        // diffusers tests truthiness: 0 means none.
        shiftTerminal: terminal === 0 ? undefined : terminal,
      };
    },
    write(config) {
      return {
        _class_name: 'FlowMatchEulerDiscreteScheduler',
        base_image_seq_len: config.baseImageSeqLen,
        base_shift: config.baseShift,
        invert_sigmas: false,
        max_image_seq_len: config.maxImageSeqLen,
        max_shift: config.maxShift,
        num_train_timesteps: config.numTrainTimesteps,
        shift: config.shift,
        shift_terminal: config.shiftTerminal ?? null,
        stochastic_sampling: false,
        time_shift_type: config.timeShiftType,
        use_beta_sigmas: false,
        use_dynamic_shifting: config.useDynamicShifting,
        use_exponential_sigmas: false,
        use_karras_sigmas: false,
      };
    },
  },
};
