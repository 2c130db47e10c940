/**
 * Compilers' reports on programs, kept in the cache folder: a large program takes a TPU's compiler a minute, and the report is a kilobyte
 * that depends only on the program, the devices and the build of the plugin.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { attempt } from '../../support/attempt.ts';
import { cacheFolder } from '../../support/cache-folder.ts';
import { log } from '../../support/log.ts';
import { readRegular } from '../../support/regular-file.ts';
import { writeWhole } from '../../support/write-file.ts';
import { pluginFingerprint } from '../plugins/plugins.ts';
import { FLAG_VARIABLES } from '../plugins/trial.ts';
import type { AheadProgram, AheadRequest, AheadResult, FoundDevices } from './process.ts';

/** Increased with every change of what is kept, or of how it is read from a compiled program. */
const FORMAT = 2;
/** Bytes; an answer is a few kilobytes. */
const MAX_ANSWER = 1 << 20;

/** An answer, and the devices it is for. */
interface KeptAnswer {
  readonly place: FoundDevices;
  readonly result: AheadResult;
}

/** The kept answers to requests. */
export class AheadAnswers {
  readonly #folder = join(cacheFolder(), 'ahead');
  readonly #devices: string;

  /** For requests to one plugin for the same devices. */
  constructor({ plugin, topology, client, compile }: AheadRequest) {
    const environment = FLAG_VARIABLES.map((name) => process.env[name] ?? '');
    this.#devices = JSON.stringify([FORMAT, pluginFingerprint(plugin), topology, client, compile, environment]);
  }

  /** The kept report on a program, under its current name; `undefined` if there is no intact one. */
  read(program: AheadProgram): KeptAnswer | undefined {
    return attempt(() => {
      const { place, result } = JSON.parse(readRegular(this.#file(program), MAX_ANSWER).toString('utf8')) as KeptAnswer;
      return { place, result: { ...result, name: program.name } };
    }, undefined);
  }

  /** Keeps an answer. If the folder cannot be written, only the next request takes longer. */
  write(program: AheadProgram, answer: KeptAnswer): void {
    try {
      writeWhole(this.#file(program), JSON.stringify(answer));
    } catch (error) {
      log('debug', `cannot keep answers of compilers in ${this.#folder}: ${(error as Error).message}`);
    }
  }

  #file({ text, effort }: AheadProgram): string {
    const key = createHash('sha256')
      .update(`${this.#devices}\0${effort ?? ''}\0`)
      .update(text)
      .digest('hex');
    return join(this.#folder, `${key}.json`);
  }
}
