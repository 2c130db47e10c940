/** Addresses in messages, without the secrets that stand in them. */

/** An address with user and password, `user:password@host` without a scheme, what follows `?` or `#`, and a hub token. */
const LOGIN = /([a-z][a-z0-9+.-]*:\/\/)[^\s'"<>]*@|[^\s'"<>@/]+:[^\s'"<>]*@/gi;
const QUERY = /([a-z][a-z0-9+.-]*:\/\/[^\s'"<>?#]*)[?#][^\s'"<>]*/gi;
const TOKEN = /\bhf_[A-Za-z0-9]{8,}/g;

/** Returns text, such as an address or an error that quotes one, without logins, queries (which carry signatures) and tokens. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(LOGIN, (_, scheme?: string) => scheme ?? '')
    .replaceAll(QUERY, '$1?…')
    .replaceAll(TOKEN, 'hf_…');
}
