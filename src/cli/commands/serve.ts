/** `fluxion serve`: jobs over HTTP, with the model loaded. */

import { OK } from '../command.ts';
import { optionLines } from '../flags.ts';
import { keyCommand } from '../key-command.ts';
import { runServer } from '../run-server.ts';
import { SERVICE_FLAGS } from '../service.ts';

const HELP = `fluxion serve [CONFIG.yml] [key=value …]

Keeps a model loaded and makes pictures for whoever asks over HTTP. Requests that wait at the same time share batches. Jobs, their
history and pictures lie in output_dir, and survive a kill. It listens at http://127.0.0.1:8000 for this machine alone.

Examples
  fluxion serve output_dir=pictures
  fluxion serve base_flux_schnell.yml model=black-forest-labs/FLUX.1-schnell --port 8080 output_dir=pictures
  FLUXION_API_KEYS=anna:$(openssl rand -hex 16) fluxion serve host=0.0.0.0 rate_limit=60
  fluxion serve output_dir=pictures idle_release=10m resume=True
  fluxion serve output_dir=pictures --queue valkey://queue.lan:6379      without a device: 'fluxion worker' makes the pictures

Asking it
  curl -N -H 'accept: text/event-stream' -d '{"prompt":"a red house in the mountains at sunset","seed":7}' localhost:8000/v1/jobs
  curl -d '{"prompt":"a white sailboat on the ocean at noon"}' localhost:8000/v1/jobs      answers at once, with the job's id
  curl localhost:8000/v1/jobs/ID        and its pictures; curl -X DELETE cancels it
  curl localhost:8000/openapi.json      describes all of it
  curl localhost:8000/readyz            tells whether the model is loaded; /healthz, /metrics

Everyday keys ('fluxion help config' lists all, under Server; 'fluxion help KEY' explains one)
  port, host, output_dir, api_key_file, open_to_all, allow_origin, rate_limit, max_queue, job_timeout, idle_release, resume, queue
  Keys of pictures, such as steps=4 or resolution=512, are the defaults of requests that leave them out.

Options of this command
${optionLines(SERVICE_FLAGS)}

Its log goes to standard output, one JSON object a line, without prompts unless log_prompts=True. Ctrl-C and SIGTERM take no more jobs
and let those that were accepted end, for drain_timeout; a second Ctrl-C stops at once.
`;

export default keyCommand({
  flags: SERVICE_FLAGS,
  help: HELP,

  async run(words, session) {
    await runServer(words, session, { command: 'serve', writesLog: true });
    return OK;
  },
});
