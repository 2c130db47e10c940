/** The part of A1111's API that other programs use, below `/sdapi/v1`. */

import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { checked } from '../../api/check.ts';
import { parametersText, SAMPLER_NAMES } from '../../api/recipe.ts';
import { readRecipe } from '../../pipeline/recipe.ts';
import { base64Text } from '../base64.ts';
import { jsonBody } from '../body.ts';
import type { ServerContext, ServerEnv } from '../context.ts';
import { collected, requireSuccess } from '../outcome.ts';
import { endOf, errorResponse, Refusal } from '../refusal.ts';
import { type A1111Asked, contentOf, understood } from './asked.ts';
import { SAMPLERS, SCHEDULES } from './names.ts';
import { RunningJobs } from './running.ts';

const PNG_INFO = z.looseObject({ image: z.string('a picture in base64') }, 'an object');
const OPTIONS = z.looseObject({ sd_model_checkpoint: z.string('a name').nullish() }, 'an object');

/** The routes of A1111's API. */
export function a1111Routes({ jobs, host, bodyLimit }: ServerContext): Hono<ServerEnv> {
  const routes = new Hono<ServerEnv>();
  const running = new RunningJobs();
  routes.onError((error) => refused(error));

  for (const kind of ['txt2img', 'img2img'] as const) {
    routes.post(`/${kind}`, async (c) => {
      const given = await jsonBody(c, bodyLimit);
      const asked = await understood(given, kind, jobs.limits.inputPixels);
      return c.json(await answered(asked, given, c.get('caller'), c.req.raw.signal));
    });
  }

  /** The answer with the pictures of a request's jobs: the finished ones if the jobs were interrupted. A job that fails ends the others. */
  async function answered(
    { requests, ignored, sendImages }: A1111Asked,
    given: unknown,
    caller: string | undefined,
    signal: AbortSignal,
  ) {
    const failed = new AbortController();
    const left = AbortSignal.any([signal, failed.signal]);
    const all = requests.map(async (request) => {
      const job = await jobs.submit(request, { api: 'a1111', caller, attached: true });
      using followed = running.follow(job);
      return await collected(job, left, (event) => {
        followed.see(event);
        // A job that its client interrupted keeps the pictures that were finished.
        if (event.type !== 'cancelled') requireSuccess(event);
      });
    });
    const made = await Promise.all(all).catch((error: unknown) => {
      failed.abort();
      throw endOf(error, signal);
    });
    if (signal.aborted) throw endOf(undefined, signal);
    // Round by round; within a round, in the order of the start pictures.
    const rounds = Math.max(...made.map(({ pictures }) => pictures.length));
    const pictures = Array.from({ length: rounds }, (_, round) =>
      made.flatMap((of) => of.pictures[round] ?? []),
    ).flat();
    const images = sendImages ? await Promise.all(pictures.map(async (one) => base64Text(await one.png()))) : [];
    const recipes = pictures.map(({ info }) => info.recipe);
    const [first] = recipes;
    const info = {
      prompt: requests[0]!.prompt,
      all_prompts: recipes.map(({ prompt }) => prompt),
      negative_prompt: requests[0]!.negativePrompt ?? '',
      seed: first?.seed ?? -1,
      all_seeds: recipes.map(({ seed }) => seed),
      width: first?.width,
      height: first?.height,
      steps: first?.steps,
      sampler_name: SAMPLER_NAMES[first?.sampler ?? 'euler'],
      sd_model_name: host.name,
      infotexts: recipes.map(parametersText),
      fluxion: { ignored, warnings: [...new Set(made.flatMap(({ warnings }) => warnings))] },
    };
    return { images, parameters: withoutPictures(given), info: JSON.stringify(info) };
  }

  routes.get('/progress', async (c) =>
    c.json(await running.progress(c.get('caller'), c.req.query('skip_current_image') !== 'true')),
  );
  const interrupt = async (c: Context<ServerEnv>) => {
    await running.interrupt(c.get('caller'));
    return c.json({});
  };
  routes.post('/interrupt', interrupt);
  routes.post('/skip', interrupt);

  routes.get('/samplers', (c) => c.json(SAMPLERS.map(({ name, aliases }) => ({ name, aliases, options: {} }))));
  routes.get('/schedulers', (c) =>
    c.json(
      SCHEDULES.map(({ name, label, aliases }) => ({ name, label, aliases, default_rho: -1, need_inner_model: false })),
    ),
  );
  routes.get('/loras', async (c) => {
    const loras = await host.loras();
    return c.json(loras.map(({ name, ...metadata }) => ({ name, alias: name, path: name, metadata })));
  });
  routes.get('/sd-models', (c) =>
    c.json([{ title: host.name, model_name: host.name, hash: null, sha256: null, filename: host.name, config: null }]),
  );
  routes.get('/options', (c) =>
    c.json({ sd_model_checkpoint: host.name, samples_format: 'png', CLIP_stop_at_last_layers: 1 }),
  );
  routes.post('/options', async (c) => {
    const { sd_model_checkpoint: wanted } = checked(OPTIONS, await jsonBody(c, bodyLimit), 'the body');
    if (wanted && wanted !== host.name)
      throw new Refusal(404, `sd_model_checkpoint: expected ${host.name}, found '${wanted.slice(0, 200)}'`, {
        code: 'not_found',
      });
    return c.json(null);
  });

  routes.post('/png-info', async (c) => {
    const { image } = checked(PNG_INFO, await jsonBody(c, bodyLimit), 'the body');
    const { parameters = '', recipe } = readRecipe(contentOf(image, 'image'), 'image');
    return c.json({ info: parameters, items: { parameters }, parameters: { recipe } });
  });
  return routes;
}

/** An error in A1111's form. */
function refused(error: unknown): Response {
  return errorResponse(error, ({ error: { code, message, hint } }) => {
    const detail = hint === undefined ? message : `${message} (${hint})`;
    return { error: code === 'internal' ? 'Internal' : 'HTTPException', detail, body: '', errors: detail };
  });
}

/** The request as A1111 repeats it in the answer, but without its pictures: they would make the answer as long as the request. */
function withoutPictures(given: unknown): Record<string, unknown> {
  return { ...(given as Record<string, unknown>), init_images: undefined, mask: undefined };
}
