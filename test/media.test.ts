import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import sharp from 'sharp';
import { type ByteSource, sourceOf } from '../src/media/byte-source.js';
import { Media } from '../src/media/media.service.js';
import { packPatches, patched, unpackPatches } from '../src/media/patches.js';
import { hostileFiles, latitude, place } from './hostile-files/corpus.js';

const media = new Media();
const files = new Map<string, Buffer>();

beforeAll(async () => {
  for (const { title, make } of hostileFiles) files.set(title, await make());
});
afterAll(() => media.onModuleDestroy());

test('the corpus has at least sixty files, each with its own reason', () => {
  expect(files.size).toBe(hostileFiles.length);
  expect(files.size).toBeGreaterThanOrEqual(60);
});

describe.each(hostileFiles)('$title', ({ title, name, expected, secret, pixels }) => {
  test('has the expected result', async () => {
    const bytes = files.get(title)!;
    const source = sourceOf(bytes);

    const found = await media.inspect(source, name);
    const { thumbnail, display, note } = await media.renditions(source, found);

    const { mediaType, family, inline, width, height, durationMs, pages } = found;
    const facts = {
      type: mediaType,
      family,
      inline,
      thumbnail: thumbnail !== undefined,
      note: found.note,
      width,
      height,
      duration: durationMs,
      pages,
    };
    expect(facts).toMatchObject(expected);
    expect(found.note).toBe(expected.note);
    for (const drawn of [thumbnail, display]) {
      if (!drawn) continue;
      const { width, height, exif, xmp, format, pages } = await sharp(drawn.bytes).metadata();
      expect({ exif, xmp, format, width }).toEqual({ format: 'webp', width: drawn.width });
      expect(pages ? height : drawn.height).toBe(height);
    }
    if (thumbnail) expect(Math.max(thumbnail.width, thumbnail.height)).toBeLessThanOrEqual(320);
    // Whoever cannot be shown a thumbnail of a picture or a PDF is told why.
    if (!thumbnail && (family === 'image' || family === 'pdf')) expect(note).toBeDefined();

    const stripped = patched(bytes, 0, found.patches);
    expect(stripped.length).toBe(bytes.length);
    if (secret) {
      expect(bytes.includes(place) || bytes.includes(latitude)).toBe(true);
      expect(stripped.includes(place)).toBe(false);
      expect(stripped.includes(latitude)).toBe(false);
    }
    if (pixels) expect(await drawn(stripped)).toEqual(await drawn(bytes));
  });
});

/** Pixels of a picture as it is shown. */
async function drawn(bytes: Buffer) {
  const { data, info } = await sharp(bytes, { animated: true })
    .autoOrient()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: data.toString('base64'), width: info.width, height: info.height };
}

test('a stripped file needs no further patches', async () => {
  for (const { title, name, secret } of hostileFiles) {
    if (!secret) continue;
    const bytes = files.get(title)!;
    const first = await media.inspect(sourceOf(bytes), name);
    const stripped = patched(bytes, 0, first.patches);
    const second = await media.inspect(sourceOf(stripped), name);
    expect({ title, ...second, patches: [] }).toEqual({ title, ...first, patches: [] });
    expect(patched(stripped, 0, second.patches).equals(stripped)).toBe(true);
  }
});

test('patches have the same result for every range of a file, and after they are stored', async () => {
  for (const { title, name } of hostileFiles) {
    const bytes = files.get(title)!;
    if (bytes.length > 100_000) continue;
    const { patches } = await media.inspect(sourceOf(bytes), name);
    const whole = patched(bytes, 0, patches);
    const restored = unpackPatches(packPatches(patches));
    for (let at = 0; at < bytes.length; at += 97)
      expect(patched(bytes.subarray(at, at + 97), at, restored)).toEqual(whole.subarray(at, at + 97));
  }
});

