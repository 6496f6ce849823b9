/** How a body is stored: as it is, or zstd-compressed (RFC 8878) where that saves more than it costs. */
import { promisify } from 'node:util';
import { constants, createZstdDecompress, zstdCompress, zstdDecompress } from 'node:zlib';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Below this the time costs more than the memory. */
const COMPRESS_FROM_BYTES = 8 * 1024;
const LEVEL = 3;
/** RFC 8878 section 3.1.1. A message begins with a header field, so never with these. */
const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

export async function encodeBody(body: Buffer): Promise<Buffer> {
  if (body.length < COMPRESS_FROM_BYTES) return body;
  const compressed = await compress(body, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  return compressed.length < body.length * 0.9 ? compressed : body;
}

/** @param bytesMax what a body can be at most: a stored one that unpacks to more is damaged. */
export async function decodeBody(stored: Buffer, bytesMax: number): Promise<Buffer> {
  if (!stored.subarray(0, MAGIC.length).equals(MAGIC)) return stored;
  return decompress(stored, { maxOutputLength: bytesMax });
}

const START_BYTES = 128 * 1024;
/** So much of a stored body holds its first block, which is 128 KiB at most: RFC 8878 section 3.1.1.2.4. */
export const START_STORED_BYTES = 132 * 1024;

/** At least the first 128 KiB of a body, or all of it, out of the first `START_STORED_BYTES` that are stored. */
export async function decodeStart(stored: Buffer): Promise<Buffer> {
  if (!stored.subarray(0, MAGIC.length).equals(MAGIC)) return stored;
  // Where the data ends early, what was read so far is the answer.
  const unpacking = createZstdDecompress({ finishFlush: constants.ZSTD_e_continue });
  unpacking.end(stored);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of unpacking as AsyncIterable<Buffer>) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= START_BYTES) break;
  }
  return Buffer.concat(parts);
}
