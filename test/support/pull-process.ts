/**
 * A process that pulls a model slowly enough to be killed: `node pull-process.ts REPO PIECE_SIZE`, the rest by the environment.
 * Prints `bytes N` as bytes arrive, `waiting` where another process is at it, and the folder at the end.
 */

import { FLUX1 } from '../../src/families/flux1/flux1.ts';
import { parseHubName, pullModel } from '../../src/weights/hub/hub.ts';

const [name = '', pieceSize = ''] = process.argv.slice(2);
const folder = await pullModel(FLUX1, parseHubName(name)!, {
  pieceSize: Number(pieceSize),
  onProgress: (_, { phase, bytes }) => console.log(phase === 'downloading' ? `bytes ${bytes}` : phase),
});
console.log(folder);
