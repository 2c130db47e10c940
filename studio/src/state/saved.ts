/** Signals whose values the browser keeps from visit to visit. */

import { effect, type Signal, signal } from '@preact/signals';

/** A signal that begins with its kept value; values must be JSON. */
export function saved<T>(name: string, initial: T): Signal<T> {
  const key = `fluxion.${name}`;
  const value = signal<T>(read(key) ?? initial);
  effect(() => {
    try {
      localStorage.setItem(key, JSON.stringify(value.value) ?? 'null');
    } catch {
      // If the browser stores nothing, or is full, values end with the visit.
    }
  });
  return value;
}

function read<T>(key: string): T | undefined {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? 'null') ?? undefined) as T | undefined;
  } catch {
    return undefined;
  }
}
