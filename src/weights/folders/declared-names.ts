/** Maps the names of a component's tensors in a file to the names that its model declares, for rewriting a file. */

import type { Component, Layout } from './family.ts';

/** Lists the declared names whose tensors are all in a file of the given layout; `has` takes keys without prefix. */
export function declaredNames({ tensors }: Component, layout: Layout, has: (key: string) => boolean): string[] {
  const stored = (name: string): boolean =>
    layout.parts(name, has).every(({ key }) => has(key) || has(layout.aliases?.get(key) ?? key));
  /** A block exists if any of its tensors does: some blocks have fewer tensors than others. */
  const expand = (stem: string, rest: readonly string[]): string[] => {
    const whole = rest.filter((tail) => !tail.includes('#'));
    const numbered = Map.groupBy(
      rest.filter((tail) => tail.includes('#')),
      (tail) => tail.slice(0, tail.indexOf('#')),
    );
    return [
      ...whole.map((tail) => stem + tail).filter(stored),
      ...[...numbered].flatMap(([head, tails]) => {
        const after = tails.map((tail) => tail.slice(head.length + 1));
        const blocks: string[][] = [];
        for (let i = 0; ; i++) {
          const names = expand(`${stem}${head}${i}`, after);
          if (names.length === 0) return blocks.flat();
          blocks.push(names);
        }
      }),
    ];
  };
  return expand('', tensors);
}
