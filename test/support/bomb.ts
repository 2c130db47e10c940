/** Streams that inflate to far more than they hold. */

import { constants, deflateRawSync } from 'node:zlib';

const MIB = 2 ** 20;

/** A zlib stream of zeros. A mebibyte is packed once and repeated: packing all of them would take longer than what a test does with them. */
export function deflatedZeros(length: number): Buffer {
  // Ends at a byte, and refers to nothing before it.
  const whole = deflateRawSync(Buffer.alloc(MIB), { finishFlush: constants.Z_FULL_FLUSH });
  const checksum = Buffer.alloc(4);
  // Adler-32 of zeros: the first sum stays 1, the second counts them.
  checksum.writeUInt16BE(length % 65_521, 0);
  checksum.writeUInt16BE(1, 2);
  return Buffer.concat([
    Buffer.from([0x78, 0x9c]),
    ...Array(Math.floor(length / MIB)).fill(whole),
    deflateRawSync(Buffer.alloc(length % MIB)),
    checksum,
  ]);
}
