/**
 * A client of a Fluxion server, for browsers and every runtime that has `fetch`.
 *
 * @example
 * const client = new FluxionClient({ url: 'http://localhost:8000' });
 * for await (const event of client.stream({ prompt: 'a red house in the mountains at sunset', seed: 7 })) {
 *   if (event.type === 'image') console.log(client.pictureUrl(event.picture.name));
 * }
 */

export * from './api/client.ts';
