import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ScannerAway } from '../src/media/media.errors.js';
import { Scanner } from '../src/media/scanner.service.js';
import { loadConfig } from '../src/platform/config.js';
import { ClamdServer, eicar } from './support/clamd.js';

let clamd: ClamdServer;
beforeAll(async () => {
  clamd = await ClamdServer.listen();
});
afterAll(() => clamd.close());
beforeEach(() => {
  clamd.mood = 'well';
  clamd.maxLength = 200 * 1024 ** 2;
});

const scannerOf = (url: string) => new Scanner({ clamd: loadConfig({ CLAMD_URL: url }).clamd });
const streamOf = (...pieces: (string | Buffer)[]) =>
  Readable.from(
    pieces.map((piece) => Buffer.from(piece)),
    { objectMode: false },
  );

test('a clean file is clean, and a virus is found, even between two pieces and at the end of many', async () => {
  const scanner = scannerOf(clamd.url);
  expect(scanner.configured).toBe(true);
  expect(await scanner.scan(streamOf('buongiorno'))).toBe('clean');
  expect(await scanner.scan(streamOf())).toBe('clean');
  expect(await scanner.scan(streamOf(eicar))).toBe('infected');
  expect(await scanner.scan(streamOf(eicar.slice(0, 20), eicar.slice(20)))).toBe('infected');
  const pieces = Array.from({ length: 40 }, () => Buffer.alloc(100_000, 7));
  expect(await scanner.scan(streamOf(...pieces, eicar))).toBe('infected');
  expect(await scanner.scan(streamOf(...pieces))).toBe('clean');
});

test('a scanner that is unavailable, hangs up, sends nonsense or refuses a file of that size never counts as clean', async () => {
  const scanner = scannerOf(clamd.url);
  clamd.mood = 'rude';
  await expect(scanner.scan(streamOf('x'))).rejects.toMatchObject({ name: 'ScannerAway', code: 'unreachable' });
  clamd.mood = 'garbled';
  await expect(scanner.scan(streamOf('x'))).rejects.toMatchObject({ code: 'unexpected_answer' });
  clamd.mood = 'well';
  clamd.maxLength = 1_000_000;
  const large = Array.from({ length: 400 }, () => Buffer.alloc(100_000));
  await expect(scanner.scan(streamOf(...large))).rejects.toMatchObject({ code: 'too_large' });
  await expect(scannerOf('unix:/tmp/no/such.socket').scan(streamOf('x'))).rejects.toMatchObject({
    code: 'unreachable',
  });
  const none = new Scanner({ clamd: undefined });
  expect(none.configured).toBe(false);
  await expect(none.scan(streamOf('x'))).rejects.toMatchObject({ code: 'unreachable' });
  // Nothing of all this is in its way afterwards.
  expect(await scanner.scan(streamOf('x'))).toBe('clean');
});

test('an incomplete file is not scanned, and the reason is reported', async () => {
  const gone = new Error('the object is gone');
  const broken = Readable.from(
    (async function* () {
      yield Buffer.alloc(1000);
      throw gone;
    })(),
  );
  const before = clamd.scanned;
  await expect(scannerOf(clamd.url).scan(broken)).rejects.toBe(gone);
  expect(clamd.scanned).toBe(before);
});

test('the address of the scanner is parsed, or refused with the reason', () => {
  const read = (url: string) => loadConfig({ CLAMD_URL: url }).clamd;
  expect(read('tcp://clamav:3311')).toEqual({ host: 'clamav', port: 3311 });
  expect(read('tcp://clamav')).toEqual({ host: 'clamav', port: 3310 });
  expect(read('tcp://[::1]:3310')).toEqual({ host: '::1', port: 3310 });
  expect(read('unix:/run/clamav/clamd.ctl')).toEqual({ path: '/run/clamav/clamd.ctl' });
  expect(read('')).toBeUndefined();
  for (const wrong of ['http://clamav:3310', 'clamav:3310', 'tcp://clamav/x', 'unix:clamd.ctl'])
    expect(() => read(wrong)).toThrow('CLAMD_URL');
});

const installed = (() => {
  try {
    execFileSync('clamd', ['--config-file=/dev/null', '--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
})();

(installed ? describe : describe.skip)('the real clamd, where clamav-daemon is installed', () => {
  let folder: string;
  let process: ReturnType<typeof spawn>;
  let port: number;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'colloquio-clamd-'));
    port = await freePort();
    // One signature of our own is enough, so that nothing has to be downloaded.
    await writeFile(join(folder, 'own.ndb'), `Own.Eicar:0:*:${Buffer.from(eicar).toString('hex')}\n`);
    const settings = `Foreground yes\nTCPAddr 127.0.0.1\nTCPSocket ${port}\nDatabaseDirectory ${folder}\nStreamMaxLength 1M\n`;
    await writeFile(join(folder, 'clamd.conf'), settings);
    process = spawn('clamd', [`--config-file=${join(folder, 'clamd.conf')}`], { stdio: 'ignore' });
    const scanner = scannerOf(`tcp://127.0.0.1:${port}`);
    while (
      !(await scanner.reach().then(
        () => true,
        () => false,
      ))
    )
      await wait(100);
  });
  afterAll(async () => {
    process.kill();
    await rm(folder, { recursive: true });
  });

  test('answers like the server of these tests', async () => {
    const scanner = scannerOf(`tcp://127.0.0.1:${port}`);
    expect(await scanner.scan(streamOf('buongiorno'))).toBe('clean');
    expect(await scanner.scan(streamOf(eicar))).toBe('infected');
    const large = Array.from({ length: 30 }, () => Buffer.alloc(100_000));
    const outcomeOfLarge = () => scanner.scan(streamOf(...large)).catch(({ code }: ScannerAway) => code);
    // It resets the connection right after its answer: on a busy machine the answer is lost once in a while, and asked for again.
    let outcome = await outcomeOfLarge();
    for (let tries = 1; outcome === 'unreachable' && tries < 10; tries++) outcome = await outcomeOfLarge();
    expect(outcome).toBe('too_large');
    expect(await scanner.scan(streamOf('buongiorno'))).toBe('clean');
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
