/**
 * A process that pulls a model slowly enough to be killed: `node pull-process.ts REPO PIECE_SIZE`, the rest by the environment.
 * Prints `bytes N` as bytes arrive, `waiting` where another process is at it, and the folder at the end.
 */

import { parseHubName, pullModel } from '../../src/weights/hub/hub.ts';

const [name = '', pieceSize = ''] = process.argv.slice(2);
const folder = await pullModel(parseHubName(name)!, {
  pieceSize: Number(pieceSize),
  onProgress: (_, { phase, bytes }) => console.log(phase === 'downloading' ? `bytes ${bytes}` : phase),
});
console.log(folder);
