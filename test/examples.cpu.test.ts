/** The programs in examples/ run, and do what they say. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { run, temporaryFolder } from './support/command-line.ts';
import { repositoryPath } from './support/fixture.ts';

const PNG = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
const commandOf = (example: string) => ['--conditions=fluxion-source', repositoryPath(`examples/${example}`)];

for (const [example, file] of [
  ['script.ts', 'house.png'],
  ['worker-thread.ts', 'boat.png'],
] as const) {
  test(example, async () => {
    using folder = temporaryFolder();
    const { status, stdout, stderr } = await run(process.execPath, commandOf(example), { cwd: folder.path });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, `${file}\n`);
    assert.deepEqual(
      stderr.trim().split('\n'),
      Array.from({ length: 8 }, (_, i) => `step ${i + 1} of 8`),
    );
    assert.deepEqual(readFileSync(folder.file(file)).subarray(0, 8), PNG);
  });
}

/** The events of a response, as they arrive. */
async function* eventsOf(response: Response): AsyncGenerator<{ type: string; data: Record<string, unknown> }> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n');
    text = events.pop()!;
    for (const event of events) {
      const [type, data] = event.split('\n').map((line) => line.replace(/^\w+: /, ''));
      yield { type: type!, data: JSON.parse(data!) };
    }
  }
}

test('fetch-handler.ts', async (t) => {
  const child = spawn(process.execPath, commandOf('fetch-handler.ts'), {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string];
  const ask = (query: string, init?: RequestInit) => fetch(`${url}/?${query}`, init);
  const house = 'prompt=a+white+house+on+green+hills+at+sunrise&seed=1';

  await t.test('sends every step, then the picture', async () => {
    const response = await ask(house);
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    const events = await Array.fromAsync(eventsOf(response));
    const steps = Array.from({ length: 8 }, (_, i) => ({ type: 'step', data: { step: i + 1, steps: 8 } }));
    assert.deepEqual(events.slice(0, -1), steps);
    const [, base64] = /^data:image\/png;base64,(.*)$/.exec(String(events.at(-1)!.data['url']))!;
    assert.deepEqual(Buffer.from(base64!, 'base64').subarray(0, 8), PNG);
  });

  await t.test('sends what is wrong with a request', async () => {
    const [event] = await Array.fromAsync(eventsOf(await ask('prompt=a+house&seed=half')));
    assert.equal(event?.type, 'error');
    assert.match(String(event?.data['message']), /^seed: expected random, a whole number/);
  });

  await t.test('a client that leaves stops the work', async () => {
    const leave = new AbortController();
    const began = performance.now();
    const response = await ask(`${house}&steps=1000`, { signal: leave.signal });
    for await (const { data } of eventsOf(response)) if (data['step'] === 10) break;
    const left = performance.now();
    leave.abort();
    assert.equal((await Array.fromAsync(eventsOf(await ask(house)))).at(-1)?.type, 'image');
    assert.ok(performance.now() - left < 50 * (left - began), 'the second picture waited for the end of the first');
  });

  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
