import { fileTypeFromBuffer } from 'file-type';
import sharp, { type Metadata } from 'sharp';
import { limits } from '../contract/limits.js';
import { Turns } from '../platform/turns.js';

export interface Logo {
  bytes: Buffer;
  mediaType: 'image/webp';
  /** Pixels, as is the height. */
  width: number;
  height: number;
}

export class LogoError extends Error {
  override readonly name = 'LogoError';

  constructor(
    readonly code: 'logo_type' | 'logo_too_large' | 'logo_dimensions' | 'logo_unreadable',
    message: string,
  ) {
    super(message);
  }
}

const acceptedTypes = new Set(['image/png', 'image/apng', 'image/jpeg', 'image/webp']);
const maxSide = 512;
const maxSeconds = 5;
const quality = 90;

/**
 * A progressive JPEG has some ten scans, each of which is drawn over all pixels: 5,000 of them fit into 360 KB and keep a
 * thread for 24 s, because the limit of time is looked at only once they are drawn.
 */
const mostScans = 100;

// A picture takes one thread of those that everything shares, not one for each core.
sharp.concurrency(1);

const drawing = new Turns({
  concurrency: 1,
  concurrencyPerAsker: 1,
  waiting: limits.picturesWaiting,
  waitingPerAsker: limits.picturesWaitingPerSubscriber,
  of: 'pictures',
});

/**
 * Draws an uploaded logo anew as WebP that fits into 512 x 512 pixels; a smaller one keeps its size. What goes in is
 * PNG, JPEG or WebP of at most 2 MB, 10,000 pixels a side and 40 megapixels. Of an animation the first frame stays, of EXIF the
 * orientation, of an ICC profile the colours (as sRGB); nothing else of the file remains, so no place, no camera and
 * nothing hidden behind the pixels.
 * @throws LogoError `logo_type` (by its bytes, not by its name), `logo_too_large`, `logo_dimensions` or `logo_unreadable`;
 *   DomainError `rate_limited`, `overloaded` when too many pictures wait
 */
export async function reencodeLogo(bytes: Buffer, subscriberId: string): Promise<Logo> {
  if (bytes.length > limits.logoBytes)
    throw new LogoError(
      'logo_too_large',
      `A logo can have at most ${limits.logoBytes / 1024 ** 2} MB. Make the image smaller and send it again.`,
    );
  // Looked at before sharp, which would also open SVG, TIFF and HEIF with libraries that need not face strangers.
  const type = await fileTypeFromBuffer(bytes);
  if (!type || !acceptedTypes.has(type.mime))
    throw new LogoError('logo_type', 'A logo must be a PNG, JPEG or WebP image.');

  return drawing.run(subscriberId, () => draw(bytes));
}

async function draw(bytes: Buffer): Promise<Logo> {
  if (scansOf(bytes) > mostScans) {
    throw new LogoError(
      'logo_unreadable',
      'The image is a JPEG with too many scans. Save it again and send the new file.',
    );
  }
  // Only the header is read here; with a limit sharp would say no more than that the image cannot be read.
  const { width, height } = await readable(sharp(bytes, { limitInputPixels: false }).metadata());
  if (Math.max(width, height) > limits.logoSide || width * height > limits.logoPixels) {
    const most = `${limits.logoSide.toLocaleString('en')} pixels a side and ${limits.logoPixels / 1_000_000} megapixels`;
    throw new LogoError(
      'logo_dimensions',
      `A logo can have at most ${most}. Make the image smaller and send it again.`,
    );
  }

  const drawn = sharp(bytes, { failOn: 'error', limitInputPixels: limits.logoPixels, pages: 1 })
    .autoOrient()
    .resize(maxSide, maxSide, { fit: 'inside', withoutEnlargement: true })
    .webp({ quality, smartSubsample: true })
    .timeout({ seconds: maxSeconds })
    .toBuffer({ resolveWithObject: true });
  const { data, info } = await readable(drawn);
  return { bytes: data, mediaType: 'image/webp', width: info.width, height: info.height };
}

/** Counts the scans of a JPEG (ITU-T T.81, B.2.3), including any hidden in its metadata. */
function scansOf(bytes: Buffer): number {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return 0;
  let scans = 0;
  for (let at = bytes.indexOf(startOfScan); at >= 0 && scans <= mostScans; at = bytes.indexOf(startOfScan, at + 2))
    scans++;
  return scans;
}

const startOfScan = Buffer.from([0xff, 0xda]);

/** Replaces sharp's errors, which are about libvips and its inputs, by one for the person who uploads a logo. */
async function readable<T extends Metadata | { data: Buffer }>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch {
    throw new LogoError('logo_unreadable', 'The image is damaged or incomplete. Send another file.');
  }
}
