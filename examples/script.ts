/** One picture with progress: node examples/script.ts "a white house on green hills at sunrise" house.png */

import { Flux } from 'fluxion';

const [prompt = 'a white house on green hills at sunrise', file = 'house.png'] = process.argv.slice(2);

await using flux = await Flux.load('tiny');
for await (const event of flux.stream({ prompt, seed: 1 })) {
  if (event.type === 'step') console.error(`step ${event.step} of ${event.steps}`);
  if (event.type === 'warning') console.error(event.message);
  if (event.type === 'image') await event.image.save(file);
}
console.log(file);
