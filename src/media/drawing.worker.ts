import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import sharp, { type OutputInfo, type Sharp } from 'sharp';
import type { DrawingJob, DrawingResult } from './drawing-jobs.js';
import type { Rendition } from './inspection.js';

/**
 * The process that opens what strangers have made. It has none of the service's settings, keys or connections; the service
 * ends it when it takes too long or too much, and starts another.
 */

const thumbnailSide = 320;
const displaySide = 2048;
const animatedSide = 640;
const mostPixels = 210_000_000;

try {
  setPriority(10);
  // The system ends this process before the service when memory runs out.
  if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000');
} catch {
  // Neither is allowed everywhere, and neither is needed.
}
sharp.concurrency(1);
sharp.cache(false);

let job: DrawingJob | undefined;
let file = Buffer.alloc(0);
let filled = 0;
let early: Buffer[] = [];

process.on('message', (message: DrawingJob) => {
  job = message;
  file = Buffer.allocUnsafe(message.size);
  filled = 0;
  const pieces = early;
  early = [];
  for (const piece of pieces) take(piece);
  if (message.size === 0) finish(message);
});
process.on('disconnect', () => process.exit());

process.stdin.on('data', (piece: Buffer) => {
  // The file may overtake the message that announces it.
  if (!job) early.push(piece);
  else take(piece);
});

function take(piece: Buffer): void {
  filled += piece.copy(file, filled);
  if (job && filled === file.length) finish(job);
}

function finish(done: DrawingJob): void {
  const bytes = file;
  job = undefined;
  file = Buffer.alloc(0);
  void perform(done, bytes).then((result) => process.send!(result));
}

async function perform(done: DrawingJob, bytes: Buffer): Promise<DrawingResult> {
  try {
    if (done.kind === 'picture') return await drawPicture(bytes, done);
    return done.kind === 'pdf facts' ? await readPdf(bytes) : await drawPdf(bytes);
  } catch {
    return { note: 'preview_failed' };
  }
}

async function drawPicture(
  bytes: Buffer,
  { frames, display }: DrawingJob & { kind: 'picture' },
): Promise<DrawingResult> {
  const open = (pages: number) =>
    sharp(bytes, { failOn: 'truncated', limitInputPixels: mostPixels, pages, sequentialRead: true });
  const fitting = (side: number) => ({ width: side, height: side, fit: 'inside', withoutEnlargement: true }) as const;
  const small = async (picture: Sharp) =>
    rendition(await picture.webp({ quality: 76, smartSubsample: true }).toBuffer({ resolveWithObject: true }));
  if (display !== 'still') {
    const thumbnail = await small(open(1).autoOrient().resize(fitting(thumbnailSide)));
    if (display === 'none') return { thumbnail };
    const animation = open(frames).resize(fitting(animatedSide)).webp({ quality: 70, effort: 2 });
    return { thumbnail, display: rendition(await animation.toBuffer({ resolveWithObject: true })) };
  }
  // Opened once for both: that costs most of a large picture.
  const { data, info } = await open(1)
    .autoOrient()
    .resize(fitting(displaySide))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const drawn = () => sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  const shown = await drawn().webp({ quality: 82, effort: 3 }).toBuffer({ resolveWithObject: true });
  return { thumbnail: await small(drawn().resize(fitting(thumbnailSide))), display: rendition(shown) };
}

function rendition({ data, info }: { data: Buffer; info: OutputInfo }): Rendition {
  // The height of an animation is that of all its frames, one below another.
  const height = info.pageHeight ?? info.height;
  return { bytes: data, mediaType: 'image/webp', width: info.width, height };
}

/** Words of a PDF that let it run or open something. */
const activeWords = ['/JavaScript', '/JS', '/Launch', '/RichMedia', '/EmbeddedFile', '/XFA'];
const modules = (path: string) => fileURLToPath(new URL(`../../../node_modules/pdfjs-dist/${path}`, import.meta.url));

async function openPdf(bytes: Buffer) {
  const { getDocument, PasswordException, VerbosityLevel } = await import('pdfjs-dist/legacy/build/pdf.mjs');
  const loading = getDocument({
    data: new Uint8Array(bytes),
    verbosity: VerbosityLevel.ERRORS,
    disableFontFace: true,
    useSystemFonts: false,
    useWorkerFetch: false,
    enableXfa: false,
    maxImageSize: 40_000_000,
    standardFontDataUrl: modules('standard_fonts/'),
    cMapUrl: modules('cmaps/'),
    wasmUrl: modules('wasm/'),
    iccUrl: modules('iccs/'),
  });
  try {
    return { pdf: await loading.promise, close: () => loading.destroy() };
  } catch (error) {
    return { note: error instanceof PasswordException ? ('encrypted' as const) : ('damaged' as const) };
  }
}

async function readPdf(bytes: Buffer): Promise<DrawingResult> {
  const named = activeWords.some((word) => bytes.includes(word));
  const opened = await openPdf(bytes);
  if (opened.note) return { note: opened.note, active: named };
  const { pdf, close } = opened;
  const scripts = await pdf.getJSActions().catch(() => null);
  const attachments: unknown = await pdf.getAttachments().catch(() => null);
  const result = { pages: pdf.numPages, active: named || scripts !== null || Boolean(attachments) };
  await close();
  return result;
}

async function drawPdf(bytes: Buffer): Promise<DrawingResult> {
  const opened = await openPdf(bytes);
  if (opened.note) return { note: opened.note };
  const { pdf, close } = opened;
  const { createCanvas } = await import('@napi-rs/canvas');
  const page = await pdf.getPage(1);
  const whole = page.getViewport({ scale: 1 });
  // Twice the size, for sharp letters once it is made smaller.
  const scale = (2 * thumbnailSide) / Math.max(whole.width, whole.height, 1);
  const viewport = page.getViewport({ scale });
  const [width, height] = [viewport.width, viewport.height].map((side) => Math.max(1, Math.round(side))) as [
    number,
    number,
  ];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  await page.render({ canvas: canvas as never, canvasContext: context as never, viewport }).promise;
  const pixels = context.getImageData(0, 0, width, height).data;
  await close();
  const { data, info } = await sharp(pixels, { raw: { width, height, channels: 4 } })
    .resize({ width: thumbnailSide, height: thumbnailSide, fit: 'inside' })
    .flatten({ background: 'white' })
    .webp({ quality: 76 })
    .toBuffer({ resolveWithObject: true });
  return { thumbnail: { bytes: data, mediaType: 'image/webp', width: info.width, height: info.height } };
}
