/**
 * Progress for people: on a terminal one line that is redrawn, elsewhere a line for each stage. All of it goes to standard error; standard
 * output is for results.
 */

import type { Event, PullProgress } from '../../index.ts';
import { byteText as bytes } from '../../support/byte-text.ts';
import { oneLine } from '../../support/quote.ts';
import { type Colour, EMPTY_LINE, guard, paint } from './terminal.ts';

export { paint };

/** How far a run is. */
export interface RunState {
  readonly stage: string;
  /** Seconds since the stage began. */
  readonly elapsed: number;
  readonly step: number;
  /** 0 in stages that have no steps. */
  readonly steps: number;
  /** The first and last picture in progress, counted from 1, and how many there are. */
  readonly first: number;
  readonly last: number;
  readonly total: number;
  /** Mean over the steps of this run so far. */
  readonly secondsPerStep: number | undefined;
}

/** Characters of a progress bar. */
const BARS = { unicode: ['━', '─'], ascii: ['#', '-'] } as const;
const WIDEST_BAR = 32;
const NARROWEST_BAR = 6;

/** The pictures that this state is about; empty for all pictures. */
function picturesOf({ first, last, total }: RunState): string {
  if (first === 1 && last === total) return '';
  return first === last ? `picture ${first}/${total}` : `pictures ${first}-${last}/${total}`;
}

/** For lines about all pictures. */
const ALL = { first: 1, last: 1, total: 1 } as const;

function range({ pictures, total }: { readonly pictures: readonly number[]; readonly total: number }) {
  return { first: pictures[0]! + 1, last: pictures.at(-1)! + 1, total };
}

/** Formats a run's state in less than `columns` characters: the least important parts are left out first. */
export function progressLine(state: RunState, columns: number, glyphs: keyof typeof BARS): string {
  const { stage, elapsed, step, steps, first, last, total, secondsPerStep } = state;
  const batch = picturesOf(state);
  const room = columns - 1;
  if (steps === 0) return fit([[stage, `${elapsed.toFixed(1)} s`, batch], [stage, batch], [stage]], room);
  const count = `${step}/${steps}`;
  const rate = secondsPerStep === undefined ? '' : `${seconds(secondsPerStep)}/step`;
  const batchesLeft = Math.ceil((total - last) / (last - first + 1));
  const left = secondsPerStep === undefined ? 0 : secondsPerStep * (steps - step + steps * batchesLeft);
  const remaining = secondsPerStep === undefined ? '' : `${duration(left)} left`;
  const after = [count, rate, remaining, batch];
  const shorter = [
    [stage, ...after],
    [stage, count, remaining, batch],
    [stage, count, remaining],
    [stage, count],
    [count],
  ];
  return fit([[stage, bar(step / steps, [stage, ...after], room, glyphs), ...after], ...shorter], room);
}

/** The bar of a line with these parts, as wide as there is room for; empty if there is little. */
function bar(share: number, parts: readonly string[], room: number, glyphs: keyof typeof BARS): string {
  const width = Math.min(WIDEST_BAR, room - parts.filter((part) => part !== '').join('  ').length - 2);
  if (width < NARROWEST_BAR) return '';
  const [done, open] = BARS[glyphs];
  const filled = Math.round(width * share);
  return done.repeat(filled) + open.repeat(width - filled);
}

/** Formats how far a download is, in less than `columns` characters. */
export function downloadLine(
  text: string,
  { bytes: arrived, totalBytes, bytesPerSecond }: PullProgress,
  columns: number,
  glyphs: keyof typeof BARS,
): string {
  const room = columns - 1;
  if (totalBytes === 0) return fit([[text]], room);
  const moving = bytesPerSecond > 0;
  const share = `${Math.floor((100 * arrived) / totalBytes)} %`;
  const count = `${bytes(arrived)} of ${bytes(totalBytes)}`;
  const rate = moving ? `${bytes(Math.round(bytesPerSecond))}/s` : '';
  const remaining = moving ? `${duration((totalBytes - arrived) / bytesPerSecond)} left` : '';
  const drawn = bar(arrived / totalBytes, [text, count, rate, remaining], room, glyphs);
  return fit([[text, drawn, count, rate, remaining], [text, count, remaining], [text, share], [share]], room);
}

