import { afterAll, beforeAll } from '@jest/globals';
import { type BootedShop, openShop } from './booted-shop.js';
import { Installation, type Service } from './installation.js';

/** An installation with a shop in it, which the tests of the file that imports it stop, kill and start again as they need. */
export let home: Installation;
export let shop: BootedShop;

let current: Service | undefined;

export const settings = { RATE_MESSAGES: '100000' };

/** The service, started unless it runs. */
export async function running(): Promise<Service> {
  if (!current?.isRunning) current = await home.start(settings);
  return current;
}

export async function stopped(): Promise<void> {
  if (current?.isRunning) await current.stop();
}

beforeAll(async () => {
  home = await Installation.make();
  shop = await openShop(await running());
});
afterAll(() => home.remove());
