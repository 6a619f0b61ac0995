import { BudgetSpent, type Reader } from '../reader.js';
import { allBoxes, type Box, freed } from './boxes.js';
import { onlyOrientation } from './exif.js';
import { type Findings, replaced, zeros } from './findings.js';

/** Boxes of a picture at the top level; all others, and whatever follows a second file, are freed. */
const keptBoxes = new Set(['ftyp', 'meta', 'mdat', 'moov', 'moof', 'free', 'skip', 'styp', 'sidx']);
const mostItems = 2_000;
const mostExtents = 10_000;
const largestTable = 4 * 1024 ** 2;

/**
 * Reads HEIC and AVIF (ISO/IEC 23008-12). Items with Exif, XMP and other descriptions are blanked in place; the orientation of
 * these pictures is in separate properties.
 */
export async function readHeif(reader: Reader): Promise<Findings> {
  const found: Findings = { patches: [], frames: 1 };
  let files = 0;
  let end = 0;
  for (const box of await allBoxes(reader, 0, reader.size)) {
    end = box.end;
    if (box.type === 'ftyp') files++;
    if (files > 1 || !keptBoxes.has(box.type)) found.patches.push(...freed(box));
    else if (box.type === 'free' || box.type === 'skip') found.patches.push(zeros(box.content, box.end - box.content));
    else if (box.type === 'meta') await readMeta(reader, box, found);
  }
  if (end < reader.size) {
    found.patches.push(zeros(end, reader.size - end));
    // A file that was cut off ends in the middle of its last box.
    found.damaged = true;
  }
  return found;
}

async function readMeta(reader: Reader, meta: Box, found: Findings): Promise<void> {
  const children = await allBoxes(reader, meta.content + 4, meta.end);
  const child = (type: string) => children.find((box) => box.type === type);
  const [items, places, primary, properties, data] = ['iinf', 'iloc', 'pitm', 'iprp', 'idat'].map(child);
  const described = items ? await descriptions(reader, items) : new Map<number, string>();
  if (places && described.size > 0) {
    for (const { item, offset, length } of await extents(reader, places, data)) {
      const type = described.get(item);
      if (type === 'Exif') {
        found.patches.push(replaced(offset, length, Buffer.concat([Buffer.alloc(4), onlyOrientation(1)])));
      } else if (type) found.patches.push(zeros(offset, length));
    }
  }
  for (const box of children)
    if (['xml ', 'bxml', 'uuid', 'udta'].includes(box.type)) found.patches.push(...freed(box));
  if (primary && properties) Object.assign(found, await dimensions(reader, primary, properties));
}

/** Items that describe others, by their number; nothing else is needed of them but their type. */
async function descriptions(reader: Reader, items: Box): Promise<Map<number, string>> {
  const described = new Map<number, string>();
  const [version] = await reader.bytes(items.content, 1);
  let entries = 0;
  for (const entry of await allBoxes(reader, items.content + 4 + (version === 0 ? 2 : 4), items.end)) {
    if (entry.type !== 'infe') continue;
    if (++entries > mostItems) throw new BudgetSpent();
    const bytes = await reader.bytes(entry.content, Math.min(entry.end - entry.content, 16));
    const wide = bytes[0] === 3 ? 2 : 0;
    if (bytes[0]! < 2 || bytes.length < 12 + wide) continue;
    const item = wide ? bytes.readUInt32BE(4) : bytes.readUInt16BE(4);
    const type = bytes.toString('latin1', 8 + wide, 12 + wide);
    if (type === 'Exif' || type === 'mime' || type === 'uri ') described.set(item, type);
  }
  return described;
}

/** Places of the bytes of items: in the file itself, or in the box for the data of items. */
async function extents(reader: Reader, places: Box, data: Box | undefined) {
  const table = await reader.bytes(places.content, Math.min(places.end - places.content, largestTable));
  const fields = new Fields(table);
  const version = fields.take(1);
  fields.take(3);
  const sizes = fields.take(2);
  const [offsetSize, lengthSize, baseSize, indexSize] = [sizes >> 12, (sizes >> 8) & 15, (sizes >> 4) & 15, sizes & 15];
  const found: { item: number; offset: number; length: number }[] = [];
  for (let left = fields.take(version < 2 ? 2 : 4); left > 0 && !fields.spent; left--) {
    const item = fields.take(version < 2 ? 2 : 4);
    const method = version > 0 ? fields.take(2) & 15 : 0;
    fields.take(2);
    const base = fields.take(baseSize);
    for (let parts = fields.take(2); parts > 0 && !fields.spent; parts--) {
      if (version > 0) fields.take(indexSize);
      const offset = base + fields.take(offsetSize);
      const length = fields.take(lengthSize);
      if (found.length >= mostExtents) throw new BudgetSpent();
      if (method === 0) found.push({ item, offset, length: length || reader.size - offset });
      else if (method === 1 && data) found.push({ item, offset: data.content + offset, length });
    }
  }
  return found;
}

/** Size of the primary picture, turned as its properties say. */
async function dimensions(reader: Reader, primary: Box, properties: Box): Promise<{ width?: number; height?: number }> {
  const id = new Fields(await reader.bytes(primary.content, 8));
  const wide = id.take(1) > 0;
  id.take(3);
  const item = id.take(wide ? 4 : 2);
  const parts = await allBoxes(reader, properties.content, properties.end);
  const container = parts.find(({ type }) => type === 'ipco');
  const list = parts.find(({ type }) => type === 'ipma');
  if (!container || !list) return {};
  const all = await allBoxes(reader, container.content, container.end);
  const fields = new Fields(await reader.bytes(list.content, Math.min(list.end - list.content, largestTable)));
  const version = fields.take(1);
  const flags = fields.take(3);
  let size: { width: number; height: number } | undefined;
  let turned = false;
  for (let left = fields.take(4); left > 0 && !fields.spent; left--) {
    const of = fields.take(version < 1 ? 2 : 4);
    for (let count = fields.take(1); count > 0 && !fields.spent; count--) {
      const index = flags & 1 ? fields.take(2) & 0x7fff : fields.take(1) & 0x7f;
      const property = all[index - 1];
      if (of !== item || !property) continue;
      const bytes = await reader.bytes(property.content, 12);
      if (property.type === 'ispe' && bytes.length === 12)
        size = { width: bytes.readUInt32BE(4), height: bytes.readUInt32BE(8) };
      if (property.type === 'irot') turned = (bytes[0]! & 1) === 1;
    }
  }
  return size && turned ? { width: size.height, height: size.width } : (size ?? {});
}

/** Numbers of a table, one after another; zeros once it is at its end. */
export class Fields {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get spent(): boolean {
    return this.at >= this.bytes.length;
  }

  /** An unsigned number of so many bytes, of at most eight. */
  take(size: number): number {
    let value = 0;
    for (let count = 0; count < size; count++) value = value * 256 + (this.bytes[this.at++] ?? 0);
    return value;
  }

  skip(size: number): void {
    this.at += size;
  }
}
