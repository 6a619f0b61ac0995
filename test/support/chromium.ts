import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import chromiumPackage from '@sparticuz/chromium';
import { type Browser, chromium, type LaunchOptions } from 'playwright-core';

const run = promisify(execFile);

/** Arguments of the package that suit a short-lived function, and no tests: with them people's browsers are less secure or slower. */
const unwanted = new Set([
  // With one process it ends with its second context.
  '--single-process',
  // Each page would load the whole program anew instead of forking, which took two thirds of the time of a browser.
  '--no-zygote',
  ...['--disable-web-security', '--allow-running-insecure-content', '--disable-site-isolation-trials'],
]);

/** Starts the browser that comes as a package, as people have it. */
export async function launchChromium(more: readonly string[] = [], options: LaunchOptions = {}): Promise<Browser> {
  // Its imitation of a graphics card is slower than none.
  chromiumPackage.setGraphicsMode = false;
  return chromium.launch({
    ...options,
    executablePath: await unpackedChromium(),
    args: [...chromiumPackage.args.filter((argument) => !unwanted.has(argument)), ...more],
  });
}

/**
 * Path of the browser, unpacked beside its package at the first use. Left to itself, the package unpacks into the folder for
 * temporary files of the whole machine, where it takes for whole what another process is still writing, or another user's.
 */
export async function unpackedChromium(): Promise<string> {
  // The package's entry lies in its folder build.
  const folder = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '..');
  const whole = join(folder, 'unpacked');
  if (!existsSync(whole)) {
    const own = await mkdtemp(`${whole}-`);
    const unpack = "(await import('@sparticuz/chromium')).default.executablePath()";
    await run(process.execPath, ['--input-type=module', '--eval', `await ${unpack}`], {
      cwd: folder,
      env: { ...process.env, TMPDIR: own, TMP: own, TEMP: own },
    });
    // Fails where another process was quicker.
    await rename(own, whole).catch(() => rm(own, { recursive: true }));
  }
  return join(whole, 'chromium');
}
