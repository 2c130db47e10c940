/** Short notices at the edge of the page, some with a way back, and what screen readers are told. */

import { signal } from '@preact/signals';
import type { ServerError } from '../server.ts';
import { errorText, plainText } from '../text.ts';

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void | Promise<void>;
  /** Whether it takes back what was done just now. */
  readonly undoes?: boolean;
}

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'error';
  readonly action?: NoticeAction | undefined;
}

const MOST = 3;
/** Characters of a notice: it is read in passing. */
const MOST_TEXT = 280;

export const notices = signal<readonly Notice[]>([]);
/** The latest sentence for screen readers: said when they pause, or at once. */
export const announcement = signal('');
export const alarm = signal('');

let last = 0;

export function notify(given: string, { tone = 'plain', action }: Partial<Pick<Notice, 'tone' | 'action'>> = {}): void {
  const text = plainText(given, MOST_TEXT);
  const id = ++last;
  const others = notices.value.filter((notice) => notice.text !== text).slice(1 - MOST);
  notices.value = [...others, { id, text, tone, action }];
  if (tone === 'error') alert(text);
  else announce(action ? `${text}. ${action.label} is at the end of the page.` : text);
}

export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

/** Takes back the latest deletion. */
export async function undoLatest(): Promise<void> {
  const latest = notices.value.findLast(({ action }) => action?.undoes);
  if (!latest) return;
  dismiss(latest.id);
  await latest.action!.run();
}

export function announce(text: string): void {
  announcement.value = fresh(text, announcement.value);
}

/** Tells screen readers at once. */
export function alert(text: string): void {
  alarm.value = fresh(plainText(text, 500), alarm.value);
}

/** A sentence that is said again is told apart from the one before, or nothing would be said. */
function fresh(text: string, before: string): string {
  return text === before ? `${text}\u00a0` : text;
}

/** Tells of an error, in the server's words where it has some. */
export function tellError(error: unknown): void {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  const { message = String(error), hint, status } = error as Partial<ServerError>;
  // The page asks for a key, and says that the server is away, by itself.
  if (status === 401 || status === 0) return;
  notify(errorText({ message, hint }), { tone: 'error' });
}
