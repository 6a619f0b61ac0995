import type { Reader } from '../reader.js';
import { type Findings } from './findings.js';

const kept = new Set(['fmt ', 'data', 'fact', 'cue ', 'smpl', 'JUNK', 'PEAK']);
const junk = Buffer.from('JUNK', 'latin1');
const longestMs = 7 * 24 * 60 * 60 * 1000;

/** Reads a WAV. Chunks with texts become padding; a length that lies counts as what is there. */
export async function readWav(reader: Reader): Promise<Findings> {
  const found: Findings = { patches: [] };
  let bytesPerSecond = 0;
  for (let at = 12; at + 8 <= reader.size;) {
    const header = await reader.bytes(at, 8);
    const type = header.toString('latin1', 0, 4);
    const announced = header.readUInt32LE(4);
    const length = Math.min(announced, reader.size - at - 8);
    if (length < announced) found.damaged = true;
    if (type === 'fmt ' && length >= 12) bytesPerSecond = (await reader.bytes(at + 16, 4)).readUInt32LE();
    else if (type === 'data' && bytesPerSecond > 0) found.durationMs = Math.round((length / bytesPerSecond) * 1000);
    if (!kept.has(type)) {
      found.patches.push({ offset: at, length: 4, start: junk }, { offset: at + 8, length, start: Buffer.alloc(0) });
    }
    at += 8 + length + (length % 2);
  }
  if ((found.durationMs ?? 0) > longestMs) delete found.durationMs;
  return found;
}
