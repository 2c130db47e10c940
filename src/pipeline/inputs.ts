/** The pictures of a request: the fields that hold them, how they are read, and how a recipe names them. */

import type { PictureSource } from '../api/kinds.ts';
import type { RecipeInput, RecipeInputs } from '../api/recipe.ts';
import { type CheckedRequest, INPUT_FIELDS, REQUEST_KNOBS } from '../api/request.ts';
import { PIXEL_LIMIT } from '../picture/decode-file.ts';
import { type InputPicture, readPicture } from '../picture/read-picture.ts';

type Field = (typeof INPUT_FIELDS)[number];

/** Pictures that were read, by field. */
export type Inputs = { readonly [F in Field]?: readonly InputPicture[] };

/** Bytes of the largest picture file that a recipe embeds. */
const EMBEDDED = 256 << 10;

/** Most pixels that the input pictures of a request may have in total: two of the largest, 384 MiB. */
const MOST_PIXELS = 2 * PIXEL_LIMIT;

/** Reads the input pictures of a request, at most `most` pixels in total. Throws what `readPicture` throws. */
export async function readInputs(request: CheckedRequest, most: number = MOST_PIXELS): Promise<Inputs> {
  const { allowUrl, signal } = request;
  // The same file may be named twice, and standard input is read once.
  const known = new Map<PictureSource, InputPicture>();
  let left = most;
  const read = async (source: PictureSource, key: string): Promise<InputPicture> => {
    const found = known.get(source);
    if (found) return found;
    const where = left < PIXEL_LIMIT ? `${key}: beside the other pictures` : key;
    const picture = await readPicture(source, { where, allowUrl, mostPixels: Math.min(left, PIXEL_LIMIT), signal });
    left -= picture.pixels.width * picture.pixels.height;
    known.set(source, picture);
    return picture;
  };
  const all: { [F in Field]?: readonly InputPicture[] } = {};
  for (const field of INPUT_FIELDS) {
    const given = request[field];
    if (given === undefined) continue;
    const sources: readonly PictureSource[] = Array.isArray(given) ? given : [given];
    const pictures: InputPicture[] = [];
    // One after the other: decoding may take several times the memory of the picture.
    for (const source of sources) pictures.push(await read(source, REQUEST_KNOBS[field].key));
    all[field] = pictures;
  }
  return all;
}

/** Pictures as a recipe names them; `embed` adds the content of small ones. */
export function recipeInputs(inputs: Inputs, embed: boolean): RecipeInputs {
  const told = ({ name, hash, bytes }: InputPicture): RecipeInput => ({
    name,
    hash,
    ...(embed && bytes.length <= EMBEDDED && { data: Buffer.from(bytes).toString('base64') }),
  });
  return Object.fromEntries(Object.entries(inputs).map(([field, pictures]) => [field, pictures.map(told)]));
}
