/** The native API without a socket: jobs, events, history, pictures, LoRAs and the model. */

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { JOB, JOB_EVENT } from '../../src/api/jobs.ts';
import { SERVER_LORA, SERVER_MODEL } from '../../src/api/served.ts';
import { Flux } from '../../src/index.ts';
import { Metrics } from '../../src/server/metrics.ts';
import { ServerLog } from '../../src/server/server-log.ts';
import { ModelFolders } from '../support/condition-cases.ts';
import { repositoryPath } from '../support/fixture.ts';
import { greyPng, SMALL, sentEvents, TestJobs } from '../support/server.ts';

const SSE = { accept: 'text/event-stream' };

describe('the native API', () => {
  let server: TestJobs;
  const lines: string[] = [];
  before(() => {
    const metrics = new Metrics();
    const log = new ServerLog({ write: (line) => lines.push(line) });
    server = new TestJobs({
      loraDir: repositoryPath('test/fixtures/lora'),
      app: { metrics, log },
      onEvent: (job, event) => {
        metrics.onEvent(job, event);
        log.onEvent(job, event);
      },
    });
  });
  after(() => server[Symbol.asyncDispose]());
  const done = async (body: unknown) => {
    const answer = await server.post('/v1/jobs', body);
    const { id } = JOB.parse(await answer.json());
    assert.equal(answer.status, 202);
    assert.equal(answer.headers.get('location'), `/v1/jobs/${id}`);
    await Array.fromAsync(sentEvents(await server.ask(`/v1/jobs/${id}/events`)));
    return JOB.parse(await (await server.ask(`/v1/jobs/${id}`)).json());
  };

  test('is ready when the model is', async () => {
    assert.equal((await server.ask('/healthz')).status, 200);
    assert.equal((await server.ask('/readyz')).status, 503);
    await server.host.start();
    assert.equal((await server.ask('/readyz')).status, 200);
    const model = (await (await server.ask('/v1/model')).json()) as Record<string, unknown>;
    assert.equal(model['status'], 'ready');
    assert.deepEqual(Object.keys(model['defaults'] as object).includes('steps'), true);
  });

  test('tells what the model takes', async () => {
    using folders = new ModelFolders();
    const at = (name: string): string => repositoryPath(`test/fixtures/conditions/models/${name}`);
    await using beside = new TestJobs({
      open: (given) =>
        Flux.load(folders.whole('test/fixtures/conditions/models/deep'), {
          device: 'cpu',
          controlnet: [at('controlnet-union'), at('controlnet-xlabs.safetensors')],
          redux: at('redux'),
          ...given,
        }),
    });
    await beside.host.start();
    const told = async (from: TestJobs) => SERVER_MODEL.parse(await (await from.ask('/v1/model')).json());
    const model = await told(beside);
    assert.deepEqual(model.beside, {
      controlnets: [{ name: 'controlnet-union', modes: 5 }, { name: 'controlnet-xlabs.safetensors' }],
      redux: true,
    });
    assert.equal(model.pictureUse, 'start');
    assert.ok(model.samplers!.includes('heun') && model.schedules!.includes('karras'));
    assert.deepEqual((await told(server)).beside, { controlnets: [], redux: false });
  });

  test('makes the picture of the library, byte for byte, and its events are as described', async () => {
    const answer = await server.post('/v1/jobs', { ...SMALL, seed: 3, preview: 'step' }, SSE);
    assert.match(answer.headers.get('content-type')!, /^text\/event-stream/);
    const events = (await Array.fromAsync(sentEvents(answer))).map((event) => JOB_EVENT.parse(event));
    assert.equal(events.at(-1)?.type, 'done');
    assert.equal(events.filter((event) => event.type === 'step' && event.previews?.length === 1).length, 2);
    const image = events.find((event) => event.type === 'image')!;
    const file = await server.ask(`/v1/pictures/${image.picture.name}`);
    assert.equal(file.headers.get('content-type'), 'image/png');
    const [made] = await server.host.flux!.generate({ ...SMALL, seed: 3 });
    assert.deepEqual(Buffer.from(await file.arrayBuffer()), Buffer.from(await made!.png()));
    const small = await server.ask(`/v1/pictures/${image.picture.name}?width=32`);
    assert.equal(small.headers.get('content-type'), 'image/webp');
  });

  test('takes pictures in JSON and in forms, and forgets their content', async () => {
    const png = await greyPng();
    const data = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
    const job = await done({ ...SMALL, image: data, strength: 0.5 });
    assert.equal(job.status, 'done');
    assert.deepEqual(job.request['image'], { bytes: png.length });
    const form = new FormData();
    form.append('request', JSON.stringify({ ...SMALL, strength: 0.5 }));
    form.append('image', new File([new Uint8Array(png)], 'grey.png'));
    const answer = await server.ask('/v1/jobs', { method: 'POST', body: form, headers: SSE });
    const events = (await Array.fromAsync(sentEvents(answer))).map((event) => JOB_EVENT.parse(event));
    const image = events.find((event) => event.type === 'image')!;
    assert.equal(image.picture.recipe.inputs?.image?.[0]?.name, 'grey.png');
    assert.equal(job.pictures[0]!.recipe.inputs?.image?.[0]?.hash, image.picture.recipe.inputs?.image?.[0]?.hash);
  });

  test('uses LoRAs by their names', async () => {
    const { loras } = (await (await server.ask('/v1/loras')).json()) as { loras: unknown[] };
    assert.ok(
      SERVER_LORA.array()
        .parse(loras)
        .some(({ name, bytes }) => name === 'random-kohya' && bytes > 0),
    );
    const job = await done({ ...SMALL, loras: [{ path: 'random-kohya', scale: 0.5 }] });
    assert.equal(job.pictures[0]!.recipe.loras?.[0]?.name, 'random-kohya');
    assert.deepEqual(job.request['loras'], [{ path: 'random-kohya', scale: 0.5 }]);
  });

  test('cancels a job, and once more is no error', async () => {
    const answer = await server.post('/v1/jobs', { ...SMALL, steps: 200 });
    const { id } = JOB.parse(await answer.json());
    const cancelled = async (method: string, path: string) =>
      JOB.parse(await (await server.ask(path, { method })).json());
    const job = await cancelled('DELETE', `/v1/jobs/${id}`);
    assert.equal(job.status, 'cancelled');
    assert.deepEqual(job.error, { code: 'aborted', message: 'cancelled on request' });
    // By then, only the store has the job.
    assert.deepEqual(await cancelled('POST', `/v1/jobs/${id}/cancel`), job);
  });

  test('a client that goes away cancels its own job', async () => {
    const answer = await server.post('/v1/jobs', { ...SMALL, steps: 200 }, SSE);
    const id = answer.headers.get('location')!.split('/').at(-1)!;
    const reader = answer.body!.getReader();
    await reader.read();
    await reader.cancel();
    const job = server.jobs.get(id)!;
    await job.over;
    assert.equal(job.status, 'cancelled');
  });

  test('lists jobs and pictures by pages, finds them by their prompts, and deletes and takes back', async () => {
    const marked = await done({ ...SMALL, prompt: 'a 100% wooden_boat' });
    const { name } = marked.pictures[0]!;
    type Page = { jobs: { id: string }[]; pictures: { name: string; favourite: boolean }[]; next?: string };
    const page = async (path: string) => (await (await server.ask(path)).json()) as Page;
    for (const search of ['100%25', 'wooden_boat', '% wooden'.replace('%', '%25')]) {
      assert.deepEqual(
        (await page(`/v1/jobs?search=${search}`)).jobs.map(({ id }) => id),
        [marked.id],
      );
      assert.deepEqual(
        (await page(`/v1/pictures?search=${search}`)).pictures.map((one) => one.name),
        [name],
      );
    }
    const all: string[] = [];
    for (let next: string | undefined = ''; next !== undefined; ) {
      const some: Page = await page(`/v1/pictures?limit=2${next && `&before=${next}`}`);
      all.push(...some.pictures.map((one) => one.name));
      next = some.next;
    }
    assert.deepEqual(all, [...new Set(all)].sort().reverse());
    assert.ok(all.length >= 5);

    const change = (body: unknown) =>
      server.ask(`/v1/pictures/${name}`, { method: 'PATCH', body: JSON.stringify(body) });
    await change({ favourite: true });
    assert.deepEqual(
      (await page('/v1/pictures?favourite=true')).pictures.map((one) => one.name),
      [name],
    );
    assert.equal((await server.ask(`/v1/pictures/${name}`, { method: 'DELETE' })).status, 204);
    assert.deepEqual((await page('/v1/pictures?search=wooden')).pictures, []);
    await change({ deleted: false });
    assert.equal((await page('/v1/pictures?search=wooden')).pictures.length, 1);
    await change({ deleted: true });
    await server.store.purge(Date.now() + 1);
    assert.equal((await server.ask(`/v1/pictures/${name}`)).status, 404);
    assert.ok(!readdirSync(server.folder).includes(name));
  });

  test('reads the recipe of a picture', async () => {
    const job = await done({ ...SMALL, seed: 12 });
    const body = await (await server.ask(`/v1/pictures/${job.pictures[0]!.name}`)).bytes();
    const answer = await server.ask('/v1/recipes', { method: 'POST', body });
    assert.deepEqual(await answer.json(), job.pictures[0]!.recipe);
  });

  test('describes itself', async () => {
    const document = (await (await server.ask('/openapi.json')).json()) as {
      paths: Record<string, { get?: { parameters?: { name: string; schema: object }[] } }>;
      components: { schemas: Record<string, { properties?: Record<string, { description?: string }> }> };
    };
    assert.ok(Object.keys(document.paths).length >= 9);
    const { properties } = document.components.schemas['Request']!;
    assert.match(properties!['steps']!.description!, /Denoising steps/);
    assert.ok(!('signal' in properties!));
    const [limit] = document.paths['/v1/jobs']!.get!.parameters!;
    assert.deepEqual(limit!.schema, { type: 'integer', minimum: 1, maximum: 200, default: 50 });
    // Every reference points to a schema.
    const references = JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g);
    for (const [, name] of references) assert.ok(document.components.schemas[name!], name);
  });

  test('counts and logs what happened, without prompts', async () => {
    const text = await (await server.ask('/metrics')).text();
    assert.match(text, /^fluxion_jobs_total\{api="native",status="done"\} \d+$/m);
    assert.match(text, /^fluxion_jobs_total\{api="native",status="cancelled"\} 2$/m);
    assert.match(text, /^fluxion_step_seconds_count [1-9]\d*$/m);
    assert.match(text, /^fluxion_wait_seconds_bucket\{le="\+Inf"\} [1-9]\d*$/m);
    assert.match(text, /^fluxion_pictures_total [1-9]\d*$/m);
    assert.match(text, /^fluxion_event_loop_lag_seconds\{quantile="0.99"\} [\d.e-]+$/m);
    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(entries.some(({ event, status }) => event === 'job' && status === 'done'));
    assert.ok(entries.some(({ event, path }) => event === 'answer' && path === '/v1/jobs'));
    assert.ok(!lines.join('').includes('wooden') && !lines.join('').includes('red house'));
  });
});
