/** The recipe of a picture: a line that unfolds to a table. */

import type { JobPicture, Recipe } from '../server.ts';
import { plainText, shortModelName } from '../text.ts';

export function RecipeTable({ picture }: { readonly picture: JobPicture }) {
  const { recipe } = picture;
  return (
    <details class="recipe">
      <summary>
        <span class="prompt-line" dir="auto">
          {plainText(recipe.prompt)}
        </span>
        <span class="faint">
          {recipe.width} × {recipe.height} · {recipe.steps} steps · seed {recipe.seed}
        </span>
      </summary>
      <dl>
        {rows(recipe).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function rows(recipe: Recipe): readonly (readonly [name: string, value: string])[] {
  const { loras, inputs } = recipe;
  const all: readonly (readonly [string, string | number | undefined])[] = [
    ['Prompt', recipe.prompt],
    ['Negative prompt', recipe.negativePrompt],
    ['True CFG', recipe.negativePrompt === undefined ? undefined : recipe.trueCfgScale],
    ['Model', shortModelName(recipe.model.name)],
    ['Size', `${recipe.width} × ${recipe.height}`],
    ['Steps', recipe.steps],
    ['Guidance', recipe.guidance],
    ['Seed', recipe.seed],
    ['Sampler', recipe.sampler],
    ['Schedule', recipe.schedule],
    ['Strength', recipe.strength],
    ['Soft edge of the mask', recipe.maskBlur],
    ['Edges', recipe.outpaint?.join(', ')],
    ['Control strength', [recipe.controlnetConditioningScale ?? []].flat().join(', ')],
    ['Weights in the prompt', [recipe.promptEmbedsScale ?? []].flat().join(', ')],
    ['LoRAs', loras?.map(({ name, scale }) => `${name} × ${scale}`).join(', ')],
    [
      'Pictures in',
      inputs &&
        Object.values(inputs)
          .flat()
          .map((input) => input?.name)
          .join(', '),
    ],
    ['Made by', `Fluxion ${recipe.version} on ${recipe.device}`],
  ];
  return all.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, plainText(String(value), 4000)] as const],
  );
}