/** The first of the lines that fits, or the start of the last. */
function fit(lines: readonly (readonly string[])[], room: number): string {
  const texts = lines.map((parts) => parts.filter((part) => part !== '').join('  '));
  return texts.find((text) => text.length <= room) ?? texts.at(-1)!.slice(0, Math.max(0, room));
}

/** Formats seconds with three digits: `0.0312 s`, `1.25 s`, `312 s`. */
export function seconds(value: number): string {
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} s`;
}

/** Formats a time that is only estimated: `0.4 s`, `12 s`, `3:05`, `1:02:09`. */
function duration(value: number): string {
  if (value < 9.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 60) return `${whole} s`;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export { bytes };

/** Milliseconds between two drawings of the line: at most 15 a second. */
const REDRAW = 67;
/** Milliseconds between the first two lines of one stage without a terminal; each further pause is twice as long, up to the last value. */
const PLAIN_PAUSE = { first: 10_000, last: 120_000 } as const;

/** Colours of labels; all others are cyan. */
const LABEL_COLOURS: Readonly<Record<string, Colour>> = { note: 'dim', warning: 'yellow', error: 'red' };

/** Shows a run's progress on standard error: `line` redraws one line, `plain` adds a few, `off` shows none. */
export class Progress implements Disposable {
  readonly #style: 'line' | 'plain' | 'off';
  readonly #stream = guard(process.stderr);
  #state: RunState | undefined;
  #download: PullProgress | undefined;
  #stageStart = 0;
  #stepSeconds = 0;
  #stepCount = 0;
  #shown = '';
  #drawnAt = Number.NEGATIVE_INFINITY;
  #pause: number = PLAIN_PAUSE.first;
  #timer: NodeJS.Timeout | undefined;

  constructor(style: 'line' | 'plain' | 'off') {
    this.#style = style;
  }

  /** The style for this process: standard error decides, unless the user wants quiet. */
  static for({ quiet }: { readonly quiet?: unknown }): Progress {
    const terminal = process.stderr.isTTY && process.env['TERM'] !== 'dumb';
    return new Progress(quiet ? 'off' : terminal ? 'line' : 'plain');
  }

  /** Takes in an event of a run. */
  on(event: Event): void {
    if (event.type === 'stage') {
      this.#download = undefined;
      this.#begin({ stage: event.stage, steps: 0, step: 0, ...range(event) });
    } else if (event.type === 'step') {
      this.#stepSeconds += event.seconds;
      this.#stepCount++;
      const { step, steps } = event;
      const secondsPerStep = this.#stepSeconds / this.#stepCount;
      this.#state = { ...this.#now(), stage: 'denoise', step, steps, ...range(event), secondsPerStep };
      this.#draw();
    }
  }

  /**
   * Shows something that is not part of a run, such as the installation of a plugin, or a download with its figures. Text
   * after a comma is its progress, and begins no new stage.
   */
  activity(message: string, download?: PullProgress): void {
    const text = oneLine(message);
    this.#download = download;
    const state = this.#state;
    if (state?.stage.split(',', 1)[0] === text.split(',', 1)[0]) {
      this.#state = { ...state!, stage: text };
      this.#draw();
    } else this.#begin({ stage: text, steps: 0, step: 0, ...ALL });
  }

  /** Prints lines that stay, above the progress line. */
  say(...lines: readonly string[]): void {
    if (this.#style === 'off') return;
    this.#erase();
    for (const line of lines) this.#stream.write(`${oneLine(line)}\n`);
  }

  /** Prints texts as lines that stay, each after a label. */
  tell(label: string, ...texts: readonly string[]): void {
    const head = paint(LABEL_COLOURS[label] ?? 'cyan', `${label}:`);
    this.say(...texts.map((text) => `${head} ${text}`));
  }

  /** Removes the progress line. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#state = undefined;
    this.#erase();
  }

  #begin(state: Omit<RunState, 'elapsed' | 'secondsPerStep'>): void {
    this.#stageStart = performance.now();
    this.#state = { ...state, elapsed: 0, secondsPerStep: undefined };
    // Every stage of the first batch gets a line; later batches get one only if the pause has passed.
    if (state.first === 1) this.#drawnAt = Number.NEGATIVE_INFINITY;
    // Redraws the time of a stage without progress.
    if (this.#style === 'line') this.#timer ??= setInterval(() => this.#draw(), REDRAW * 2).unref();
    this.#draw();
  }

  #now(): RunState {
    return { ...this.#state!, elapsed: (performance.now() - this.#stageStart) / 1000 };
  }

  #draw(): void {
    if (this.#style === 'off' || !this.#state) return;
    const pause = this.#style === 'line' ? REDRAW : this.#pause;
    if (performance.now() - this.#drawnAt < pause) return;
    if (this.#style === 'plain') {
      const isFirst = this.#drawnAt === Number.NEGATIVE_INFINITY;
      this.#pause = isFirst ? PLAIN_PAUSE.first : Math.min(2 * this.#pause, PLAIN_PAUSE.last);
      const line = this.#download
        ? downloadLine(this.#state.stage, this.#download, Number.POSITIVE_INFINITY, 'ascii')
        : plainLine(this.#now());
      this.#stream.write(`${line.replace(/ {2}[#-]+(?= {2})/, '')}\n`);
      this.#drawnAt = performance.now();
      return;
    }
    this.#drawnAt = performance.now();
    const columns = this.#stream.columns || 80;
    const text = this.#download
      ? downloadLine(this.#state.stage, this.#download, columns, glyphs())
      : progressLine(this.#now(), columns, glyphs());
    if (text === this.#shown) return;
    this.#shown = text;
    this.#stream.write(`${EMPTY_LINE}${paint('cyan', text)}`);
  }

  #erase(): void {
    if (this.#style === 'line' && this.#shown !== '') this.#stream.write(EMPTY_LINE);
    this.#shown = '';
  }
}

function plainLine(state: RunState): string {
  if (state.steps > 0) return progressLine(state, Number.POSITIVE_INFINITY, 'ascii');
  return [state.stage, picturesOf(state)].filter((part) => part !== '').join('  ');
}

/** Bars are drawn with box characters where the locale says that they can be. */
function glyphs(): keyof typeof BARS {
  if (process.platform === 'win32' || process.platform === 'darwin') return 'unicode';
  const locale = process.env['LC_ALL'] || process.env['LC_CTYPE'] || process.env['LANG'] || '';
  return /utf-?8/i.test(locale) ? 'unicode' : 'ascii';
}

/** Formats operations in powers of 1000: `74.4 TFLOP`. */
export function flop(value: number): string {
  const power = Math.max(0, Math.min(5, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${['', 'k', 'M', 'G', 'T', 'P'][power]}FLOP`;
}

/** Formats a share: `7.3 %`, `48 %`; nothing for one that is no number. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %` : '';
}

/** Formats a large number: `11.9 billion`, `820 thousand`. */
export function count(value: number): string {
  const [unit, name] = value >= 1e9 ? [1e9, 'billion'] : value >= 1e6 ? [1e6, 'million'] : [1e3, 'thousand'];
  return value < 1e3 ? String(value) : `${Number((value / unit).toPrecision(3))} ${name}`;
}

/** Lays out rows under each other, two blanks before each cell; columns of words are aligned to the left, others to the right. */
export function columns(rows: readonly (readonly string[])[], words: readonly number[] = [0]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    `  ${row.map((cell, i) => (words.includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}`.trimEnd(),
  );
}
