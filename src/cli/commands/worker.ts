/** `fluxion worker`: makes the jobs that servers put into a queue. */

import { OK, readingUsage, UsageError } from '../command.ts';
import { optionLines } from '../flags.ts';
import { keyCommand } from '../key-command.ts';
import { readService, SERVICE_FLAGS, serverDoor, untilStopped, writeLog } from '../service.ts';
import { modelOf } from '../settings.ts';

const HELP = `fluxion worker [CONFIG.yml] [key=value …] --queue valkey://HOST:PORT

Takes jobs from a queue and makes them with the model that it keeps loaded. 'fluxion serve --queue' of the same address puts them there, tells
clients how far they are and keeps their pictures. Any number of workers, on any machines, share the work; each takes the jobs of its own model.

Examples
  fluxion worker --queue valkey://queue.lan:6379
  fluxion worker model=black-forest-labs/FLUX.1-schnell --queue valkeys://queue.lan lora_dir=loras
  fluxion worker gpu.yml                with  queue: valkey://:PASSWORD@queue.lan  in the file, where other users do not see it

Everyday keys ('fluxion help config' lists all; 'fluxion help KEY' explains one)
  queue            Valkey or Redis: valkey://, redis://, and with TLS valkeys://, rediss://
  worker_jobs      jobs that it takes at a time, and may share a batch; 4
  worker_timeout   how long a worker may be silent until others begin its jobs again; 10s
  drain_timeout    how long it goes on with its jobs once it is stopped; 25s
  lora_dir, max_pictures, max_pixels, max_steps, idle_release, and all keys that say how a model is loaded

Options of this command
${optionLines(SERVICE_FLAGS)}

Its log goes to standard output, one JSON object a line. Ctrl-C and SIGTERM take no more jobs, and those it has end or go back to the queue; a
second Ctrl-C stops at once. A worker that is killed loses nothing: another begins its jobs again. A job that ends five workers is given up.
`;

export default keyCommand({
  flags: SERVICE_FLAGS,
  help: HELP,

  async run(words, session) {
    const { signal, endsWithin } = session;
    const source = 'a worker takes its prompts from a queue';
    const service = await readService(words, session, { command: 'worker', source });
    const { config, sources, progress } = service;
    modelOf(config);
    if (config.queue === '') {
      throw new UsageError('bad_config', 'queue: expected the address of a Valkey or Redis server, found none', {
        hint: 'as in --queue valkey://HOST:6379; fluxion serve needs the same',
      });
    }
    service.note();
    const { openWorker } = await serverDoor();
    const taking = readingUsage(() =>
      openWorker(config, {
        sources,
        write: writeLog,
        onProgress: (message) => progress.tell('worker', message),
      }),
    );
    endsWithin?.(config.drain_timeout);
    try {
      await taking.start(signal);
      await untilStopped(signal);
      progress.say('stopping: jobs end first, or go back to the queue');
    } finally {
      await taking.close(config.drain_timeout);
    }
    return OK;
  },
});
