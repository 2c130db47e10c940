/** BullMQ's queues: one for each model. */

import type { Queue } from 'bullmq';
import { log } from '../../support/log.ts';
import type { QueueConnection } from './connection.ts';
import { PREFIX, queueName } from './protocol.ts';

/** Loads BullMQ and returns the function that opens a model's queue, once. */
export async function openQueues({ client }: QueueConnection): Promise<(model: string) => Queue> {
  const { Queue } = await import('bullmq');
  const queues = new Map<string, Queue>();
  return (model) => {
    const name = queueName(model);
    const known = queues.get(name);
    if (known) return known;
    const queue = new Queue(name, {
      connection: client as never,
      prefix: PREFIX,
      skipVersionCheck: true,
      // Nobody reads BullMQ's own events.
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    // The caller of a failed command gets the error too.
    queue.on('error', (error) => log('debug', `queue ${name}: ${error.message}`));
    queues.set(name, queue);
    return queue;
  };
}