test('no random file makes the inspection throw, loop or patch outside of it', async () => {
  // PDFs are read by a process of their own, which takes its time for each.
  const seeds = hostileFiles.filter(
    ({ title, expected }) => files.get(title)!.length < 50_000 && expected.family !== 'pdf',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...seeds),
      fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), { maxLength: 12 }),
      fc.nat(),
      async ({ title, name }, changes, cut) => {
        const bytes = Buffer.from(files.get(title)!);
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
        const file = bytes.subarray(0, cut % 4 === 0 ? cut % bytes.length : bytes.length);
        if (file.subarray(0, 2000).includes('%PDF')) return;
        const { patches } = await media.inspect(sourceOf(file), name);
        let end = 0;
        for (const { offset, length, start } of patches) {
          expect(offset).toBeGreaterThanOrEqual(end);
          expect(start.length).toBeLessThanOrEqual(length);
          end = offset + length;
        }
        expect(end).toBeLessThanOrEqual(file.length);
      },
    ),
    { numRuns: 1500 },
  );
});

(process.platform === 'linux' ? test : test.skip)(
  'the process that opens files has no settings and no keys',
  async () => {
    const bytes = files.get('progressive JPEG')!;
    await media.renditions(sourceOf(bytes), await media.inspect(sourceOf(bytes), 'a.jpg'));
    const { pid } = (media as unknown as { drawing: { process: { pid: number } } }).drawing.process;
    const environment = (await readFile(`/proc/${pid}/environ`, 'latin1'))
      .split('\0')
      .map((each) => each.split('=')[0]);
    expect(environment.filter((name) => name && !name.startsWith('NODE_CHANNEL')).sort()).toEqual(['MALLOC_ARENA_MAX']);
    const commands = (await readFile(`/proc/${pid}/cmdline`, 'latin1')).split('\0');
    expect(commands).toContain('--permission');
    expect(commands.filter((each) => each.startsWith('--allow-fs-write'))).toEqual([
      '--allow-fs-write=/proc/self/oom_score_adj',
    ]);
  },
);

test('a picture that crashes the process fails alone, and the next one is drawn', async () => {
  const bytes = files.get('progressive JPEG')!;
  const found = await media.inspect(sourceOf(bytes), 'a.jpg');
  const before = await media.renditions(sourceOf(bytes), found);
  expect(before.thumbnail).toBeDefined();
  const drawing = (media as unknown as { drawing: { process: { kill(signal: string): void } } }).drawing;
  const killed = media.renditions(sourceOf(bytes), found);
  drawing.process.kill('SIGKILL');

  expect((await killed).note).toBe('preview_failed');
  expect((await media.renditions(sourceOf(bytes), found)).thumbnail).toBeDefined();
});

test('a file that cannot be read completely fails with the reason, and the next one is drawn', async () => {
  const bytes = files.get('progressive JPEG')!;
  const found = await media.inspect(sourceOf(bytes), 'a.jpg');
  const gone = new Error('the object is gone');
  const broken: ByteSource = {
    size: bytes.length,
    read: () => Promise.reject(gone),
    stream: () => sourceOf(bytes).stream().destroy(gone),
  };

  await expect(media.inspect(broken, 'a.jpg')).rejects.toBe(gone);
  await expect(media.renditions(broken, found)).resolves.toMatchObject({ note: 'damaged' });
  expect((await media.renditions(sourceOf(bytes), found)).thumbnail).toBeDefined();
});

test('a photograph of 24 megapixels is drawn with little memory, upright', async () => {
  const bytes = await sharp({ create: { width: 6000, height: 4000, channels: 3, background: 'olive' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const found = await media.inspect(sourceOf(bytes), 'a.jpg');
  expect(found).toMatchObject({ width: 4000, height: 6000 });

  const { thumbnail, display } = await media.renditions(sourceOf(bytes), found);

  expect(thumbnail).toMatchObject({ width: 213, height: 320, mediaType: 'image/webp' });
  expect(display).toMatchObject({ width: 1365, height: 2048, mediaType: 'image/webp' });
});

test('the files of one account wait for each other, and delay another account’s file by at most one', async () => {
  const picture = await sharp({ create: { width: 1_500, height: 1_500, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
  const done: string[] = [];
  const draw = async (asker: string) => {
    const source = { ...sourceOf(picture), asker };
    await media.renditions(source, await media.inspect(source, 'a.jpg'));
    done.push(asker);
  };
  const many = Array.from({ length: 5 }, () => draw('one'));
  await Promise.all([...many, draw('other')]);
  expect(done.indexOf('other')).toBeLessThanOrEqual(2);
});
