import { expect } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { WebApp } from '../../src/auth/web-apps.js';
import { launchChromium } from './chromium.js';
import { password, type Reach } from './world.js';

/** Devices that the apps are used on. */
const devices = {
  desktop: { viewport: { width: 1440, height: 900 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
  'small phone': { viewport: { width: 320, height: 640 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 },
} as const;

export interface Opened {
  device?: keyof typeof devices;
  locale?: 'it-IT' | 'en-GB';
  theme?: 'light' | 'dark';
  /** Lets the app have its service worker, which loads all of the app. */
  hasWorker?: boolean;
}

/** Longest wait for something on a page, in milliseconds: much longer than it takes. */
const patience = 60_000;

/** A real browser. Contexts share nothing: each is a device of somebody. */
export class TestBrowser {
  private readonly opened: TestContext[] = [];

  private constructor(
    private readonly browser: Browser,
    private readonly world: Pick<Reach, 'url'>,
  ) {}

  static async start(world: Pick<Reach, 'url'>): Promise<TestBrowser> {
    const browser = await launchChromium([
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
    ]);
    return new TestBrowser(browser, world);
  }

  async open({
    device = 'desktop',
    locale = 'it-IT',
    theme = 'light',
    hasWorker = false,
  }: Opened = {}): Promise<TestContext> {
    const context = await this.browser.newContext({
      ...devices[device],
      baseURL: this.world.url,
      locale,
      timezoneId: 'Europe/Rome',
      colorScheme: theme,
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write', 'microphone'],
    });
    context.setDefaultTimeout(patience);
    if (!hasWorker) {
      await context.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'serviceWorker'));
    }
    const opened = new TestContext(context, this.world);
    this.opened.push(opened);
    return opened;
  }

  async close(): Promise<void> {
    await this.browser.close();
  }

  /** Checks that no page has said anything on its console that tells of a fault, and closes them. */
  async closeContexts(): Promise<void> {
    const contexts = this.opened.splice(0);
    await Promise.all(contexts.map(({ context }) => context.close()));
    expect(contexts.flatMap(({ faults }) => faults)).toEqual([]);
  }
}

/** A device of somebody in a browser. */
export class TestContext {
  /** Exceptions, refusals of the policy and errors that pages of this device have had. */
  readonly faults: string[] = [];

  constructor(
    readonly context: BrowserContext,
    private readonly world: Pick<Reach, 'url'>,
  ) {
    context.on('weberror', (error) => this.faults.push(error.error().stack ?? String(error.error())));
    context.on('console', (message) => {
      // The browser itself tells of answers that are no success, and of a network that is switched off.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        this.faults.push(message.text());
      }
    });
  }

  /** Signs in as the app does, without its screens. */
  async signIn(app: WebApp, username: string): Promise<void> {
    const answer = await this.context.request.post(`${this.world.url}/api/sessions`, {
      headers: { 'X-Colloquio-App': app, origin: this.world.url },
      data: { username, password },
    });
    expect(answer.status()).toBe(201);
    await this.context.addInitScript((key) => {
      // An empty page keeps nothing.
      if ((globalThis as unknown as { location: URL }).location.protocol === 'about:') return;
      // Only once: after logging out nothing is to bring it back.
      if (sessionStorage.getItem(`test-${key}-set`)) return;
      sessionStorage.setItem(`test-${key}-set`, '1');
      localStorage.setItem(key, '1');
    }, `colloquio-${app}-here`);
  }

  async page(path: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(this.world.url + path);
    return page;
  }

  /** The network is gone, or back. */
  async offline(isOffline: boolean): Promise<void> {
    await this.context.setOffline(isOffline);
  }
}
