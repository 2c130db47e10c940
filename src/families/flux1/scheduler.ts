/** The sampler in files, which has no weights. */

import type { SchedulerConfig } from '../../sampling/schedule.ts';
import * as keys from '../../weights/folders/config-fields.ts';
import type { Part } from '../../weights/folders/family.ts';

const CLASS = 'FlowMatchEulerDiscreteScheduler';

const terminal = keys.optional(keys.number('shift_terminal', 0, 0, 1));

/** The flow-matching sampler of diffusers. */
export const SCHEDULER: Part<SchedulerConfig> = {
  folder: 'scheduler',
  configFile: 'scheduler_config.json',
  class: ['diffusers', CLASS],
  config: keys.codec<SchedulerConfig>({
    only: { _class_name: CLASS },
    off: {
      invert_sigmas: 'inverted sigmas',
      use_karras_sigmas: 'Karras sigmas',
      use_exponential_sigmas: 'exponential sigmas',
      use_beta_sigmas: 'beta sigmas',
      stochastic_sampling: 'stochastic sampling',
    },
    fields: {
      numTrainTimesteps: keys.integer('num_train_timesteps', 1000, 1, 1_000_000),
      shift: keys.nullIsMissing(keys.number('shift', 1, 1e-3, 1e3)),
      useDynamicShifting: keys.boolean('use_dynamic_shifting', false),
      baseShift: keys.number('base_shift', 0.5, -100, 100),
      maxShift: keys.number('max_shift', 1.15, -100, 100),
      baseImageSeqLen: keys.integer('base_image_seq_len', 256, 1, 2 ** 24),
      maxImageSeqLen: keys.integer('max_image_seq_len', 4096, 1, 2 ** 24),
      timeShiftType: keys.oneOf('time_shift_type', ['exponential', 'linear'], 'exponential'),
      // diffusers tests truthiness: 0 means none.
      shiftTerminal: { ...terminal, read: (value, bad) => terminal.read(value, bad) || undefined },
    },
    check({ baseImageSeqLen, maxImageSeqLen, useDynamicShifting }, file) {
      if (maxImageSeqLen <= baseImageSeqLen)
        throw file.bad('max_image_seq_len', `expected more than ${baseImageSeqLen}`);
      if (!useDynamicShifting && file.get('shift') === null)
        throw file.bad('shift', 'expected a number, since use_dynamic_shifting is off');
    },
  }),
};

/** diffusers' own settings, which a file without keys has. */
export const STANDARD_SCHEDULER: SchedulerConfig = SCHEDULER.config.read(new Map(), SCHEDULER.configFile);
