/** Progress of opening the model, or the reason why it failed. */

import { useSignal } from '@preact/signals';
import { isLost } from '../server.ts';
import { model, openModel } from '../state/model.ts';
import { tellError } from '../state/notices.ts';
import { bytesText, plainText, secondsText, sentence } from '../text.ts';

export function Opening() {
  const state = model.value;
  if (isLost.value) return null;
  if (state?.status === 'failed') return <Failed />;
  if (state?.status !== 'loading' && state?.status !== 'waiting') return null;
  const { message = 'opening the model', download } = state;
  const known = download?.totalBytes ? download : undefined;
  return (
    <section class="opening" aria-label="The model">
      <p>{sentence(plainText(message))}</p>
      <progress aria-label="Opening the model" value={known && known.bytes / known.totalBytes} />
      {known && (
        <p class="faint">
          {bytesText(known.bytes)} of {bytesText(known.totalBytes)}
          {known.bytesPerSecond > 0 &&
            `, ${bytesText(known.bytesPerSecond)} a second, ${secondsText((known.totalBytes - known.bytes) / known.bytesPerSecond)} left`}
        </p>
      )}
    </section>
  );
}

function Failed() {
  const isAsking = useSignal(false);
  const { message, hint } = model.value?.error ?? {};
  const tryAgain = async (): Promise<void> => {
    isAsking.value = true;
    await openModel().catch(tellError);
    isAsking.value = false;
  };
  return (
    <section class="opening is-wrong" role="alert" aria-label="The model">
      <p>
        <strong>The model cannot be opened</strong>
      </p>
      {message && <p class="reason">{sentence(plainText(message, 500))}</p>}
      {hint && <p class="faint reason">{sentence(plainText(hint, 500))}</p>}
      <button type="button" class="quiet" disabled={isAsking.value} onClick={() => void tryAgain()}>
        Try again
      </button>
    </section>
  );
}
