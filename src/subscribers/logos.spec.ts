import 'reflect-metadata';
import { crc32, deflateSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import sharp, { type Color, type Sharp } from 'sharp';
import { LogoError, reencodeLogo } from './logos.js';

const red = { r: 200, g: 20, b: 30 };
const plain = (width: number, height: number, background: Color = red) =>
  sharp({ create: { width, height, channels: 3, background } });
const draw = (bytes: Buffer) => reencodeLogo(bytes, 'a subscriber');
const codeOf = async (bytes: Buffer) =>
  draw(bytes).then(
    () => 'accepted',
    (error: LogoError) => (error instanceof LogoError ? error.code : String(error)),
  );

describe('kinds of images', () => {
  test.each(['png', 'jpeg', 'webp'] as const)('a %s is drawn anew as WebP of the same size', async (format) => {
    const logo = await draw(await plain(300, 200).toFormat(format).toBuffer());
    expect(logo).toMatchObject({ mediaType: 'image/webp', width: 300, height: 200 });
    expect(await sharp(logo.bytes).metadata()).toMatchObject({ format: 'webp', width: 300, height: 200 });
  });

  test('transparency is kept', async () => {
    const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: { ...red, alpha: 0 } } });
    const { bytes } = await draw(await clear.png().toBuffer());
    expect((await sharp(bytes).raw().toBuffer())[3]).toBe(0);
  });

  test('other kinds are recognised by their bytes and refused', async () => {
    expect(await codeOf(await plain(8, 8).gif().toBuffer())).toBe('logo_type');
    expect(await codeOf(await plain(8, 8).tiff().toBuffer())).toBe('logo_type');
    expect(await codeOf(await plain(8, 8).avif().toBuffer())).toBe('logo_type');
    expect(await codeOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))).toBe(
      'logo_type',
    );
    expect(await codeOf(Buffer.from('%PDF-1.7'))).toBe('logo_type');
    expect(await codeOf(Buffer.from('logo.png'))).toBe('logo_type');
    expect(await codeOf(Buffer.alloc(0))).toBe('logo_type');
  });

  test('a damaged image is unreadable', async () => {
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const whole = await noise(200, 200).toFormat(format).toBuffer();
      expect(await codeOf(whole)).toBe('accepted');
      expect(await codeOf(whole.subarray(0, whole.length / 2))).toBe('logo_unreadable');
    }
    expect(await codeOf(Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(40)]))).not.toBe(
      'accepted',
    );
  });

  test('the first frame of an animation is kept', async () => {
    const frames = await Promise.all(
      [red, { r: 0, g: 0, b: 255 }].map((color) => plain(40, 30, color).png().toBuffer()),
    );
    const animation = await sharp(frames, { join: { animated: true } })
      .webp({ loop: 0 })
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).toBe(2);
    const logo = await draw(animation);
    expect(logo).toMatchObject({ width: 40, height: 30 });
    expect((await sharp(logo.bytes).metadata()).pages ?? 1).toBe(1);
    const [r = 0, , b = 0] = await sharp(logo.bytes).raw().toBuffer();
    expect(r).toBeGreaterThan(150);
    expect(b).toBeLessThan(80);
  });
});

