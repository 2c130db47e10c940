/** A worker that dies of a certain prompt, as of memory that it has not: node fatal-worker.ts URL */

import { startWorker } from './queue.ts';

await startWorker(process.argv[2]!, {
  between: (event, { prompt }) => {
    if (event.type === 'step' && prompt === 'fatal') process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write('ready\n');
