import chromiumPackage from '@sparticuz/chromium';
import { type Browser, chromium, type LaunchOptions } from 'playwright-core';

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
    executablePath: await chromiumPackage.executablePath(),
    args: [...chromiumPackage.args.filter((argument) => !unwanted.has(argument)), ...more],
  });
}
