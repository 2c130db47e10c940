/** The server as a Hono application: its guard, its APIs, and its health checks and metrics. */

import { Hono } from 'hono';
import { a1111Routes } from './a1111/routes.ts';
import { BODY_LIMIT } from './body.ts';
import type { ServerContext, ServerEnv } from './context.ts';
import { HeldBytes } from './held-bytes.ts';
import type { Metrics } from './metrics.ts';
import { nativeApi } from './native.ts';
import { openaiRoutes } from './openai/routes.ts';
import { openApi } from './openapi.ts';
import { PictureLinks } from './picture-links.ts';
import { errorResponse, Refusal } from './refusal.ts';
import { crossOrigin, guard, type SecurityOptions } from './security.ts';
import type { ServerLog } from './server-log.ts';
import { studioPage } from './studio.ts';

/** The parts of an application. */
export interface AppOptions extends ServerContext {
  readonly security?: SecurityOptions | undefined;
  readonly metrics?: Metrics | undefined;
  readonly log?: ServerLog | undefined;
}

/** HTTP methods that some route answers. */
const METHODS = ['GET', 'POST', 'PATCH', 'DELETE'];
/** Bodies of the largest size that the server may hold at the same time. */
const HELD_BODIES = 8;

/** Makes the application: `app.fetch` answers requests, with or without a socket. */
export function createApp(options: AppOptions): Hono<ServerEnv> {
  const { jobs, host, security = {}, metrics, log, bodyLimit = BODY_LIMIT } = options;
  const app = new Hono<ServerEnv>();
  const held = new HeldBytes(HELD_BODIES * bodyLimit);
  const links = security.keys?.count ? new PictureLinks() : undefined;
  app.onError((error) => errorResponse(error));
  app.notFound((c) => {
    const where = `${c.req.method} ${c.req.path.slice(0, 200)}`;
    const hint = 'GET /openapi.json lists all paths';
    const methods = METHODS.filter((method) =>
      app.router.match(method, c.req.path)[0].some(([[, { method }]]) => method !== 'ALL'),
    );
    if (methods.length === 0)
      return errorResponse(new Refusal(404, `no such path: ${where}`, { code: 'not_found', hint }));
    const answer = errorResponse(new Refusal(405, `expected ${methods.join(' or ')}, found ${where}`, { hint }));
    answer.headers.set('allow', methods.join(', '));
    return answer;
  });
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    const { status } = c.res;
    c.header('x-content-type-options', 'nosniff');
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store');
    metrics?.onAnswer(status);
    log?.write('answer', {
      method: c.req.method,
      path: c.req.path.slice(0, 200),
      status,
      milliseconds: Math.round(performance.now() - start),
      ...(c.get('caller') !== undefined && { caller: c.get('caller') }),
    });
  });
  app.use(crossOrigin(security));
  app.use(guard(security, links));
  app.use(async (c, next) => {
    using share = held.share();
    c.set('held', share);
    await next();
  });

  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const { status } = host.status;
    const ready = !jobs.isDraining && (status === 'ready' || status === 'released');
    return c.json({ status: jobs.isDraining ? 'stopping' : status }, ready ? 200 : 503);
  });
  app.get('/metrics', (c) => {
    if (!metrics) return c.notFound();
    return c.body(metrics.text(jobs, host), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  });
  for (const path of ['/', '/assets/:name']) {
    app.get(path, async (c) => (await studioPage(c.req.raw)) ?? c.notFound());
  }
  let description: object | undefined;
  app.get('/openapi.json', (c) => {
    description ??= openApi();
    return c.json(description);
  });
  app.route('/v1', nativeApi(options));
  app.route('/v1', openaiRoutes(options, links));
  app.route('/sdapi/v1', a1111Routes(options));
  return app;
}
