/** The text of `fluxion help config`. */

import { acceptedHelp, configHelp, keyHelp } from '../../config/schema.ts';

export { keyHelp as keyTopic };

/** Returns every configuration key with its meaning and default, then MaxDiffusion's keys that have no effect and why. */
export function configTopic(): string {
  return `Configuration keys, as key=value, as --flags, or in a YAML file

A configuration is a YAML file, ours (base_flux_tiny.yml, base_flux_schnell.yml, base_flux_dev.yml) or MaxDiffusion's;
without one, the bundled model's. Every key can be given as key=value or as a flag, in its own or in an everyday name:
num_inference_steps=8, --num-inference-steps 8, steps=8 and --steps 8 are the same, and the last one wins. Values are read as
YAML; 'fluxion help KEY' explains one. -s is the seed, -n the batch, -m the model, -p a prompt, -W and -H the sides.

Prompts
  "a red house" "a boat"    quoted words with blanks: a prompt each, made one after another
  a red house               single words: one prompt together
  --prompt A --prompt B     one by one, which also takes prompts of a single word
  --prompts FILE            a prompt in each line of a UTF-8 file but for those that begin with #; prompt=@FILE is the same
  -                         standard input, as one prompt; --prompts - takes it line by line
A word that looks like a setting (Steps=4) is never taken for a prompt; after '--', all words are prompts.

Your own settings are read from ~/.config/fluxion/config.yml ($XDG_CONFIG_HOME; on Windows %APPDATA%\\fluxion\\config.yml; or the
file that FLUXION_CONFIG names). They are weaker than a file or a key that is given; --no-config leaves them out.

Of several processes (num_nodes, node_id) each makes its part of every batch, and its pictures have the numbers that they
would have if one process made all. docs/guide/several-machines.md has command lines for CPUs, NVIDIA GPUs and TPU pods.

With preview=step, flux_preview.png (of process 1 flux_preview_1.png, …) in output_dir shows the first picture of the batch as predicted at each step.

${configHelp()}
MaxDiffusion's other keys are accepted, so that its files run unmodified.

${acceptedHelp()}`;
}
