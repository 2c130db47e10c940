/** Text about the network for messages, without the secrets in addresses. */

/** Matches logins in addresses, `user:password@host` without a scheme, queries and fragments, and hub tokens. */
const LOGIN = /([a-z][a-z0-9+.-]*:\/\/)[^\s'"<>]*@|[^\s'"<>@/]+:[^\s'"<>]*@/gi;
const QUERY = /([a-z][a-z0-9+.-]*:\/\/[^\s'"<>?#]*)[?#][^\s'"<>]*/gi;
const TOKEN = /\bhf_[A-Za-z0-9]{8,}/g;

/** Returns text without logins, queries (which carry signatures) and tokens. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(LOGIN, (_, scheme?: string) => scheme ?? '')
    .replaceAll(QUERY, '$1?…')
    .replaceAll(TOKEN, 'hf_…');
}

/** Returns the message of a failed connection; some have only a code. */
export function failureText(error: unknown): string {
  const { message, code } = (error ?? {}) as { readonly message?: string; readonly code?: string };
  return withoutSecrets(message || code || String(error));
}

/** Returns the system's error, which `fetch` wraps. */
export function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? error.cause : error;
}
