/** The text of `fluxion help config`. */

import { acceptedHelp, configHelp, keyHelp } from '../config/schema.ts';

export { keyHelp as keyTopic };

/** Returns every configuration key with its meaning and default, then MaxDiffusion's keys that have no effect and why. */
export function configTopic(): string {
  return `Configuration keys, as key=value, as --flags, or in a YAML file

${configHelp()}
MaxDiffusion's other keys are accepted, so that its files run unmodified.

${acceptedHelp()}`;
}
