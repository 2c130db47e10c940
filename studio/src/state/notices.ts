/** Short notices at the edge of the page, some with an undo, and announcements for screen readers. */

import { signal } from '@preact/signals';
import type { ServerError } from '../server.ts';
import { errorText, plainText } from '../text.ts';

export interface NoticeAction {
  readonly label: string;
  readonly run: () => void | Promise<void>;
  /** Whether the action undoes what was just done. */
  readonly undoes?: boolean;
}

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'error';
  readonly action?: NoticeAction | undefined;
}

const MOST = 3;
/** Most characters of a notice: it is read in passing. */
const MOST_TEXT = 280;

export const notices = signal<readonly Notice[]>([]);
/** The latest sentences for screen readers: `announcement` waits for a pause, `alarm` interrupts. */
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

/** Undoes the latest deletion. */
export async function undoLatest(): Promise<void> {
  const latest = notices.value.findLast(({ action }) => action?.undoes);
  if (!latest) return;
  dismiss(latest.id);
  await latest.action!.run();
}

export function announce(text: string): void {
  announcement.value = fresh(text, announcement.value);
}

/** Makes screen readers say this at once. */
export function alert(text: string): void {
  alarm.value = fresh(plainText(text, 500), alarm.value);
}

/** Makes a repeated sentence differ from the one before: screen readers ignore an unchanged text. */
function fresh(text: string, before: string): string {
  return text === before ? `${text}\u00a0` : text;
}

/** Shows an error, in the server's words if there are any. */
export function tellError(error: unknown): void {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  const { message = String(error), hint, status } = error as Partial<ServerError>;
  // Other parts of the page ask for a key, and show that the server is lost.
  if (status === 401 || status === 0) return;
  notify(errorText({ message, hint }), { tone: 'error' });
}
