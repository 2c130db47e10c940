/** `fluxion plugins`: lists, installs, adds and removes the shared libraries that drive devices. */

import { nearest } from '../../support/errors.ts';
import { addPlugin, DEVICE_NAMES, installPlugin, listPlugins, type PluginStatus, removePlugin } from '../../xla.ts';
import { chosen, fileCommand } from '../args.ts';
import { answer, OK, refuseWords, UsageError } from '../command.ts';
import { JSON_FLAG, optionLines } from '../flags.ts';
import { Progress, paint } from '../terminal/render.ts';

const FLAGS = {
  device: {
    takes: 'NAME',
    help: `the device that an added plugin serves (${DEVICE_NAMES.join(', ')}), if this machine lacks it`,
  },
  ...JSON_FLAG,
  quiet: { help: 'no progress' },
};

const HELP = `fluxion plugins list | install NAME | add PATH | remove NAME

A plugin is XLA for one kind of device: a shared library with PJRT's C API. Plugins for CPUs, TPUs and NVIDIA GPUs install
themselves on first use, also to compile for devices that this machine lacks. Install others as 'list' explains, and add them by
path. FLUXION_PJRT_PLUGIN=PATH uses a plugin without adding it. 'remove' deletes the plugins installed for a device and forgets those
added for it; NAME is a device, a package or an added path.

Examples
  fluxion plugins list
  fluxion plugins install cuda
  fluxion plugins add DIR/jax_plugins/xla_cuda13/xla_cuda_plugin.so
  fluxion plugins add DIR/my_plugin.so --device tpu
  fluxion plugins remove cuda

Options
${optionLines(FLAGS)}
`;

const ACTIONS = ['list', 'install', 'add', 'remove'] as const;

export default fileCommand({
  flags: FLAGS,
  choices: { words: ACTIONS, '--device': DEVICE_NAMES },
  help: HELP,

  async run({ flags, words }, { signal }) {
    const [action = 'list', target, ...others] = words;
    refuseWords(others);
    switch (action) {
      case 'list': {
        refuseWords(words.slice(1));
        const listed = listPlugins();
        answer(flags.json, { plugins: listed.map(asData) }, [listed.map(asText).join('\n\n')]);
        return OK;
      }
      case 'install': {
        using progress = Progress.for(flags);
        const name = needed(target, 'which plugin?', `fluxion plugins install cpu`);
        const path = await installPlugin(name, { signal, onProgress: (message) => progress.activity(message) });
        answer(flags.json, { installed: name, path }, [path]);
        return OK;
      }
      case 'add': {
        const path = needed(target, 'which file?', 'fluxion plugins add PATH');
        const { device } = flags;
        const options = device === undefined ? {} : { device: chosen('--device', device, DEVICE_NAMES) };
        const added = await addPlugin(path, options);
        const served = added.device ?? 'a device that is not in this machine; --device NAME says which';
        answer(flags.json, { added }, [`${added.path}: PJRT API ${added.apiVersion}, serves ${served}`]);
        return OK;
      }
      case 'remove': {
        const removed = removePlugin(needed(target, 'which plugin?', 'fluxion plugins remove cuda'));
        const lines = removed.map((path) => `${path} is no longer used`);
        answer(flags.json, { removed }, lines);
        return OK;
      }
      default: {
        const near = nearest(action, ACTIONS, 1)[0];
        throw new UsageError('bad_config', `there is no 'plugins ${action}'`, {
          hint: near ? `did you mean 'plugins ${near}'?` : `there are ${ACTIONS.join(', ')}`,
        });
      }
    }
  },
});

function needed(word: string | undefined, question: string, hint: string): string {
  if (word === undefined) throw new UsageError('bad_config', question, { hint });
  return word;
}

function asText(plugin: PluginStatus): string {
  const { device, title, status, path, present, damage, package: name, version, licence, manual, notes } = plugin;
  const state = {
    installed: paint('green', 'installed', process.stdout),
    added: paint('green', 'added', process.stdout),
    available: 'installs itself on first use',
    manual: 'installed by hand',
    unsupported: 'no package for this machine',
  }[status];
  const lines = [
    `${paint('bold', device.padEnd(6), process.stdout)}${title}${present && device !== 'cpu' ? ' (in this machine)' : ''}: ${state}`,
    path ?? (manual && `${manual}`),
    damage && `damaged, and installed again at its next use: ${damage}`,
    `${name} ${version}; licence: ${licence}`,
    notes,
  ];
  return lines.filter((line) => line).join('\n        ');
}

function asData(plugin: PluginStatus): Record<string, unknown> {
  const { device, title, status, path, present, damage, package: name, version, licence, manual, notes } = plugin;
  const api = { package: name, version, api_version: plugin.apiVersion };
  return { device, title, status, path, present, damage, ...api, licence, manual, notes };
}
