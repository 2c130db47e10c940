/** Removes secrets from addresses in messages. */

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
