/**
 * A server of pictures: jobs over one model, with APIs, keys, limits, history and metrics.
 *
 * @example
 * import { app } from 'fluxion/server';
 * export default app; // app.fetch(request) answers requests
 */

import './support/node-version.ts';

export { type AppOptions, createApp } from './server/app.ts';
export type { Backend, LoadingProgress, ModelStatus, ServedModel, Task } from './server/backend.ts';
export type { ServerContext, ServerEnv } from './server/context.ts';
export { Job, type JobEvent } from './server/job.ts';
export { JOB_LIMITS, type JobLimits, Jobs, type JobsOptions, type SubmitOptions } from './server/jobs.ts';
export { type Listening, listen } from './server/listen.ts';
export { Metrics } from './server/metrics.ts';
export { type Lease, ModelHost, type ModelHostOptions } from './server/model-host.ts';
export { app, type OpenServerOptions, Server } from './server/open-server.ts';
export { type OpenWorkerOptions, openWorker } from './server/queue/open-worker.ts';
export { QueueBackend, type QueueBackendOptions } from './server/queue/queue-backend.ts';
export { QueueWorker, type QueueWorkerOptions } from './server/queue/queue-worker.ts';
export { Refusal } from './server/refusal.ts';
export { ApiKeys, requireSafeAddress, type SecurityOptions } from './server/security.ts';
export { ServerLog, type ServerLogOptions } from './server/server-log.ts';
export { type JobRecord, Store } from './server/store.ts';
export { StoredPicture } from './server/stored-picture.ts';
