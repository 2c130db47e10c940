/** `fluxion plugins`: lists, installs, adds and removes the shared libraries that drive devices. */

import { nearest } from '../../support/errors.ts';
import {
  addPlugin,
  DEVICE_NAMES,
  type DeviceName,
  installPlugin,
  listPlugins,
  type PluginStatus,
  removePlugin,
} from '../../xla.ts';
import { sortWords } from '../args.ts';
import { answer, type Command, OK, refuseWords, UsageError } from '../command.ts';
import { Progress, paint } from '../terminal/render.ts';

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
  --device NAME   the device that an added plugin serves (${DEVICE_NAMES.join(', ')}), if this machine lacks it
  --json          one JSON object on standard output
  --quiet         no progress
  -h, --help      this text
`;

const ACTIONS = ['list', 'install', 'add', 'remove'] as const;

const FLAGS = { device: 'string', json: 'boolean', quiet: 'boolean' } as const;

const plugins: Command = {
  flags: FLAGS,
  choices: { words: ACTIONS, '--device': DEVICE_NAMES },
  help: () => HELP,

  async run(argv, { signal }) {
    const { flags, words } = sortWords(argv, FLAGS);
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
        using progress = Progress.for(flags.quiet ? 'quiet' : 'shown');
        const name = needed(target, 'which plugin?', `fluxion plugins install cpu`);
        const path = await installPlugin(name, { signal, onProgress: (message) => progress.activity(message) });
        answer(flags.json, { installed: name, path }, [path]);
        return OK;
      }
      case 'add': {
        const path = needed(target, 'which file?', 'fluxion plugins add PATH');
        const added = await addPlugin(path, flags.device === undefined ? {} : { device: deviceNamed(flags.device) });
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
};

export default plugins;

function needed(word: string | undefined, question: string, hint: string): string {
  if (word === undefined) throw new UsageError('bad_config', question, { hint });
  return word;
}

function deviceNamed(name: string | true): DeviceName {
  const device = DEVICE_NAMES.find((known) => known === name);
  if (device) return device;
  throw new UsageError('bad_config', `unknown device '${name}'`, { hint: `there are ${DEVICE_NAMES.join(', ')}` });
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