describe('sizes', () => {
  test.each([
    [512, 512, 512, 512],
    [511, 3, 511, 3],
    [513, 513, 512, 512],
    [1024, 512, 512, 256],
    [300, 900, 171, 512],
    [4000, 1, 512, 1],
    [1, 1, 1, 1],
  ])('%i x %i becomes %i x %i', async (width, height, drawnWidth, drawnHeight) => {
    const logo = await draw(await plain(width, height).png().toBuffer());
    expect([logo.width, logo.height]).toEqual([drawnWidth, drawnHeight]);
  });

  test('the maximum is 2 MB', async () => {
    const image = await plain(10, 10).png().toBuffer();
    const padded = (size: number) => Buffer.concat([image, Buffer.alloc(size - image.length)]);
    expect(await codeOf(padded(2 * 1024 * 1024))).toBe('accepted');
    expect(await codeOf(padded(2 * 1024 * 1024 + 1))).toBe('logo_too_large');
  });

  test('the maximum is 40 megapixels, however small the file', async () => {
    expect(await codeOf(whitePng(8000, 5000))).toBe('accepted');
    expect(await codeOf(whitePng(8000, 5001))).toBe('logo_dimensions');
    expect(await codeOf(whitePng(100_000, 100_000, 10))).toBe('logo_dimensions');
  });

  test('the maximum side is 10,000 pixels, because each row costs time', async () => {
    expect(await codeOf(whitePng(1, 10_000))).toBe('accepted');
    expect(await codeOf(whitePng(1, 10_001))).toBe('logo_dimensions');
    expect(await codeOf(whitePng(10_001, 1))).toBe('logo_dimensions');
    await expect(draw(whitePng(1, 40_000_000, 10))).rejects.toThrow(/10,000 pixels a side and 40 megapixels/);
  });

  test('a JPEG with 100 scans is drawn, and one with more is refused before', async () => {
    const scans = (count: number) => progressive(512, count);
    expect(await codeOf(scans(100))).toBe('accepted');
    expect(await codeOf(scans(101))).toBe('logo_unreadable');
    expect(await codeOf(scans(20_000))).toBe('logo_unreadable');
    expect(await codeOf(await plain(900, 700).jpeg({ progressive: true }).toBuffer())).toBe('accepted');
  });

  test('one subscriber can have one logo drawn and two waiting', async () => {
    const image = await plain(600, 600).png().toBuffer();
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        draw(image).then(
          () => 'drawn',
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(answers).toEqual(['drawn', 'drawn', 'drawn', 'rate_limited']);
  });
});

describe('data beside the pixels', () => {
  test('orientation is applied, EXIF, XMP and ICC are dropped', async () => {
    const photo = await plain(60, 20)
      .withExif({ IFD0: { Artist: 'Anna Rossi' }, IFD3: { GPSLatitude: '44/1 3/1 0/1' } })
      .withMetadata({ orientation: 6 })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/">Anna Rossi</x:xmpmeta>')
      .withIccProfile('p3')
      .jpeg()
      .toBuffer();
    const before = await sharp(photo).metadata();
    expect([before.orientation, Boolean(before.exif), Boolean(before.xmp), Boolean(before.icc)]).toEqual([
      6,
      true,
      true,
      true,
    ]);

    const logo = await draw(photo);
    expect([logo.width, logo.height]).toEqual([20, 60]);
    const after = await sharp(logo.bytes).metadata();
    expect([after.orientation, after.exif, after.xmp, after.icc]).toEqual([undefined, undefined, undefined, undefined]);
    expect(logo.bytes.includes('Rossi')).toBe(false);
  });

  test('data hidden behind the pixels is dropped', async () => {
    const image = Buffer.concat([await plain(10, 10).png().toBuffer(), Buffer.from('<script>alert(1)</script>')]);
    const logo = await draw(image);
    expect(logo.bytes.includes('script')).toBe(false);
  });

  test('messages are plain sentences', async () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(3_000_000),
      (await noise(99, 99).png().toBuffer()).subarray(0, 500),
    ]) {
      await expect(draw(bytes)).rejects.toThrow(/^[A-Z][^/]*\.$/);
    }
  });
});

function noise(width: number, height: number): Sharp {
  return sharp({
    create: { width, height, channels: 3, background: red, noise: { type: 'gaussian', mean: 128, sigma: 60 } },
  });
}

/**
 * A black-and-white PNG with one bit a pixel, so that millions of pixels take a few kilobytes (PNG specification, 5.3
 * and 11.2).
 */
function whitePng(width: number, height: number, rows = height): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const lines = Buffer.alloc((1 + Math.ceil(width / 8)) * rows);
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A grey JPEG (ITU-T T.81, G) of one scan of means and so many without anything in them. */
function progressive(side: number, scans: number): Buffer {
  const segment = (marker: number, ...bytes: number[]) =>
    Buffer.from([0xff, marker, (bytes.length + 2) >> 8, (bytes.length + 2) & 255, ...bytes]);
  /** One code, a bit long. */
  const codes = (kind: number, symbol: number) => segment(0xc4, kind, 1, ...Array<number>(15).fill(0), symbol);
  const blocks = (side / 8) ** 2;
  const empty = 0xc0;
  // The run of blocks that are empty to their end: 4,096 and what twelve bits add.
  const run = (0).toString() + (blocks - 4_096).toString(2).padStart(12, '0');
  const body = Buffer.from(
    run
      .padEnd(16, '1')
      .match(/.{8}/g)!
      .map((bits) => Number.parseInt(bits, 2)),
  );
  const scan = Buffer.concat([segment(0xda, 1, 1, 0, 1, 63, 0), body]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, 0, ...Array<number>(64).fill(1)),
    segment(0xc2, 8, side >> 8, side & 255, side >> 8, side & 255, 1, 1, 0x11, 0),
    codes(0, 0),
    codes(0x10, empty),
    segment(0xda, 1, 1, 0, 0, 0, 0),
    Buffer.alloc(blocks / 8),
    ...Array<Buffer>(scans - 1).fill(scan),
    Buffer.from([0xff, 0xd9]),
  ]);
}
