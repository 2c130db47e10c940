/** What XLA:CPU is told beside a program. */

/** PJRT C API of the first XLA that takes a scheduler by its name; the one before it knows a flag instead. */
const SCHEDULER_BY_NAME = 82;

/**
 * XLA flags for every program on a CPU, by the plugin's version of the PJRT C API, such as `0.115`. Operations run one after the other, in the
 * order that keeps least alive: each takes all threads anyway. The other order starts whatever can be started, and widens every
 * tile of a matrix before the first is used: ten times the temporaries (docs/log.md).
 */
export function cpuFlags(apiVersion: string): Readonly<Record<string, boolean | string>> {
  const minor = Number(apiVersion.split('.')[1]);
  return minor < SCHEDULER_BY_NAME
    ? { xla_cpu_enable_concurrency_optimized_scheduler: false }
    : { xla_cpu_scheduler_type: 'CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED' };
}
