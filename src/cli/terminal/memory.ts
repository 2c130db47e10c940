/** Formats a memory plan for people. */

import type { MemoryPlan, StageMemory } from '../../index.ts';
import { bytes, paint } from './render.ts';

/** Whether all weights stay resident throughout a request, so that the plan is not worth a line. */
export function isPlain({ encoders, transformer, modulations }: MemoryPlan): boolean {
  return encoders !== 'streamed' && (transformer === 'kept' || transformer === 'yields') && modulations === 'kept';
}

/** One line: the peak of one device, and which weights are streamed or freed. */
export function memoryLine(plan: MemoryPlan): string {
  const goes = [
    plan.transformer === 'streamed' && `the transformer is ${streamed(plan)}`,
    plan.transformer === 'released' && 'the transformer makes room for the encoders and the decoder',
    plan.encoders === 'streamed' && 'T5 is streamed, layer by layer',
    plan.modulations === 'released' && plan.transformer !== 'streamed' && 'modulation weights go after their use',
  ].filter((part) => part !== false);
  return [`${bytes(plan.peak)} of ${bytes(plan.budget)}`, ...goes].join('; ');
}

function streamed({ held }: MemoryPlan): string {
  return `streamed, block by block${held > 0 ? `, all but the first ${held}` : ''}`;
}

/** All stages as a table. */
export function memoryTable(plan: MemoryPlan): string[] {
  const encoders = {
    kept: 'kept',
    released: 'freed once prompts are encoded',
    streamed: 'streamed, layer by layer',
  };
  const transformer = {
    kept: 'kept',
    yields: 'kept, except while prompts of a next request are encoded',
    released: 'freed after every batch, to make room for the decoder',
    streamed: streamed(plan),
  };
  const rows: [string, string][] = [
    ['text encoders', encoders[plan.encoders]],
    ['transformer', transformer[plan.transformer]],
    ['modulations', plan.modulations === 'kept' ? 'kept' : 'freed after use'],
    ...plan.stages.map((stage): [string, string] => [stage.stage, stageText(stage, plan.budget)]),
    ...(plan.host > 0
      ? [['host', `${bytes(plan.host)} page-locked, of ${bytes(plan.hostBudget)}`] as [string, string]]
      : []),
    ['device', `${bytes(plan.peak)} at most, of ${bytes(plan.budget)}`],
  ];
  return [...rows.map(([name, text]) => `  ${name.padEnd(15)}${text}`), verdict(plan.fits)];
}

/** Whether a run fits into memory. */
export function verdict(fits: boolean): string {
  return fits ? paint('green', 'it fits', process.stdout) : paint('red', 'it does not fit', process.stdout);
}

/** The memory of a stage, and whether it is more than may be used. */
export function stageText({ weights, values, temporaries, code, total }: StageMemory, budget: number): string {
  const parts = [`${bytes(weights)} weights`, `${bytes(values)} values`, `${bytes(temporaries)} temporary`];
  if (code > 0) parts.push(`${bytes(code)} code`);
  return `${bytes(total)} = ${parts.join(' + ')}${total > budget ? `: ${paint('red', 'too much', process.stdout)}` : ''}`;
}
