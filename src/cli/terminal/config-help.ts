/** The text of `fluxion help config`. */

import { acceptedHelp, configHelp } from '../../config/schema.ts';

/** Returns every configuration key with its meaning and default, then MaxDiffusion's keys that have no effect and why. */
export function configTopic(): string {
  return `Configuration keys, as key=value, as --flags, or in a YAML file

A configuration is a YAML file: one of Fluxion's (base_flux_tiny.yml, base_flux_schnell.yml, base_flux_dev.yml) or MaxDiffusion's. Without
a file, the bundled model's is used. Every key can be set as key=value or as a flag, by its own or an everyday name:
num_inference_steps=8, --num-inference-steps 8, steps=8 and --steps 8 mean the same, and the last one wins. Values are YAML;
'fluxion help KEY' explains a key. -s is the seed, -n the batch, -m the model, -p a prompt, -W and -H the sides.

Prompts
  "a red house" "a boat"    quoted phrases: one prompt each
  a red house               single words: one prompt together
  --prompt A --prompt B     one prompt each, also of a single word
  --prompts FILE            one prompt for each line of a UTF-8 file, except lines that begin with #; prompt=@FILE is the same
  -                         one prompt from standard input; --prompts - reads one for each line
A word that looks like a setting (Steps=4) is never a prompt; after '--', all words are prompts.

Your own settings are read from ~/.config/fluxion/config.yml ($XDG_CONFIG_HOME; on Windows %APPDATA%\\fluxion\\config.yml; or the
file that FLUXION_CONFIG names). A file or key on the command line overrides them; --no-config ignores them.

Each of several processes (num_nodes, node_id) computes its slice of every batch and numbers its pictures as one process for
all would. docs/guide/several-machines.md has command lines for CPUs, NVIDIA GPUs and TPU pods.

With preview=step, flux_preview.png in output_dir (process 1: flux_preview_1.png, …) shows the first picture of the batch as predicted
after each step.

${configHelp()}
MaxDiffusion's other keys are accepted, so that its files run unmodified.

${acceptedHelp()}`;
}
